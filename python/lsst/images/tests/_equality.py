# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Comparison of images, with messages that name the differing part."""

from __future__ import annotations

__all__ = (
    "assert_cell_coadds_equal",
    "assert_images_equal",
    "assert_masked_images_equal",
    "assert_masks_equal",
    "assert_obs_metadata_fields_equal",
    "assert_psfs_equal",
    "assert_visit_images_equal",
    "check_mask_differences",
    "check_sharing",
    "grid_points",
)

from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import pydantic

from .._components import components_of
from .._exposures import VisitImage
from .._geom import XY, YX, Box
from .._pixels import Image, Mask, MaskedImage
from ..cells import CellCoadd
from ..errors import ImagesError
from ..psfs import PointSpreadFunction
from ._values import annotate_errors, assert_values_equal

GRID_SIZE = 3
"""Number of default points along each axis."""


def grid_points(bbox: Box) -> XY[np.ndarray]:
    """Return a grid of points in a box.

    Parameters
    ----------
    bbox
        The box.

    Returns
    -------
    points
        Coordinates (shape ``(9,)`` each).
    """
    axes = [np.linspace(axis.min, axis.max, GRID_SIZE) for axis in (bbox.y, bbox.x)]
    y, x = np.meshgrid(*axes, indexing="ij")
    return XY(x.ravel(), y.ravel())


def check_sharing(a: np.ndarray, b: np.ndarray, expected: Any, label: str) -> None:
    """Assert that arrays share their memory, or do not.

    Parameters
    ----------
    a, b
        The arrays.
    expected
        Whether they share it; not checked if `None`.
    label
        Name of the arrays, for the message.
    """
    if expected is not None:
        shared = np.may_share_memory(a, b)
        assert shared == bool(expected), f"{label}: memory is {'' if shared else 'not '}shared."


def check_mask_differences(differences: Collection[tuple[str, tuple[int, int]]], label: str = "mask") -> None:
    """Raise an error if planes of two masks differ.

    Parameters
    ----------
    differences
        Name of each plane that differs, and the numbers of pixels set in the first mask only and in
        the second only.
    label
        Name of the mask, for the message and its notes.
    """
    if differences:
        err = AssertionError(f"{label}: pixels differ.")
        for name, (more, fewer) in differences:
            err.add_note(f"{label}[{name}]: +{more} -{fewer}")
        raise err


def assert_images_equal(
    a: Image,
    b: Image,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    expect_view: bool | Literal["array"] | None = None,
) -> None:
    """Assert that two images are equal.

    Parameters
    ----------
    a, b
        The images.
    rtol, atol
        Tolerances of the pixels.
    expect_view
        Whether the pixels, and unless it is ``"array"`` the metadata, are shared; not
        checked by default.

    Raises
    ------
    AssertionError
        If they differ; the message names the part.
    """
    assert a.bbox == b.bbox, f"bbox: {a.bbox} differs from {b.bbox}."
    assert a.unit == b.unit, f"unit: {a.unit} differs from {b.unit}."
    assert a.array.dtype == b.array.dtype, f"dtype: {a.array.dtype} differs from {b.array.dtype}."
    assert_values_equal(a.array, b.array, rtol=rtol, atol=atol, label="pixels")
    assert a.projection == b.projection, f"projection: {a.projection} differs from {b.projection}."
    _check_metadata(a, b)
    check_sharing(a.array, b.array, expect_view, "pixels")
    if expect_view is not None and expect_view != "array":
        shared = a._metadata is b._metadata
        assert shared == expect_view, f"metadata: they are {'' if shared else 'not '}shared."


def _check_metadata(a: Any, b: Any) -> None:
    first, second = dict(a.metadata.native), dict(b.metadata.native)
    try:
        np.testing.assert_equal(first, second)
    except AssertionError as err:
        raise AssertionError(f"metadata: {first} differs from {second}.") from err


def assert_masks_equal(a: Mask, b: Mask) -> None:
    """Assert that two masks are equal, in any order of their planes in memory.

    Parameters
    ----------
    a, b
        The masks.

    Raises
    ------
    AssertionError
        If they differ; notes name the planes, with the numbers of pixels set in one only.
    """
    assert a.bbox == b.bbox, f"bbox: {a.bbox} differs from {b.bbox}."
    check_mask_differences(a.compare(b).items())
    assert a.schema == b.schema, f"schema: {a.schema} differs from {b.schema}."
    assert a.projection == b.projection, f"projection: {a.projection} differs from {b.projection}."
    _check_metadata(a, b)


def assert_masked_images_equal(
    a: MaskedImage,
    b: MaskedImage,
    *,
    rtol: float = 0.0,
    atol: float = 0.0,
    expect_view: bool | None = None,
) -> None:
    """Assert that the planes and metadata of two masked images are equal.

    Parameters
    ----------
    a, b
        The masked images.
    rtol, atol
        Tolerances of the pixels of image and variance.
    expect_view
        Whether pixels are shared; not checked by default.

    Raises
    ------
    AssertionError
        If they differ; the message names the part.
    """
    for name in ("image", "variance"):
        with annotate_errors(f"While comparing the {name}."):
            first, second = getattr(a, name), getattr(b, name)
            assert_images_equal(first, second, rtol=rtol, atol=atol)
            check_sharing(first.array, second.array, expect_view, name)
    with annotate_errors("While comparing the mask."):
        assert_masks_equal(a.mask, b.mask)
        check_sharing(a.mask.array, b.mask.array, expect_view, "mask")
    assert a.projection == b.projection, f"projection: {a.projection} differs from {b.projection}."
    _check_metadata(a, b)


