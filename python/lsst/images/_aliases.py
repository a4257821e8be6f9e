# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Aliases of names, for compatibility.

The names of the first release (`Projection`, ``projection``, ``start``) are
canonical.  Files, the default configuration of the Butler and newer code use
other names (``SkyProjection``, ``sky_projection``, ``yx0``).  This module
contains the code that supports both, so that aliases can be removed together.
"""

from __future__ import annotations

__all__ = (
    "COMPONENT_ALIASES",
    "accepts_aliases",
    "accepts_legacy_names",
    "alias_property",
    "moved_names",
)

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

COMPONENT_ALIASES = {"projection": "sky_projection", "start": "yx0"}
"""Component names that are accepted as aliases of the names in the schemas."""


def _models(*names: str) -> dict[str, str]:
    """Return the places of serialization models that are expected in the package of their type."""
    return {f"{name}SerializationModel": f"lsst.images.models:{name}SerializationModel" for name in names}


MOVED = {
    "lsst.images._cell_grid": {"CellIJ": "lsst.images._geom:CellIJ"},
    "lsst.images._geom": {"BoundsError": "lsst.images.errors:BoundsError"},
    "lsst.images._transforms._ast": {
        "FitsChan": "lsst.images._transforms._ast_channels:FitsChan",
        "FrameSet": "lsst.images._transforms._ast_channels:FrameSet",
        "StringStream": "lsst.images._transforms._ast_channels:StringStream",
    },
    "lsst.images._transforms": {
        "ProjectionAstropyView": "lsst.images._transforms._astropy_view:ProjectionAstropyView",
        "SkyProjectionAstropyView": "lsst.images._transforms._astropy_view:ProjectionAstropyView",
    },
    "lsst.images.cameras": _models("Detector"),
    "lsst.images.cells": _models(
        "CellApertureCorrectionMap", "CellCoadd", "CellPointSpreadFunction", "CoaddProvenance"
    ),
    "lsst.images.convolution_kernels": _models("ImageBasisConvolutionKernel"),
    "lsst.images.fields": _models(
        "ApertureCorrectionMap",
        "BackgroundMap",
        "ChebyshevField",
        "CoaddField",
        "Field",
        "ProductField",
        "SplineField",
        "SumField",
    ),
    "lsst.images.fits": {
        "ExtensionHDU": "lsst.images.fits._archive._astropy_hdus:ExtensionHDU",
        "FitsOutputArchive": "lsst.images.fits._archive._output_archive:FitsOutputArchive",
        "Finding": "lsst.images.fits._archive._verify_report:Finding",
        "ReadResult": "lsst.images.io:ReadResult",
        "VerifyReport": "lsst.images.fits._archive._verify_report:VerifyReport",
        "read": "lsst.images.io:read_fits",
        "parse_legacy_bunit": "lsst.images.legacy._bunit:parse_legacy_bunit",
        "verify": "lsst.images.fits._archive._verify:verify",
        "write": "lsst.images.io:write_fits",
    },
    "lsst.images.fits._input_archive": {
        "FitsInputArchive": "lsst.images.fits._archive._input_archive:FitsInputArchive",
    },
    "lsst.images.fits.formatters": {
        "GenericFormatter": "lsst.images.formatters:GenericFormatter",
        "ImageFormatter": "lsst.images.formatters:GenericFormatter",
        "MaskedImageFormatter": "lsst.images.formatters:GenericFormatter",
        "VisitImageFormatter": "lsst.images.formatters:GenericFormatter",
    },
    "lsst.images.json": {
        "JsonInputArchive": "lsst.images.json._input_archive:JsonInputArchive",
        "JsonOutputArchive": "lsst.images.json._output_archive:JsonOutputArchive",
        "write": "lsst.images.io:write_json",
    },
    "lsst.images.ndf": {
        "HdsNameShrinker": "lsst.images.ndf._names:HdsNameShrinker",
        "NdfInputArchive": "lsst.images.ndf._input_archive:NdfInputArchive",
        "NdfOutputArchive": "lsst.images.ndf._output_archive:NdfOutputArchive",
        "NdfPointerModel": "lsst.images.ndf._pointer:NdfPointerModel",
        "archive_path_to_hdf5_path": "lsst.images.ndf._names:archive_path_to_hdf5_path",
        "archive_path_to_hdf5_path_components": (
            "lsst.images.ndf._names:archive_path_to_hdf5_path_components"
        ),
        "read_starlink": "lsst.images.ndf._verbs:read_starlink",
        "write": "lsst.images.io:write_ndf",
    },
    "lsst.images.psfs": _models("CoaddPSF", "GaussianPSF", "KernelPSF", "PSF", "PSFEx", "Piff", "WarpedPSF"),
    "lsst.images.serialization": {
        "Backend": "lsst.images.io:Backend",
        "ButlerInfo": "lsst.images.butler:ButlerInfo",
        "OpaqueArchiveMetadata": "lsst.images.serialization._attachments:PassthroughMetadata",
        "Reader": "lsst.images.io:Reader",
        "backend_for_name": "lsst.images.io:backend_for_name",
        "backend_for_path": "lsst.images.io:backend_for_path",
        "backend_for_stream": "lsst.images.io:backend_for_stream",
        "open": "lsst.images.io:open_archive",
        "open_archive": "lsst.images.io:open_archive",
        "read": "lsst.images.io:read",
        "read_archive": "lsst.images.io:read",
        "write_archive": "lsst.images.io:write",
    },
}
"""Public names that are expected in another module than the one that defines them, by
module: a higher layer defines them, or their module imports large packages."""


def moved_names(module: str) -> Callable[[str], Any]:
    """Return a ``__getattr__`` function for names that another module defines.

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
    """Accept aliases of keyword arguments.

    Parameters
    ----------
    **aliases
        Canonical keyword of the decorated function, and its alias.

    Returns
    -------
    decorator
        Decorator.  The decorated function raises `TypeError` if a caller passes
        both names of one argument.
    """
    canonical = {other: name for name, other in aliases.items()}

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
            for other in canonical.keys() & kwargs.keys():
                name = canonical[other]
                if name in kwargs:
                    raise TypeError(
                        f"{function.__qualname__}() got both {name!r} and {other!r}, which are aliases of "
                        "one argument; pass only one of them."
                    )
                kwargs[name] = kwargs.pop(other)
            return function(*args, **kwargs)

        return wrapper

    return decorate


def accepts_legacy_names(function: Callable[P, R]) -> Callable[P, R]:
    """Accept a keyword such as ``legacy_psf`` in place of ``legacy``.

    Parameters
    ----------
    function
        Function that converts an object of `lsst.afw`, its argument ``legacy``.

    Returns
    -------
    wrapper
        The function, which also accepts one keyword that starts with ``legacy_``.
    """
    own = inspect.signature(function).parameters

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        for name in [name for name in kwargs if name.startswith("legacy_") and name not in own]:
            if "legacy" in kwargs:
                raise TypeError(f"{function.__qualname__}() got both 'legacy' and {name!r}; pass only one.")
            kwargs["legacy"] = kwargs.pop(name)
        return function(*args, **kwargs)

    return wrapper


def alias_property(name: str) -> Any:
    """Return a read-only property that is an alias of another attribute.

    Parameters
    ----------
    name
        Canonical name of the attribute.

    Returns
    -------
    property
        Property, typed as `typing.Any`; the type is that of the attribute.
    """
    return property(lambda self: getattr(self, name), doc=f"Alias of ``{name}``.")
