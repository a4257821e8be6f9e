# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of images, masks and masked images from and to `lsst.afw.image`."""

from __future__ import annotations

__all__ = (
    "image_from",
    "image_to",
    "mask_from",
    "mask_to",
    "masked_image_from",
    "masked_image_to",
)

from collections.abc import Mapping
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import XY, Box
from .._pixels import Image, Mask, MaskedImage, MaskPlane
from .._transforms import Projection
from ..errors import LegacyConversionError
from ._live_geom import box_to, point_to
from ._live_modules import stack_module
from ._planes import make_mask

PIXEL_TYPES = ("float32", "float64", "int32", "uint16", "uint64")
"""Pixel types of `lsst.afw.image`."""

MAX_PLANES = 32
"""Maximum number of planes of a mask of `lsst.afw`."""


def image_from(
    legacy: Any, pytype: type, *, unit: u.UnitBase | None = None, projection: Projection[Any] | None = None
) -> Image:
    """Convert an afw image, whose memory is shared.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Image`.
    unit
        Unit of the pixels.
    projection
        Sky projection.
    """
    if not hasattr(legacy, "array") or not hasattr(legacy, "getBBox"):
        raise LegacyConversionError(f"Expected an image of lsst.afw, not a {type(legacy).__name__}.")
    return Image(legacy.array, bbox=Box.from_legacy(legacy.getBBox()), unit=unit, projection=projection)


def mask_from(
    legacy: Any,
    pytype: type,
    *,
    plane_map: Mapping[str, MaskPlane] | None = None,
    default_planes: Mapping[str, MaskPlane] | None = None,
    projection: Projection[Any] | None = None,
    bbox: Box | None = None,
) -> Mask:
    """Convert an afw mask; the pixels are copied.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `Mask`.
    plane_map
        New planes by legacy name; by default a known set of planes is chosen.
    default_planes
        Planes to use by default, in place of a chosen set.
    projection
        Sky projection.
    bbox
        Box that replaces the one of the mask.
    """
    if not hasattr(legacy, "getMaskPlaneDict"):
        raise LegacyConversionError(f"Expected a mask of lsst.afw, not a {type(legacy).__name__}.")
    # The planes of the class may differ from those of this mask.
    bits = {str(name): int(bit) for name, bit in legacy.getMaskPlaneDict().items()}
    pixels = np.ascontiguousarray(legacy.array, dtype=np.int32).view(np.uint32)
    box = Box.from_legacy(legacy.getBBox()) if bbox is None else bbox
    return make_mask(
        pixels,
        bits,
        box,
        plane_map=plane_map,
        default_planes=default_planes,
        projection=projection,
        name="an lsst.afw mask",
    )


def masked_image_from(
    legacy: Any,
    pytype: type,
    *,
    unit: u.UnitBase | None = None,
    plane_map: Mapping[str, MaskPlane] | None = None,
    default_planes: Mapping[str, MaskPlane] | None = None,
    projection: Projection[Any] | None = None,
) -> MaskedImage:
    """Convert an afw masked image; image and variance share their memory.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `MaskedImage`.
    unit
        Unit of the image.
    plane_map, default_planes
        As for `mask_from`.
    projection
        Sky projection.
    """
    if not all(hasattr(legacy, name) for name in ("image", "mask", "variance")):
        raise LegacyConversionError(f"Expected a masked image of lsst.afw, not a {type(legacy).__name__}.")
    image = image_from(legacy.image, Image, unit=unit, projection=projection)
    # The planes may have different origins; that of the image is used.
    mask = mask_from(legacy.mask, Mask, plane_map=plane_map, default_planes=default_planes, bbox=image.bbox)
    variance = Image(legacy.variance.array, bbox=image.bbox, unit=None if unit is None else unit**2)
    return MaskedImage(image, mask=mask, variance=variance, projection=projection)


def image_to(obj: Image, *, copy: bool | None = None) -> Any:
    """Convert to an afw image.

    Parameters
    ----------
    obj
        The image.
    copy
        Whether to copy pixels; `None` copies if afw cannot share them.
    """
    return _as_afw_image(obj.array, obj.bbox, copy)


def _as_afw_image(array: np.ndarray, bbox: Box, copy: bool | None) -> Any:
    dtype = array.dtype.newbyteorder("=")
    if dtype.name not in PIXEL_TYPES:
        raise LegacyConversionError(
            f"lsst.afw does not have images of type {dtype.name}; it has {', '.join(PIXEL_TYPES)}."
        )
    # afw rejects other arrays even for a copy.
    shareable = (
        array.flags.writeable
        and array.dtype.isnative
        and array.flags.aligned
        and array.strides[1] == array.itemsize
    )
    if copy is False and not shareable:
        raise LegacyConversionError(
            "These pixels are read-only, or not in the memory order of lsst.afw, so it cannot share "
            "them; use copy=None or copy=True."
        )
    if copy or not shareable:
        array = np.array(array, dtype=dtype, order="C")
    origin = point_to(XY(bbox.x.start, bbox.y.start), form="Point2I")
    return stack_module("afw.image").Image(array, dtype=np.dtype(dtype), deep=False, xy0=origin)


def mask_to(obj: Mask, *, plane_map: Mapping[str, MaskPlane] | None = None) -> Any:
    """Convert to an afw mask.

    Parameters
    ----------
    obj
        The mask.
    plane_map
        New planes by legacy name; other planes keep their names.
    """
    inverse = {plane.name: legacy for legacy, plane in (plane_map or {}).items()}
    names = {name: inverse.get(name, name) for name in obj.schema.names}
    legacy = stack_module("afw.image").Mask(box_to(obj.bbox))
    bits = _add_planes(legacy, list(names.values()))
    pixels = np.zeros(obj.bbox.shape, dtype=np.uint32)
    for name, legacy_name in names.items():
        pixels |= obj.get(name).astype(np.uint32) << np.uint32(bits[legacy_name])
    # The highest bit does not fit into a signed integer.
    legacy.array[...] = pixels.view(np.int32)
    return legacy


def _add_planes(legacy: Any, names: list[str]) -> dict[str, int]:
    """Add planes to the mask class of afw if necessary, and return their bits."""
    known = {str(name): int(bit) for name, bit in legacy.getMaskPlaneDict().items()}
    if len(known.keys() | set(names)) > MAX_PLANES:
        raise LegacyConversionError(
            f"A mask of lsst.afw has {MAX_PLANES} planes; with {sorted(set(names) - known.keys())} there "
            f"would be {len(known.keys() | set(names))}."
        )
    for name in names:
        if name not in known:
            known[name] = int(legacy.addMaskPlane(name))
    return known


def masked_image_to(
    obj: MaskedImage,
    *,
    copy: bool | None = None,
    plane_map: Mapping[str, MaskPlane] | None = None,
) -> Any:
    """Convert to an afw masked image.

    Parameters
    ----------
    obj
        The masked image.
    copy
        As for `image_to`.
    plane_map
        As for `mask_to`.
    """
    image = image_to(obj.image, copy=copy)
    mask = mask_to(obj.mask, plane_map=plane_map)
    values = obj.variance.array
    if values.dtype != np.float32:
        if copy is False:
            raise LegacyConversionError(
                f"A variance of type {values.dtype.name} cannot be shared with lsst.afw, which needs float32."
            )
        values = values.astype(np.float32)
    variance = _as_afw_image(values, obj.bbox, copy)
    dtype = np.dtype(obj.image.array.dtype.newbyteorder("="))
    return stack_module("afw.image").MaskedImage(image, mask, variance, dtype=dtype)
