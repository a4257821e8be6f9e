# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Checks of transforms, projections, bounds and serialization models."""

from __future__ import annotations

__all__ = (
    "check_archive_tree_class_invariants",
    "check_astropy_wcs_interface",
    "check_bounds_contains_broadcasting",
    "check_projection",
    "check_transform",
    "iter_concrete_archive_tree_subclasses",
)

import re
from collections.abc import Iterator
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.wcs.wcsapi import BaseHighLevelWCS

from .._geom import XY, Bounds
from .._transforms import Frame, Projection, Transform
from ..plugins import registry
from ..serialization import ArchiveTree
from ._values import annotate_errors, assert_values_equal

DEFAULT_SKY_TOLERANCE = 1e-7 * u.deg
"""Angular separation that is due to rounding."""

DEFAULT_RELATIVE_TOLERANCE = 1e-9
"""Relative difference of coordinates that is due to rounding."""


def check_transform(
    transform: Transform[Any, Any],
    input_xy: XY[np.ndarray],
    output_xy: XY[np.ndarray],
    in_frame: Frame,
    out_frame: Frame,
    *,
    check_inverted: bool = True,
    in_atol: u.Quantity | float | None = None,
    out_atol: u.Quantity | float | None = None,
    angle_wrapped: bool = False,
) -> None:
    """Check that a transform maps points to others, and back.

    Parameters
    ----------
    transform
        The transform.
    input_xy, output_xy
        Points in the units of the frames.
    in_frame, out_frame
        The frames that the transform must have.
    check_inverted
        Whether to check ``transform.inverted()`` as well.
    in_atol, out_atol
        Absolute tolerances; a number is in the unit of the frame.  By default, coordinates are
        compared with a relative tolerance of 1e-9.
    angle_wrapped
        Whether output angles are compared modulo a full circle.

    Raises
    ------
    AssertionError
        If frames or points differ.
    """
    assert transform.in_frame == in_frame, f"in_frame: {transform.in_frame} differs from {in_frame}."
    assert transform.out_frame == out_frame, f"out_frame: {transform.out_frame} differs from {out_frame}."
    forward = transform.apply_forward(x=input_xy.x, y=input_xy.y)
    _compare_points(forward, output_xy, out_frame, out_atol, "forward", wrap=angle_wrapped)
    backward = transform.apply_inverse(x=output_xy.x, y=output_xy.y)
    _compare_points(backward, input_xy, in_frame, in_atol, "inverse", wrap=False)
    if check_inverted and not angle_wrapped:
        with annotate_errors("While checking the inverted transform."):
            check_transform(
                transform.inverted(),
                output_xy,
                input_xy,
                out_frame,
                in_frame,
                check_inverted=False,
                in_atol=out_atol,
                out_atol=in_atol,
            )


def _compare_points(
    found: XY[Any], expected: XY[Any], frame: Frame, atol: Any, label: str, *, wrap: bool
) -> None:
    tolerance = 0.0 if atol is None else u.Quantity(atol, None if hasattr(atol, "unit") else frame.unit)
    for axis in "xy":
        values = [u.Quantity(getattr(points, axis), frame.unit) for points in (found, expected)]
        rtol = DEFAULT_RELATIVE_TOLERANCE if atol is None and not wrap else 0.0
        limit = 1e-9 * u.rad if atol is None and wrap else tolerance
        assert_values_equal(*values, rtol=rtol, atol=limit, label=f"{label} {axis}", wrap_angles=wrap)


def check_projection(
    sky_projection: Projection[Any],
    pixel_xy: XY[np.ndarray],
    sky_coords: SkyCoord,
    pixel_frame: Frame,
    *,
    pixel_atol: float | None = None,
    sky_atol: u.Quantity | None = None,
) -> None:
    """Check that a projection maps pixels to the sky and back, also through its Astropy form.

    Parameters
    ----------
    sky_projection
        The projection.
    pixel_xy
        Pixels.
    sky_coords
        Their positions on the sky.
    pixel_frame
        Pixel frame that the projection must have.
    pixel_atol
        Tolerance in pixels; by default, relative 1e-9.
    sky_atol
        Tolerance of the separation on the sky; by default 1e-7 degrees.

    Raises
    ------
    AssertionError
        If a frame or a position differs.
    """
    frame = sky_projection.pixel_frame
    assert frame == pixel_frame, f"pixel_frame: {frame} differs from {pixel_frame}."
    _compare_sky(sky_projection.pixel_to_sky(x=pixel_xy.x, y=pixel_xy.y), sky_coords, sky_atol)
    _compare_pixels(sky_projection.sky_to_pixel(sky_coords), pixel_xy, pixel_atol)
    with annotate_errors("While checking the Astropy form of the projection."):
        check_astropy_wcs_interface(
            sky_projection.as_astropy(), pixel_xy, sky_coords, pixel_atol=pixel_atol, sky_atol=sky_atol
        )


