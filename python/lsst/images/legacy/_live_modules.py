# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Modules of the LSST Science Pipelines, imported at the first conversion."""

from __future__ import annotations

__all__ = ("is_kind", "message_of", "stack_module")

import importlib
from typing import Any

from ..errors import MissingOptionalDependencyError


def stack_module(name: str) -> Any:
    """Import a module.

    Parameters
    ----------
    name
        Its name below ``lsst``: ``geom``, ``afw.image``...

    Returns
    -------
    module
        The module.

    Raises
    ------
    MissingOptionalDependencyError
        If it is not installed.
    """
    try:
        return importlib.import_module(f"lsst.{name}")
    except ImportError as err:
        raise MissingOptionalDependencyError(
            f"This conversion needs the package lsst.{name} of the LSST Science Pipelines, which is not "
            "installed."
        ) from err


def is_kind(legacy: Any, *names: str) -> bool:
    """Return whether an object is an instance of one of some classes.

    Parameters
    ----------
    legacy
        The object.
    *names
        Names of the classes; their packages are not imported.
    """
    return any(base.__name__ in names for base in type(legacy).__mro__)


def message_of(err: Exception) -> str:
    """Return the text of an exception, without the position in the C++ source that afw puts before it.

    Parameters
    ----------
    err
        The exception.
    """
    lines = [line for line in str(err).splitlines() if line.strip() and not line.startswith("File ")]
    return " ".join(line.strip() for line in lines) or type(err).__name__
