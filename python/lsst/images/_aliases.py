# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The second vocabulary, in one place.

The names of the first release (`Projection`, ``projection``, ``start``) are
canonical; files, the Butler's default configuration and younger code use
others (``SkyProjection``, ``sky_projection``, ``yx0``).  Everything that lets
both be spelled lives here, so that it can be deleted in one commit some day.
"""

from __future__ import annotations

__all__ = ("COMPONENT_ALIASES", "accepts_aliases", "alias_property", "moved_names")

import functools
import importlib
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPONENT_ALIASES = {"projection": "sky_projection", "start": "yx0"}
"""Component names that are accepted for a name the schemas use."""

MOVED = {
    "lsst.images.cells": {
        f"{name}SerializationModel": f"lsst.images.models:{name}SerializationModel"
        for name in (
            "CellApertureCorrectionMap",
            "CellCoadd",
            "CellPointSpreadFunction",
            "CoaddProvenance",
        )
    },
    "lsst.images.fits": {
        "ExtensionHDU": "lsst.images.fits._archive._astropy_hdus:ExtensionHDU",
        "ReadResult": "lsst.images.io:ReadResult",
        "read": "lsst.images.io:read_fits",
        "write": "lsst.images.io:write_fits",
    },
    "lsst.images.fits.formatters": {
        "GenericFormatter": "lsst.images.formatters:GenericFormatter",
        "ImageFormatter": "lsst.images.formatters:GenericFormatter",
        "MaskedImageFormatter": "lsst.images.formatters:GenericFormatter",
        "VisitImageFormatter": "lsst.images.formatters:GenericFormatter",
    },
    "lsst.images.json": {"write": "lsst.images.io:write_json"},
    "lsst.images.ndf": {"write": "lsst.images.io:write_ndf"},
    "lsst.images.serialization": {
        "Backend": "lsst.images.io:Backend",
        "ButlerInfo": "lsst.images.butler:ButlerInfo",
        "OpaqueArchiveMetadata": "lsst.images.serialization._attachments:PassthroughMetadata",
        "Reader": "lsst.images.io:Reader",
        "backend_for_name": "lsst.images.io:backend_for_name",
        "backend_for_path": "lsst.images.io:backend_for_path",
        "backend_for_stream": "lsst.images.io:backend_for_stream",
        "open_archive": "lsst.images.io:open_archive",
        "read_archive": "lsst.images.io:read",
        "write_archive": "lsst.images.io:write",
    },
}
"""Names that other code expects in a module below the one that has them."""


def moved_names(module: str) -> Callable[[str], Any]:
    """Make a module's ``__getattr__`` for names that live elsewhere.

    Parameters
    ----------
    module
        Name of the module.
    """

    def find(name: str) -> Any:
        if (place := MOVED[module].get(name)) is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        home, _, actual = place.partition(":")
        return getattr(importlib.import_module(home), actual)

    return find


def accepts_aliases(**aliases: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let callers spell keyword arguments in the other vocabulary.

    Parameters
    ----------
    **aliases
        Canonical keyword of the decorated function, and the other spelling.

    Returns
    -------
    decorator
        The decorated function raises `TypeError` when a caller uses both
        spellings of one argument.
    """
    canonical = {other: name for name, other in aliases.items()}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            for other in canonical.keys() & kwargs.keys():
                name = canonical[other]
                if name in kwargs:
                    raise TypeError(
                        f"{function.__qualname__}() got both {name!r} and {other!r}, two spellings of "
                        "one argument; give one of them."
                    )
                kwargs[name] = kwargs.pop(other)
            return function(*args, **kwargs)

        return wrapper

    return decorate


def alias_property(name: str) -> Any:
    """Make a read-only property that forwards to another attribute.

    Parameters
    ----------
    name
        Canonical name of the attribute.

    Returns
    -------
    property
        Typed as `typing.Any`, because the attribute it forwards to carries
        the type.
    """
    return property(lambda self: getattr(self, name), doc=f"The same as ``{name}``.")
