# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images out of astropy's NDData and CCDData."""

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
from ..errors import LossyConversionWarning
from ..serialization import attach_from
from ._kept import META_KEY, Kept
from ._place import find_place

MASKED = MaskPlane("MASKED", "Pixel was masked by other software, which does not say why.")
"""Plane of pixels whose boolean mask no plane explains."""


def from_ccddata(ccd: NDData, cls: type[Any] | None = None, *, start: Sequence[int] | None = None) -> Any:
    """Convert a CCDData or other two-dimensional NDData.

    Parameters
    ----------
    ccd
        What `to_ccddata` or `to_nddata` made, a slice of it, or anything like
        it from elsewhere.
    cls
        Type wanted: `~lsst.images.Image` or `~lsst.images.MaskedImage`, or the
        type that ``ccd`` was made of, which is the default.  For objects from
        elsewhere, it is an image if they have neither mask nor uncertainty.
    start
        Absolute coordinates ``(y, x)`` of the first pixel.  By default, they
        are found out from the WCS of slices, and from cards ``LTV1`` and
        ``LTV2`` of objects from elsewhere, else zeros.

    Returns
    -------
    image
        Shares the pixels of ``ccd``, but not the mask.

    Raises
    ------
    GeometryError
        If the data is not two-dimensional, or if it has another shape than
        what it was made of and neither WCS nor ``start`` tell why.
    TypeError
        If the uncertainty is of a kind that has no variance, or ``cls`` needs
        more than ``ccd`` has.

    Notes
    -----
    Pixels, units, uncertainty and metadata are those of ``ccd``.  Planes come
    back as they were, except that where the boolean mask was changed, the
    planes it was made of are cleared, or the plane `MASKED` is added and set.
    Without an uncertainty, variances are one.
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
            warnings.warn("An Image has no place for the mask.", LossyConversionWarning, stacklevel=2)
        result = image
    else:
        raise TypeError(f"NDData converts to an Image or a MaskedImage, not to {cls!r}.")
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
        raise TypeError(
            f"A {cls.__name__} has more parts than this {type(ccd).__name__}, which was not made of one; "
            "convert to a MaskedImage."
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
    planes = {MASKED.name: ccd.mask}
    if isinstance(flags, FlagCollection):
        planes |= flags
    elif flags is not None:
        warnings.warn(
            "Flags that are no FlagCollection have no names; they are left out.",
            LossyConversionWarning,
            stacklevel=3,
        )
    schema = MaskSchema(
        MASKED if name == MASKED.name else MaskPlane(str(name), f"Flag {name} of other software.")
        for name in planes
    )
    mask = Mask(0, schema=schema, bbox=bbox)
    for name, values in planes.items():
        if values is not None:
            mask.set(str(name), np.broadcast_to(np.asarray(values, dtype=bool), bbox.shape))
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
    # A header may repeat COMMENT and HISTORY, which it hands out as objects.
    plain = (str, int, float, bool, list, dict, type(None))
    return {
        key: value if isinstance(value, plain) else str(value)
        for key, value in dict(meta).items()
        if key != META_KEY
    }
