# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading images and masks from the pixel HDUs of `lsst.afw` files."""

from __future__ import annotations

__all__ = (
    "as_mask_pixels",
    "integer_bits",
    "make_mask",
    "map_planes",
    "name_unnamed_bits",
    "plane_bits",
    "read_image",
    "read_mask",
    "read_projection",
)

import warnings
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import numpy as np

from .._geom import Box
from .._pixels import Image, Mask, MaskPlane, MaskSchema
from .._pixels._bits import merge_planes
from .._pixels._legacy_planes import get_legacy_optional_mask_planes, guess_legacy_mask_planes
from .._transforms import Frame, Projection
from ..errors import ImagesError, InvalidFitsArchiveError, LossyConversionWarning, UnmappedMaskPlaneError
from ..fits import CardValue, ExtensionKey, FitsOpaqueMetadata, Hdu, PrecompressedImage
from ..serialization import attach
from ..utils import short_repr
from ._file import LegacyFile
from ._header_wcs import header_wcs
from .afw_archive._locate import find_keywords

PLANE_CARD = "MP_"
"""Prefix of the cards that name mask planes; the value is the bit."""

MASK_BITS = 32
"""Number of bits in a pixel of a mask of `lsst.afw`."""


def read_image(
    file: LegacyFile,
    hdu: Hdu,
    *,
    bbox: Box | None = None,
    power: int = 1,
    projection: Projection[Any] | None = None,
    preserve_quantization: bool = False,
) -> Image:
    """Read an image or variance plane.

    Parameters
    ----------
    file
        The open file.
    hdu
        The plane.
    bbox
        Part to read, in absolute pixels; `None` reads all.
    power
        Power of the unit: 1 for an image, 2 for a variance.
    projection
        Sky projection of the result.
    preserve_quantization
        Keep the table of a compressed plane too, so that the next write
        repeats it bit by bit.  Pixels are read-only, compressed or not.

    Raises
    ------
    BoxIndexError
        If the box is not inside the plane.
    CorruptArchiveError
        If the plane is damaged.
    """
    full = file.bbox(hdu)
    bbox = full if bbox is None else bbox
    array = _read_flat(hdu, bbox, full)
    result = Image(array, bbox=bbox, unit=file.unit(hdu, power=power), projection=projection)
    if preserve_quantization and bbox == full:
        array.flags.writeable = False
        if hdu.kind == "compressed_image":
            table = PrecompressedImage.from_hdu(hdu.header, hdu.read_data())
            name = "VARIANCE" if power == 2 else "IMAGE"
            attach(result, passthrough=FitsOpaqueMetadata(precompressed={name: table}))
    return result


def read_mask(
    file: LegacyFile,
    hdu: Hdu,
    *,
    bbox: Box | None = None,
    plane_map: Mapping[str, MaskPlane] | None = None,
    default_planes: Mapping[str, MaskPlane] | None = None,
    keep_unset: bool = False,
    projection: Projection[Any] | None = None,
) -> Mask:
    """Read a mask plane under the names of this package.

    Parameters
    ----------
    file
        The open file.
    hdu
        The plane.
    bbox
        Part to read, in absolute pixels; `None` reads all.
    plane_map
        New planes by their name in the file.  By default a known set of
        planes is chosen by the names; other planes keep their name.
    default_planes
        Planes to use by default, in place of a chosen set.
    keep_unset
        Whether planes that the default map does not have are kept even if no pixel
        has them.  Then the planes do not depend on the box.
    projection
        Sky projection of the result.

    Raises
    ------
    LegacyConversionError
        If a plane with set pixels is missing from ``plane_map``; it is also
        a `RuntimeError`.
    BoxIndexError
        If the box is not inside the plane.
    """
    full = file.bbox(hdu)
    bbox = full if bbox is None else bbox
    pixels = as_mask_pixels(_read_flat(hdu, bbox, full), str(ExtensionKey(hdu.name, hdu.ver)))
    return make_mask(
        pixels,
        plane_bits(hdu),
        bbox,
        plane_map=plane_map,
        default_planes=default_planes,
        keep_unset=keep_unset,
        projection=projection,
        name=file.name,
    )