def check_astropy_wcs_interface(
    wcs: BaseHighLevelWCS,
    pixel_xy: XY[np.ndarray],
    sky_coords: SkyCoord,
    *,
    pixel_atol: float | None = None,
    sky_atol: u.Quantity | None = None,
) -> None:
    """Check that an Astropy WCS maps pixels to the sky and back.

    Parameters
    ----------
    wcs
        The WCS.
    pixel_xy
        Pixels of its array.
    sky_coords
        Their positions on the sky.
    pixel_atol, sky_atol
        As for `check_projection`.

    Raises
    ------
    AssertionError
        If a position differs.
    """
    _compare_sky(wcs.pixel_to_world(pixel_xy.x, pixel_xy.y), sky_coords, sky_atol)
    _compare_pixels(XY(*wcs.world_to_pixel(sky_coords)), pixel_xy, pixel_atol)


def _compare_sky(found: SkyCoord, expected: SkyCoord, atol: u.Quantity | None) -> None:
    limit = DEFAULT_SKY_TOLERANCE if atol is None else atol
    assert_values_equal(found.icrs, expected.icrs, atol=limit, label="sky")


def _compare_pixels(found: XY[Any], expected: XY[Any], atol: float | None) -> None:
    for axis in "xy":
        values = [np.asarray(getattr(points, axis), dtype=float) for points in (found, expected)]
        rtol = DEFAULT_RELATIVE_TOLERANCE if atol is None else 0.0
        # Rounding near pixel 0 has the size of that of the other pixels.
        limit = (
            DEFAULT_RELATIVE_TOLERANCE * max(1.0, float(np.max(np.abs(values[1])))) if atol is None else atol
        )
        assert_values_equal(*values, rtol=rtol, atol=limit, label=f"pixel {axis}")


def check_bounds_contains_broadcasting(bounds: Bounds) -> None:
    """Check that ``contains`` of bounds accepts numbers and arrays, and broadcasts them.

    Parameters
    ----------
    bounds
        The bounds.

    Raises
    ------
    AssertionError
        If the result for arrays differs from those for their elements.
    """
    box = bounds.bbox
    y = np.linspace(box.y.min - 2, box.y.max + 2, 7)
    x = np.linspace(box.x.min - 2, box.x.max + 2, 5)
    table = bounds.contains(x=x[np.newaxis, :], y=y[:, np.newaxis])
    assert np.shape(table) == (7, 5), f"The result for shapes (1, 5) and (7, 1) has shape {np.shape(table)}."
    for i, row in enumerate(y.tolist()):
        for k, column in enumerate(x.tolist()):
            one = bounds.contains(x=column, y=row)
            assert isinstance(one, bool), f"The result for numbers is a {type(one).__name__}, not a bool."
            assert one == np.asarray(table)[i, k], f"x={column}, y={row}: the array has {not one}."


def iter_concrete_archive_tree_subclasses() -> Iterator[type[ArchiveTree]]:
    """Iterate over the serialization models of all registered schemas.

    Yields
    ------
    model
        The models, sorted by the name of their schema.
    """
    for name in sorted(registry.datasets()):
        if (model := registry.model_for_schema(name)) is not None:
            yield model


def check_archive_tree_class_invariants(tree_type: type[ArchiveTree]) -> None:
    """Check that a serialization model declares a schema, and is registered for it.

    Parameters
    ----------
    tree_type
        The model.

    Raises
    ------
    AssertionError
        If it does not.
    """
    name, version = tree_type.SCHEMA_NAME, tree_type.SCHEMA_VERSION
    assert name, f"{tree_type.__name__} has no SCHEMA_NAME."
    assert re.fullmatch(r"\d+\.\d+\.\d+(\.?dev\d+)?", version), f"SCHEMA_VERSION {version!r} is invalid."
    major = int(version.partition(".")[0])
    minimum = tree_type.MIN_READ_VERSION
    assert isinstance(minimum, int) and 0 < minimum <= max(major, 1), (
        f"MIN_READ_VERSION {minimum!r} is invalid for version {version}."
    )
    assert tree_type.SCHEMA_URL.endswith(f"/{name}-{version}"), f"SCHEMA_URL is {tree_type.SCHEMA_URL!r}."
    registered = registry.model_for_schema(name)
    assert registered is tree_type, f"Schema {name!r} is registered for {registered}."
    assert registry.pytype_for_schema(name) is not None, f"Schema {name!r} has no public type."
