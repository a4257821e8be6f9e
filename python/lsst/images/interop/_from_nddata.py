# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert NDData and CCDData of astropy to images."""

from __future__ import annotations

__all__ = ("MASKED", "from_ccddata")

import warnings
from collections.abc import Sequence
from typing import Any

import astropy.units as u
import numpy as np
from astropy.nddata import FlagCollection, NDData, VarianceUncertainty

from .._components import AnnotatedImage
from .._geom import Box
from .._pixels import Image, Mask, MaskedImage, MaskPlane, MaskSchema
from .._transforms import Projection
from ..errors import InvalidArgumentError, LossyConversionWarning
from ..serialization import attach_from
from ._kept import META_KEY, Kept
from ._place import find_place

MASKED = MaskPlane("MASKED", "Pixel was masked by other software, which does not say why.")
"""Plane for pixels of a boolean mask that is not derived from mask planes."""


def from_ccddata(ccd: NDData, cls: type[Any] | None = None, *, start: Sequence[int] | None = None) -> Any:
    """Convert a CCDData or other two-dimensional NDData.

    Parameters
    ----------
    ccd
        Result of `to_ccddata` or `to_nddata`, a slice of it, or any other
        NDData.
    cls
        Type of the result: `~lsst.images.Image` or `~lsst.images.MaskedImage`,
        or the type that ``ccd`` was made from, which is the default.  For
        other NDData, the default is `~lsst.images.Image` if it has neither
        mask nor uncertainty, else `~lsst.images.MaskedImage`.
    start
        Absolute coordinates ``(y, x)`` of the first pixel.  By default, they
        are determined from the WCS for slices, and from the cards ``LTV1``
        and ``LTV2``, if present, for other NDData; else they are (0, 0).

    Returns
    -------
    image
        Shares the pixels of ``ccd``, but not the mask.

    Raises
    ------
    GeometryError
        If the data is not two-dimensional, or if its shape differs from that
        of the original image and neither the WCS nor ``start`` gives the
        offset.
    InvalidArgumentError
        If ``cls`` requires parts that ``ccd`` does not have.
    TypeError
        If the uncertainty cannot be converted to a variance.

    Notes
    -----
    Pixels, units, uncertainty and metadata are those of ``ccd``.  Mask planes
    are those of the original image, except where the boolean mask was
    changed: there its planes are cleared, or the plane `MASKED` is added and
    set.  Without an uncertainty, variances are one.
    """
    kept = ccd.meta.get(META_KEY)
    source = kept.source if isinstance(kept, Kept) else None
    cls = _default_type(ccd, source) if cls is None else cls
    place = find_place(ccd, kept if isinstance(kept, Kept) else None, start)
    if source is not None:
        source = source[place.bbox]
    image = _make_image(ccd, source, place.bbox, place.projection)
    result: Image | MaskedImage
    if issubclass(cls, MaskedImage):
        result = _make_masked(ccd, cls, image, source, kept)
    elif issubclass(cls, Image):
        if ccd.mask is not None and np.any(ccd.mask):
            warnings.warn(
                "The mask is discarded, because an Image does not have one.",
                LossyConversionWarning,
                stacklevel=2,
            )
        result = image
    else:
        raise InvalidArgumentError(f"NDData can be converted to an Image or a MaskedImage, not to {cls!r}.")
    result.metadata = _metadata(ccd.meta)
    if source is not None:
        attach_from(result, source, whole=False)
    return result


def _default_type(ccd: NDData, source: Any) -> type:
    plain = ccd.mask is None and ccd.uncertainty is None
    if source is not None and (plain or isinstance(source, MaskedImage)):
        return type(source)
    return Image if plain else MaskedImage


def _make_image(ccd: NDData, source: Any, bbox: Box, projection: Projection[Any] | None) -> Image:
    plane = source.image if isinstance(source, MaskedImage) else source
    unit = ccd.unit
    if plane is not None and plane.unit is None and unit == u.dimensionless_unscaled:
        unit = None
    return Image(
        np.asarray(ccd.data),
        bbox=bbox,
        unit=unit,
        projection=projection,
        obs_info=None if plane is None else plane._obs_info,
        metadata=None if plane is None else plane.metadata.copy(),
    )