def make_mask(
    pixels: np.ndarray,
    bits: Mapping[str, int],
    bbox: Box,
    *,
    plane_map: Mapping[str, MaskPlane] | None = None,
    default_planes: Mapping[str, MaskPlane] | None = None,
    keep_unset: bool = False,
    projection: Projection[Any] | None = None,
    name: str = "a mask",
) -> Mask:
    """Create a mask from pixels with a bit for each plane.

    Parameters
    ----------
    pixels
        Unsigned 32-bit integers, shape ``(ny, nx)``.
    bits
        Bits by legacy name.
    bbox
        Box of the pixels.
    plane_map, default_planes, keep_unset, projection
        As for `read_mask`.
    name
        Name of the converted object, for messages.

    Raises
    ------
    LegacyConversionError
        If a plane with set pixels is missing from ``plane_map``.

    Warns
    -----
    LossyConversionWarning
        If pixels have bits without a name, which become planes that are named
        after the bit.
    """
    used = int(np.bitwise_or.reduce(pixels, axis=None))
    planes = map_planes(
        bits, used, plane_map, default_planes=default_planes, keep_unset=keep_unset, name=name
    )
    # The map of the caller can have an entry for an unnamed bit.
    taken = {*bits, *(plane.name for legacy, plane in planes.items() if plane.name != legacy)}
    unnamed = name_unnamed_bits(bits.values(), used, taken, name)
    bits = {**bits, **{plane.name: bit for bit, plane in unnamed.items()}}
    planes |= {plane.name: plane for plane in unnamed.values() if plane.name not in planes}
    schema = MaskSchema(planes.values())
    array = np.zeros((*pixels.shape, schema.mask_size), dtype=schema.dtype)
    # Several planes can have the same bit; a schema has one plane for each bit.
    layers: list[dict[int, MaskPlane]] = [{}]
    for legacy, bit in bits.items():
        if legacy in planes:
            for layer in layers:
                if bit not in layer:
                    break
            else:
                layer = {}
                layers.append(layer)
            layer[bit] = planes[legacy]
    for layer in layers:
        stored = MaskSchema([layer.get(bit) for bit in range(MASK_BITS)], dtype=np.uint32)
        merge_planes(pixels[..., np.newaxis], stored, array, schema, stored.names)
    return Mask(array, schema=schema, bbox=bbox, projection=projection)


def name_unnamed_bits(
    named: Iterable[int], used: int, taken: Collection[str], name: str
) -> dict[int, MaskPlane]:
    """Create planes for bits that pixels have but no plane has, with a warning.

    Parameters
    ----------
    named
        Bits of other planes.
    used
        Bits that are set in any pixel.
    taken
        Names of other planes.
    name
        Name of the converted object, for messages.

    Returns
    -------
    planes
        New planes, by bit.
    """
    found: dict[int, MaskPlane] = {}
    for bit in sorted(set(range(MASK_BITS)).difference(named)):
        if used >> bit & 1:
            plane = f"BIT{bit}"
            while plane in taken:
                plane = f"UNNAMED_{plane}"
            found[bit] = MaskPlane(plane, f"Bit {bit} of the mask, which did not have a name.")
    if found:
        warnings.warn(
            f"The mask of {name} has pixels with the bits {list(found)}, which do not have a name; they are "
            f"kept as the planes {[plane.name for plane in found.values()]}.",
            LossyConversionWarning,
            stacklevel=3,
        )
    return found


def plane_bits(hdu: Hdu) -> dict[str, int]:
    """Return the bit of each plane in the header of a mask.

    Parameters
    ----------
    hdu
        The mask.
    """
    values = {keyword: hdu.cards.get(keyword) for keyword in find_keywords(hdu.cards, PLANE_CARD)}
    return integer_bits(values)


def integer_bits(cards: Mapping[str, CardValue]) -> dict[str, int]:
    """Return the bits of mask planes, without cards whose value is not the number of a bit.

    Parameters
    ----------
    cards
        Values of the cards of the planes, by keyword.
    """
    return {
        keyword.removeprefix(PLANE_CARD): value
        for keyword, value in cards.items()
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MASK_BITS
    }


