# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert images to plain HDUs, for ds9, Firefly and other FITS readers."""

from __future__ import annotations

__all__ = ("to_hdulist",)

import math
import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from astropy.io import fits

from .._geom import Box
from .._pixels import ColorImage, GeneralizedImage, Image, Mask, MaskedImage
from .._transforms import Projection
from ..errors import InvalidArgumentError
from ..fits import WcsCards, hint_cards, owned_keywords
from ..serialization import ArrayHints
from ._fits_wcs import with_fits_form

Card = tuple[str, Any, str]

MASK_TYPE = np.dtype(np.int32)
"""Type of mask pixels that afw writes and viewers read; 31 planes for each HDU."""

RESERVED = frozenset({"COMMENT", "HISTORY", "CONTINUE", "HIERARCH"})
"""Keywords with a special syntax, which metadata cannot use."""

KEYWORD = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.:/-]{0,29}")
SHORT_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
"""Valid keywords, and those that do not need the ``HIERARCH`` convention."""

MAX_VALUE_AND_COMMENT_SIZE = 80 - len("KEYWORD = ") - len(" / ")
"""Number of characters for a value and its comment."""

MAX_TEXT_SIZE = 32
"""Largest number of characters of a text after a keyword of maximal length."""


def to_hdulist(obj: GeneralizedImage) -> fits.HDUList:
    """Convert an image to plain FITS HDUs.

    Parameters
    ----------
    obj
        `~lsst.images.Image`, `~lsst.images.Mask`, `~lsst.images.MaskedImage`
        (including visit images and coadds) or `~lsst.images.ColorImage`.

    Returns
    -------
    hdulist
        An empty primary HDU with the metadata that fit into header cards, then
        uncompressed HDUs ``IMAGE``, ``MASK`` and ``VARIANCE`` (or ``RED``,
        ``GREEN`` and ``BLUE``).  Pixels are shared if FITS supports their type.

    Raises
    ------
    InvalidArgumentError
        If ``obj`` has another type, or complex pixels.

    Notes
    -----
    The HDUs do not contain all of the object; use
    `~lsst.images.Image.write_fits` to write all of it.

    Every HDU has the celestial WCS (if necessary an approximation, with its
    error in ``WCSMAXER``), the origin of the array in the alternate WCS ``A``
    and in ``LTV1`` and ``LTV2``, and its unit.  Masks name their planes twice:
    in ``MSKN``, ``MSKM`` and ``MSKD`` cards (name, value, description), and in
    the ``MP_`` cards (number of the bit) of `lsst.afw`.  With more than 31
    planes, there are several HDUs ``MASK`` with different ``EXTVER``.
    """
    primary = fits.PrimaryHDU()
    primary.header["EXTEND"] = (True, "There may be extensions")
    for card in _metadata_cards(obj.metadata.native):
        primary.header.append(card, end=True)
    hdus = fits.HDUList([primary])
    hdus.extend(_PlaneWriter(obj).hdus(obj))
    return hdus


class _PlaneWriter:
    """Create the HDUs of one object, whose planes share their WCS."""

    def __init__(self, obj: GeneralizedImage) -> None:
        # The projection of a masked image raises its deferred error; that of a plane does not.
        plane = obj.image if isinstance(obj, MaskedImage) else obj
        self.bbox: Box = obj.bbox
        self.projection: Projection[Any] | None = with_fits_form(plane.projection, obj.bbox)
        self.wcs_cards = WcsCards()

    def hdus(self, obj: Any) -> Iterator[fits.ImageHDU]:
        if isinstance(obj, MaskedImage):
            yield self.image(obj.image, "IMAGE")
            yield from self.mask(obj.mask)
            yield self.image(obj.variance, "VARIANCE")
        elif isinstance(obj, Image):
            yield self.image(obj, "IMAGE")
        elif isinstance(obj, Mask):
            yield from self.mask(obj)
        elif isinstance(obj, ColorImage):
            for name in ("red", "green", "blue"):
                yield self.image(getattr(obj, name), name.upper())
        else:
            raise InvalidArgumentError(
                f"A {type(obj).__name__} cannot be converted to an HDU list; only images and masks can."
            )

    def image(self, image: Image, name: str) -> fits.ImageHDU:
        return self._hdu(_storable(image.array), name, ArrayHints(unit=image.unit))

    def mask(self, mask: Mask) -> Iterator[fits.ImageHDU]:
        for number, schema in enumerate(mask.schema.split(MASK_TYPE), start=1):
            part = Mask(0, schema=schema, bbox=mask.bbox)
            part.update(mask)
            planes = tuple((_ascii(plane.name), _ascii(plane.description)) for plane in schema if plane)
            hdu = self._hdu(part.array[..., 0], "MASK", ArrayHints(mask_planes=planes))
            if number > 1:
                hdu.ver = number
            for bit, (name, _) in enumerate(planes):
                if KEYWORD.fullmatch(name):
                    _append(hdu.header, (f"MP_{name}", bit, "Number of the bit of a mask plane"))
            yield hdu

    def _hdu(self, array: np.ndarray, name: str, hints: ArrayHints) -> fits.ImageHDU:
        cards = hint_cards(
            ArrayHints(self.bbox, hints.unit, self.projection, hints.mask_planes), self.wcs_cards
        )
        hdu = fits.ImageHDU(array, name=name)
        for card in cards:
            _append(hdu.header, card)
        hdu.header["LTV1"] = (-self.bbox.x.start, "Column 0 in columns of this array")
        hdu.header["LTV2"] = (-self.bbox.y.start, "Row 0 in rows of this array")
        return hdu


def _storable(array: np.ndarray) -> np.ndarray:
    if array.dtype.kind == "c":
        raise InvalidArgumentError(
            "FITS images cannot store complex numbers; convert the real and imaginary parts."
        )
    if array.dtype.kind == "b":
        return array.astype(np.uint8)
    return array.astype(np.float32) if array.dtype.itemsize == 2 and array.dtype.kind == "f" else array


def _ascii(text: str) -> str:
    """Replace characters that header cards cannot contain."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text)


def _append(header: fits.Header, card: Card) -> None:
    """Append a card, without its comment if that does not fit."""
    keyword, value, comment = card
    if not SHORT_KEYWORD.fullmatch(keyword):
        made = fits.Card(f"HIERARCH {keyword}", value)
    else:
        made = fits.Card(keyword, value, comment if _fits_into_card(value, comment) else "")
    header.append(made, end=True)


def _fits_into_card(value: Any, comment: str) -> bool:
    width = 20 if not isinstance(value, str) else max(20, len(value.replace("'", "''")) + 2)
    return width + len(comment) <= MAX_VALUE_AND_COMMENT_SIZE


def _metadata_cards(metadata: dict[str, Any]) -> Iterator[fits.Card]:
    """Yield the items that fit into header cards."""
    owned = owned_keywords({key.upper() for key in metadata}) | RESERVED
    for key, value in metadata.items():
        short = SHORT_KEYWORD.fullmatch(key) is not None
        if KEYWORD.fullmatch(key) and key.upper() not in owned and _is_card_value(value, short):
            yield fits.Card(key if short else f"HIERARCH {key}", value)


def _is_card_value(value: Any, short: bool) -> bool:
    if isinstance(value, str):
        # Long text uses CONTINUE cards, which require a short keyword.
        return _ascii(value) == value and (short or len(value.replace("'", "''")) <= MAX_TEXT_SIZE)
    if isinstance(value, float):
        return math.isfinite(value)
    return isinstance(value, int) and -(2**63) <= value < 2**63