def _make_masked(ccd: NDData, cls: type[MaskedImage], image: Image, source: Any, kept: Any) -> MaskedImage:
    if isinstance(source, MaskedImage):
        mask = _restore_mask(ccd.mask, source.mask, kept.mask_planes)
        metadata = source.variance.metadata.copy()
    else:
        mask = _new_mask(ccd, image.bbox)
        metadata = {}
    values = _variance(ccd, image.unit)
    variance = None if values is None else Image(values, bbox=image.bbox, metadata=metadata)
    if isinstance(source, cls) and isinstance(source, AnnotatedImage):
        if variance is None:
            variance = Image(1.0, bbox=image.bbox, dtype=np.float32)
        return source._assemble(image, mask, variance, metadata={}, components=source._component_values())
    if issubclass(cls, AnnotatedImage):
        raise InvalidArgumentError(
            f"This {type(ccd).__name__} was not made from a {cls.__name__}, and does not contain all of its "
            "parts; convert it to a MaskedImage."
        )
    return cls(image, mask=mask, variance=variance)


def _restore_mask(boolean: Any, mask: Mask, names: tuple[str, ...]) -> Mask:
    mask = mask.copy()
    if boolean is None:
        return mask
    wanted = np.broadcast_to(np.asarray(boolean, dtype=bool), mask.bbox.shape)
    explained = np.any(mask.array & mask.schema.bitmask(*names), axis=2)
    if np.any(cleared := explained & ~wanted):
        for name in names:
            mask.clear(name, cleared)
    if np.any(added := wanted & ~explained):
        if MASKED.name not in mask.schema:
            mask = mask.add_plane(MASKED.name, MASKED.description)
        mask.set(MASKED.name, added)
    return mask


def _new_mask(ccd: NDData, bbox: Box) -> Mask:
    flags = getattr(ccd, "flags", None)
    named: list[tuple[str, Any]] = [(MASKED.name, ccd.mask)]
    if isinstance(flags, FlagCollection):
        # A flag named MASKED is combined with the boolean mask.
        named += [(str(name), values) for name, values in flags.items()]
    elif flags is not None:
        warnings.warn(
            "The flags are ignored, because they are not a FlagCollection, which has names.",
            LossyConversionWarning,
            stacklevel=3,
        )
    schema = MaskSchema(
        MASKED if name == MASKED.name else MaskPlane(name, f"Flag {name} of other software.")
        for name in dict.fromkeys(name for name, _ in named)
    )
    mask = Mask(0, schema=schema, bbox=bbox)
    for name, values in named:
        if values is not None:
            mask.set(name, np.broadcast_to(np.asarray(values, dtype=bool), bbox.shape))
    return mask


def _variance(ccd: NDData, unit: u.UnitBase | None) -> np.ndarray | None:
    uncertainty = ccd.uncertainty
    if uncertainty is None:
        return None
    if not isinstance(uncertainty, VarianceUncertainty):
        uncertainty = uncertainty.represent_as(VarianceUncertainty)
    values = np.asarray(uncertainty.array)
    if unit is None or uncertainty.unit is None or uncertainty.unit == unit**2:
        return values
    return np.asarray(uncertainty.unit.to(unit**2, values))


def _metadata(meta: Any) -> dict[str, Any]:
    return {str(key): _plain(value) for key, value in dict(meta).items() if key != META_KEY}


def _plain(value: Any) -> Any:
    """Convert numpy values to the Python values that metadata may contain, and other objects to text."""
    if isinstance(value, np.ndarray):
        return _plain(value.item() if value.ndim == 0 else value.tolist())
    if isinstance(value, np.longdouble):  # its item() is not a Python float
        return float(value)
    if isinstance(value, np.generic) and value.dtype.kind in "biufU":
        return value.item()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    # A header returns COMMENT and HISTORY, which may be repeated, as objects.
    return value if isinstance(value, str | int | float | bool | None) else str(value)