def map_planes(
    bits: Mapping[str, int],
    used: int,
    plane_map: Mapping[str, MaskPlane] | None,
    *,
    default_planes: Mapping[str, MaskPlane] | None = None,
    keep_unset: bool,
    name: str,
) -> dict[str, MaskPlane]:
    """Return the planes of a converted mask.

    Parameters
    ----------
    bits
        Bits by legacy name.
    used
        Bits that are set in any pixel.
    plane_map
        New planes by legacy name; `None` chooses a known set of planes.
    default_planes
        Planes to use by default, in place of a chosen set.
    keep_unset
        Whether to keep other planes that no pixel has.
    name
        Name of the converted object, for messages.

    Returns
    -------
    planes
        New planes by legacy name, in the order of the new schema: those of the map,
        optional ones with pixels, and others.

    Raises
    ------
    LegacyConversionError
        If a plane with set pixels is missing from ``plane_map``.
    """
    guessed = plane_map if plane_map is not None else default_planes
    planes = dict(guess_legacy_mask_planes(bits) if guessed is None else guessed)
    for legacy, plane in get_legacy_optional_mask_planes().items():
        if legacy in bits and (keep_unset or used >> bits[legacy] & 1):
            planes.setdefault(legacy, plane)
    taken = {plane.name for plane in planes.values()}
    for legacy, bit in sorted(bits.items(), key=lambda item: item[1]):
        has_pixels = bool(used >> bit & 1)
        if legacy in planes or not (has_pixels or keep_unset):
            continue
        if plane_map is not None:
            if has_pixels:
                raise UnmappedMaskPlaneError(
                    f"Mask plane {short_repr(legacy)} of {name} has pixels but is not remapped; plane_map "
                    "has "
                    f"{sorted(planes)}. Add it to plane_map, or leave plane_map out."
                )
            continue
        # The name of the legacy plane is the new name of another plane.
        new = legacy if legacy not in taken else f"LEGACY_{legacy}"
        planes[legacy] = MaskPlane(new, f"Mask plane {legacy} of lsst.afw.")
    return planes


def read_projection(file: LegacyFile, hdu: Hdu, frame: Frame | None) -> Projection[Any] | None:
    """Create a projection from the FITS WCS of a plane.

    Parameters
    ----------
    file
        The open file.
    hdu
        The plane.
    frame
        Frame of its pixels; `None` omits the projection.

    Returns
    -------
    projection
        `None` if the header does not have a celestial WCS, or, with a
        warning, if the WCS is invalid.
    """
    if frame is None or "CTYPE1" not in hdu.cards:
        return None
    origin = file.origin(hdu)
    try:
        wcs = header_wcs(_wcs_header(hdu))
        return Projection.from_fits_wcs(wcs, frame, pixel_bounds=file.bbox(hdu), x0=origin.x, y0=origin.y)
    except (ImagesError, ValueError, MemoryError, KeyError, TypeError) as err:
        warnings.warn(
            f"{file.name}: the FITS WCS is invalid and omitted: {err}", LossyConversionWarning, stacklevel=2
        )
        return None


def _wcs_header(hdu: Hdu) -> Any:
    header = hdu.header.copy()
    # wcslib would use the axes of the table of a compressed image.
    for keyword in ("NAXIS", "NAXIS1", "NAXIS2"):
        if f"Z{keyword}" in header:
            header[keyword] = header[f"Z{keyword}"]
    return header


def _read_flat(hdu: Hdu, bbox: Box, full: Box) -> np.ndarray:
    leading = (slice(0, 1),) * (len(hdu.shape) - 2)
    array = hdu.read_image((*leading, *bbox.slice_within(full)))
    return array.reshape(bbox.shape)


def as_mask_pixels(pixels: np.ndarray, hdu: str) -> np.ndarray:
    """Return the pixels of a mask as unsigned 32-bit integers.

    Parameters
    ----------
    pixels
        Integers, or real numbers that are whole.
    hdu
        Name of the HDU, for messages.

    Raises
    ------
    InvalidFitsArchiveError
        If a pixel is not a whole number, or does not fit in 32 bits.
    """
    if pixels.dtype.kind in "iu" and pixels.dtype.itemsize <= 4:
        # Old masks have 16 bits; conversion must not extend the sign bit.
        return pixels.view(f"u{pixels.dtype.itemsize}").astype(np.uint32, copy=False)
    lowest, highest = -(2 ** (MASK_BITS - 1)), 2**MASK_BITS - 1
    # A comparison with NaN is false.
    if pixels.dtype.kind not in "iuf" or not np.all((pixels >= lowest) & (pixels <= highest)):
        raise InvalidFitsArchiveError(
            f"HDU {hdu} holds {pixels.dtype.name} values; the pixels of a mask are integers of at most "
            f"{MASK_BITS} bits."
        )
    whole = pixels.astype(np.int64)
    if not np.array_equal(whole, pixels):
        raise InvalidFitsArchiveError(
            f"HDU {hdu} holds {pixels.dtype.name} values that are not whole numbers; the pixels of a mask "
            f"are integers of at most {MASK_BITS} bits."
        )
    return np.asarray(whole & highest, dtype=np.uint32)
