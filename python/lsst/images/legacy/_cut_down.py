# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of Astropy HDU lists with the pixels of an image only.

Services that cut out pixels keep image, mask and variance of a file of ours or
of `lsst.afw`, and drop the rest.
"""

from __future__ import annotations

__all__ = ("from_hdu_list",)

import warnings
from typing import Any

import astropy.units as u
import numpy as np

from .._exposures import VisitImage
from .._geom import Box
from .._pixels import Image, Mask, MaskedImage, MaskSchema
from .._pixels._bits import merge_planes
from .._transforms import Frame, Projection
from ..errors import ImagesError, LegacyValueError, LossyConversionWarning
from ..fits import ExtensionKey, FitsOpaqueMetadata, RawHeader, read_yx0, suppress_fits_card_warnings
from ..serialization import attach, parse_unit
from ._file import align_plane
from ._header_wcs import header_wcs
from ._planes import PLANE_CARD, as_mask_pixels, integer_bits, make_mask, map_planes, name_unnamed_bits

_PLANES = ("IMAGE", "MASK", "VARIANCE")


def from_hdu_list(hdus: Any, pytype: type, frame: Frame | None) -> Any:
    """Convert an HDU list to an image or masked image.

    Parameters
    ----------
    hdus
        An Astropy HDU list; it is not changed.
    pytype
        `Image`, or `MaskedImage` or a subclass.
    frame
        Frame of the pixels for the projection; `None` omits the projection.

    Raises
    ------
    ValueError
        If HDUs are missing, or their headers do not identify them.
    """
    passthrough = FitsOpaqueMetadata()
    passthrough.add_cutdown_primary_header(hdus[0].header)
    if not issubclass(pytype, MaskedImage):
        hdu = hdus[0] if len(hdus) == 1 else hdus[1]
        image = _make_image(hdu, passthrough, "IMAGE", 1, _make_projection(hdu, frame))
        result: Any = image
    else:
        result = _make_masked_image(hdus, pytype, frame, passthrough)
    attach(result, passthrough=passthrough)
    return result


def _make_masked_image(hdus: Any, pytype: type, frame: Frame | None, passthrough: FitsOpaqueMetadata) -> Any:
    found: dict[str, list[Any]] = {name: [] for name in _PLANES}
    for hdu in hdus[1:]:
        if (name := str(hdu.header.get("EXTNAME", "")).strip().upper()) in found:
            found[name].append(hdu)
    if len(found["MASK"]) > 1:
        raise LegacyValueError(
            f"A masked image supports only a single MASK extension; the HDU list has {len(found['MASK'])}."
        )
    if missing := [name for name, same in found.items() if not same]:
        raise LegacyValueError(
            f"The HDU list does not have the extensions {missing}; a masked image needs all of {_PLANES}."
        )
    projection = _make_projection(found["IMAGE"][0], frame)
    image = _make_image(found["IMAGE"][0], passthrough, "IMAGE", 1, projection)
    variance = _make_image(found["VARIANCE"][0], passthrough, "VARIANCE", 2, None, image.bbox)
    if variance.unit is None or image.unit is None:
        variance = variance.view(unit=None if image.unit is None else image.unit**2)
    mask = _make_mask(found["MASK"][0], passthrough, image.bbox)
    keywords = {"allow_missing": True} if issubclass(pytype, VisitImage) else {}
    return pytype(image, mask=mask, variance=variance, projection=projection, **keywords)


def _bbox(hdu: Any, image: Box | None = None) -> Box:
    if hdu.data is None or hdu.data.ndim != 2:
        raise LegacyValueError(f"HDU {hdu.name!r} is not a two-dimensional image.")
    box = Box.from_shape(hdu.data.shape, start=read_yx0(hdu.header))
    return box if image is None else align_plane(box, image, f"HDU {hdu.name!r}")


def _native(array: np.ndarray) -> np.ndarray:
    return np.asarray(array, dtype=array.dtype.newbyteorder("="))


def _make_image(
    hdu: Any,
    passthrough: FitsOpaqueMetadata,
    name: str,
    power: int,
    projection: Projection[Any] | None,
    image: Box | None = None,
) -> Image:
    text = hdu.header.get("BUNIT")
    unit: u.UnitBase | None = parse_unit(text.strip()) if isinstance(text, str) and text.strip() else None
    isr_unit = passthrough.get_instrumental_unit()
    if isr_unit == u.electron and unit == u.adu**power:
        unit = u.electron**power
    _keep_header(hdu, passthrough, name)
    return Image(_native(hdu.data), bbox=_bbox(hdu, image), unit=unit, projection=projection)


def _keep_header(hdu: Any, passthrough: FitsOpaqueMetadata, name: str) -> None:
    passthrough.add_raw(ExtensionKey(name), RawHeader.from_header(hdu.header, has_unit=True))


def _make_mask(hdu: Any, passthrough: FitsOpaqueMetadata, image: Box) -> Mask:
    header, bbox = hdu.header, _bbox(hdu, image)
    pixels = as_mask_pixels(_native(hdu.data), "MASK")
    bits = integer_bits({str(key): value for key, value in header.items() if str(key).startswith(PLANE_CARD)})
    if any(str(key).startswith("MSKN") for key in header):
        _keep_header(hdu, passthrough, "MASK")
        return _make_named_mask(pixels, header, bbox)
    if not bits:
        raise LegacyValueError(
            "The header of the MASK extension has neither MSKN nor MP_ cards, so it "
            "cannot reconstruct the mask schema."
        )
    mask = make_mask(pixels, bits, bbox, name="the MASK extension")
    _keep_plane_cards(hdu, bits, int(np.bitwise_or.reduce(pixels, axis=None)), mask, passthrough)
    return mask


def _make_named_mask(pixels: np.ndarray, header: Any, bbox: Box) -> Mask:
    """Convert a mask of this package, whose bits may be defined by cards."""
    schema = MaskSchema.from_fits_header(header)
    stored: list[Any] = [None] * 32
    for n, plane in enumerate(schema):
        value = int(header.get(f"MSKM{n:04d}", 1 << n)) & 0xFFFFFFFF
        if plane is not None and value.bit_count() == 1:
            stored[value.bit_length() - 1] = plane
    named = [bit for bit, plane in enumerate(stored) if plane is not None]
    used = int(np.bitwise_or.reduce(pixels, axis=None))
    if unnamed := name_unnamed_bits(named, used, schema.names, "the MASK extension"):
        schema = MaskSchema((*schema, *unnamed.values()), dtype=schema.dtype)
        for bit, plane in unnamed.items():
            stored[bit] = plane
    array = np.zeros((*pixels.shape, schema.mask_size), dtype=schema.dtype)
    source = MaskSchema(stored, dtype=np.uint32)
    merge_planes(pixels[..., np.newaxis], source, array, schema, source.names)
    return Mask(array, schema=schema, bbox=bbox)


def _keep_plane_cards(
    hdu: Any, bits: dict[str, int], used: int, mask: Mask, passthrough: FitsOpaqueMetadata
) -> None:
    """Store the cards of afw mask planes with the bits of the new schema."""
    planes = map_planes(bits, used, None, keep_unset=False, name="the MASK extension")
    names = [None if plane is None else plane.name for plane in mask.schema]
    with suppress_fits_card_warnings():
        header = RawHeader.from_header(hdu.header, has_unit=True).parse()
        for legacy in bits:
            if legacy in planes:
                header[f"HIERARCH {PLANE_CARD}{legacy}" if len(legacy) > 5 else f"{PLANE_CARD}{legacy}"] = (
                    names.index(planes[legacy].name)
                )
    passthrough.add_header(header, key=ExtensionKey("MASK"))


def _make_projection(hdu: Any, frame: Frame | None) -> Projection[Any] | None:
    if frame is None or "CTYPE1" not in hdu.header:
        return None
    bbox = _bbox(hdu)
    try:
        wcs = header_wcs(hdu.header)
        return Projection.from_fits_wcs(wcs, frame, pixel_bounds=bbox, x0=bbox.x.start, y0=bbox.y.start)
    except (ImagesError, ValueError, MemoryError, KeyError, TypeError) as err:
        warnings.warn(f"The FITS WCS is invalid and omitted: {err}", LossyConversionWarning, stacklevel=2)
        return None
