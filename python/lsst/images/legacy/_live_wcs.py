# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of projections and transforms from and to `lsst.afw`.

AST objects are exchanged as text, because starlink.Ast and astshim have
different types.
"""

from __future__ import annotations

__all__ = ("projection_from", "projection_to", "transform_from", "transform_to")

from typing import Any

from .._geom import Bounds
from .._transforms import Frame, Projection, Transform
from .._transforms._ast import AstMapping, starlink_ast
from ..errors import LegacyConversionError
from ._convert_wcs import make_projection
from ._live_modules import stack_module
from .afw_archive._wcs import LegacySkyWcs


def projection_from(
    legacy: Any, pytype: type, *, pixel_frame: Frame, pixel_bounds: Bounds | None = None
) -> Projection[Any]:
    """Convert a ``SkyWcs``.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Projection`.
    pixel_frame
        Frame of the pixels.
    pixel_bounds
        Bounds in which the projection is used.
    """
    if not hasattr(legacy, "getFrameDict"):
        raise LegacyConversionError(f"Expected a SkyWcs of lsst.afw, not a {type(legacy).__name__}.")
    approximation = legacy.getFitsApproximation() if legacy.hasFitsApproximation() else None
    record = LegacySkyWcs(
        legacy.getFrameDict().show(),
        None if approximation is None else approximation.getFrameDict().show(),
    )
    return make_projection(record, pixel_frame, pixel_bounds)


def projection_to(obj: Projection[Any]) -> Any:
    """Convert to a ``SkyWcs``.

    Parameters
    ----------
    obj
        The projection.
    """
    result = _make_sky_wcs(obj.pixel_to_sky_transform)
    if obj.fits_approximation is not None:
        approximation = _make_sky_wcs(obj.fits_approximation.pixel_to_sky_transform)
        result = result.copyWithFitsApproximation(approximation)
    return result


def _make_sky_wcs(transform: Transform[Any, Any]) -> Any:
    if not transform.ast_mapping.is_frame_set:
        raise LegacyConversionError(
            "A SkyWcs needs an AST frame set; this projection is a plain mapping, because it was made by "
            "chaining transforms."
        )
    astshim = stack_module_of_ast()
    frame_set = _prepare(transform.ast_mapping)
    text = AstMapping(frame_set).text
    return stack_module("afw.geom").SkyWcs(astshim.FrameDict(astshim.FrameSet.fromString(text)))


def _prepare(mapping: AstMapping) -> Any:
    """Set the domains of the frames as a ``SkyWcs`` requires.

    Only attributes that have other values are set: afw compares WCSs by their
    text, which shows whether an attribute was set or has its default.
    """
    frame_set = mapping.ast_object
    base, current = frame_set.Base, frame_set.Current
    domains = [frame_set.getframe(number).Domain for number in range(1, frame_set.Nframe + 1)]
    needed = {}
    if domains[base - 1] not in ("PIXELS", "ACTUAL_PIXELS"):
        needed[base] = "PIXELS"
    if domains[current - 1] != "SKY":
        needed[current] = "SKY"
    for number, domain in needed.items():
        frame_set.Current = number
        frame_set.Domain = domain
    if "IWC" not in domains:
        # The new frame becomes the current one.
        frame_set.addframe(base, starlink_ast.UnitMap(2), starlink_ast.Frame(2, "Domain=IWC"))
    if frame_set.Current != current or needed:
        frame_set.Current = current
    if current == frame_set.Nframe and needed:
        # The last frame is the current one by default.
        frame_set.clear("Current")
    return frame_set


def stack_module_of_ast() -> Any:
    """Import `astshim`.

    Returns
    -------
    module
        The module.

    Raises
    ------
    MissingOptionalDependencyError
        If it is not installed.
    """
    # SkyWcs needs astshim.
    stack_module("afw.geom")
    try:
        import astshim
    except ImportError as err:
        raise LegacyConversionError("The package astshim, which lsst.afw needs, is not installed.") from err
    return astshim


def transform_from(
    legacy: Any,
    pytype: type,
    *,
    in_frame: Frame,
    out_frame: Frame,
    in_bounds: Bounds | None = None,
    out_bounds: Bounds | None = None,
) -> Transform[Any, Any]:
    """Convert a ``TransformPoint2ToPoint2``.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Transform`.
    in_frame, out_frame, in_bounds, out_bounds
        As for `Transform`.
    """
    if not hasattr(legacy, "getMapping"):
        raise LegacyConversionError(f"Expected a transform of lsst.afw, not a {type(legacy).__name__}.")
    return Transform(in_frame, out_frame, legacy.getMapping().show(), in_bounds, out_bounds)


def transform_to(obj: Transform[Any, Any]) -> Any:
    """Convert to a ``TransformPoint2ToPoint2``.

    Parameters
    ----------
    obj
        The transform.
    """
    astshim = stack_module_of_ast()
    mapping = obj.ast_mapping
    kind = astshim.FrameSet if mapping.is_frame_set else astshim.Mapping
    return stack_module("afw.geom").TransformPoint2ToPoint2(kind.fromString(mapping.text), False)