def assert_psfs_equal(
    psf1: PointSpreadFunction,
    psf2: PointSpreadFunction,
    points: YX[np.ndarray] | XY[np.ndarray] | None = None,
) -> int:
    """Assert that two PSFs have equal kernels.

    Parameters
    ----------
    psf1, psf2
        The PSFs.
    points
        Where to compare them; a grid by default.

    Returns
    -------
    count
        Number of points at which both could be evaluated.

    Raises
    ------
    AssertionError
        If they differ, or if one of them can be evaluated where the other cannot.
    """
    assert psf1.bounds == psf2.bounds, f"bounds: {psf1.bounds} differ from {psf2.bounds}."
    assert psf1.kernel_bbox == psf2.kernel_bbox, (
        f"kernel_bbox: {psf1.kernel_bbox} differs from {psf2.kernel_bbox}."
    )
    found = grid_points(psf1.bounds.bbox) if points is None else points
    count = 0
    for x, y in zip(np.ravel(found.x), np.ravel(found.y), strict=True):
        first, second = (_kernel_at(psf, x, y) for psf in (psf1, psf2))
        if first is None or second is None:
            assert first is second, f"Only one of the PSFs has a kernel at x={x}, y={y}."
            continue
        with annotate_errors(f"While comparing kernels at x={x}, y={y}."):
            assert_images_equal(first, second)
        count += 1
    return count


def _kernel_at(psf: PointSpreadFunction, x: float, y: float) -> Image | None:
    try:
        return psf.compute_kernel_image(x=float(x), y=float(y))
    except ImagesError:
        return None


def _assert_components_equal(a: Any, b: Any) -> None:
    for name in components_of(type(a)):
        first, second = (getattr(value, name, None) for value in (a, b))
        with annotate_errors(f"While comparing the component {name}."):
            if isinstance(first, PointSpreadFunction) and isinstance(second, PointSpreadFunction):
                assert_psfs_equal(first, second)
            else:
                _check_equal(first, second, name)


def _check_equal(a: Any, b: Any, name: str) -> None:
    assert _is_equal(a, b), f"{name}: {a!r} differs from {b!r}."


def _is_equal(a: Any, b: Any) -> bool:
    if a is b:
        return True
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_is_equal(a[key], b[key]) for key in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_is_equal, a, b))
    if isinstance(a, pydantic.BaseModel) and type(a) is type(b):
        return _is_equal(dict(a), dict(b))
    return bool(np.all(a == b)) or (isinstance(a, float) and a != a and b != b)


def assert_visit_images_equal(a: VisitImage, b: VisitImage, *, expect_view: bool | None = None) -> None:
    """Assert that two visit images, or difference images, are equal.

    Parameters
    ----------
    a, b
        The images.
    expect_view
        Whether pixels are shared; not checked by default.

    Raises
    ------
    AssertionError
        If they differ; the message names the component.
    """
    assert type(a) is type(b), f"type: {type(a).__name__} differs from {type(b).__name__}."
    assert_masked_images_equal(a, b, expect_view=expect_view)
    _assert_components_equal(a, b)


def assert_cell_coadds_equal(a: CellCoadd, b: CellCoadd, *, expect_view: bool | None = None) -> None:
    """Assert that two cell coadds are equal.

    Parameters
    ----------
    a, b
        The coadds.
    expect_view
        Whether pixels are shared; not checked by default.

    Raises
    ------
    AssertionError
        If they differ; the message names the component.
    """
    for name in ("grid", "patch", "skymap", "tract", "band", "unit"):
        _check_equal(getattr(a, name, None), getattr(b, name, None), name)
    assert_masked_images_equal(a, b, expect_view=expect_view)
    for name in ("mask_fractions", "noise_realizations"):
        planes = [getattr(value, name, None) for value in (a, b)]
        if planes[0] is None or planes[1] is None:
            assert planes[0] is planes[1], f"{name}: only one of the coadds has it."
            continue
        assert len(planes[0]) == len(planes[1]), f"{name}: numbers of planes differ."
        keys = list(planes[0]) if isinstance(planes[0], dict) else range(len(planes[0]))
        for key in keys:
            with annotate_errors(f"While comparing {name}[{key!r}]."):
                assert_images_equal(planes[0][key], planes[1][key])
    _assert_components_equal(a, b)


def assert_obs_metadata_fields_equal(actual: Any, expected: Any, *, label: str = "") -> None:
    """Assert that the properties of two observation informations are equal.

    Parameters
    ----------
    actual, expected
        Objects of `astro_metadata_translator.ObservationInfo`, or others with the same attributes.
    label
        Name of the values, for the message.

    Raises
    ------
    AssertionError
        If they differ; the message names the property.
    """
    names = getattr(expected, "all_properties", None) or vars(expected)
    for name in names:
        first, second = (getattr(value, name, None) for value in (actual, expected))
        with annotate_errors(f"While comparing {label}{'.' if label else ''}{name}."):
            if first is None or second is None:
                assert first is second, f"{name}: {first!r} differs from {second!r}."
            else:
                _check_equal(first, second, name)
