# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""An open file of `lsst.afw`: its planes and their headers.

Supported layouts: image, mask and variance in the first three extensions,
identified by ``EXTNAME`` (recent), ``EXTTYPE`` (older) or position (oldest), or
the image in the primary HDU followed by the others; a single image or mask in
the primary HDU or the first extension.
"""

from __future__ import annotations

__all__ = ("PLANES", "LegacyFile", "align_plane")

import itertools
import warnings
from collections.abc import Mapping
from typing import IO, Any

import astropy.units as u

from lsst.resources import ResourcePathExpression

from .._geom import YX, Box
from ..errors import (
    CorruptArchiveError,
    InvalidComponentError,
    LossyConversionWarning,
    NotAnArchiveError,
)
from ..fits import FitsFile, Hdu, read_offset_wcs, read_yx0
from ..utils import cached_property, short_repr
from ._bunit import parse_legacy_bunit
from .afw_archive import LegacyArchive, open_legacy_fits
from .afw_archive._locate import find_keywords, read_pointers

PLANES = ("IMAGE", "MASK", "VARIANCE")
"""Names of the planes of a masked image, in the order of the file."""

MAX_PREFETCH_SIZE = 4 * 1024 * 1024
"""Maximum size of an archive that is fetched together with the pixels, in bytes."""


class LegacyFile:
    """An open file that `lsst.afw` wrote.

    Parameters
    ----------
    file
        The open FITS file, which `close` closes.
    """

    def __init__(self, file: FitsFile) -> None:
        self.fits = file
        self._boxes: dict[int, Box] = {}

    @classmethod
    def open(cls, target: ResourcePathExpression | IO[bytes]) -> LegacyFile:
        """Open a file.

        Parameters
        ----------
        target
            URI, path, or seekable binary stream; gzip is decompressed.

        Raises
        ------
        NotAnArchiveError
            If it is not a FITS file, or a FITS file of this package.
        """
        # The name of some gzip files does not end in .gz.
        file = cls(open_legacy_fits(target))
        try:
            file._refuse_own_format()
        except BaseException:
            file.close()
            raise
        return file

    def _refuse_own_format(self) -> None:
        """Raise an error for a file of this package, whose planes a legacy reader would misinterpret."""
        cards = self.primary.cards
        if "JSONADDR" in cards:
            schema = str(cards.get("DATAMODL") or "an unknown schema").strip()
            raise NotAnArchiveError(
                f"{self.name} is a file of lsst.images ({schema}), not of lsst.afw. Read it with "
                "lsst.images.read() or the read() method of its type, instead of read_legacy()."
            )

    @property
    def name(self) -> str:
        """Name of the file, for messages."""
        return self.fits.name

    def close(self) -> None:
        """Close the file."""
        self.fits.close()

    @property
    def primary(self) -> Hdu:
        """The primary HDU."""
        return self.fits.hdu(0)

    @cached_property
    def planes(self) -> Mapping[str, Hdu]:
        """HDUs of the planes in the file, by name.

        Raises
        ------
        NotAnArchiveError
            If the file does not have an image.
        """
        found: dict[str, Hdu] = {}
        unnamed: list[Hdu] = []
        # Planes are among the first HDUs; scanning the archive could take long.
        for hdu in itertools.islice(self.fits, len(PLANES) + 1):
            if hdu.kind not in ("image", "compressed_image") or not _is_flat(hdu.shape):
                continue
            # The name of the primary HDU is inherited from the raw image.
            names = () if hdu is self.primary else (hdu.cards.get("EXTTYPE"), hdu.name)
            name = next((str(n).strip().upper() for n in names if str(n).strip().upper() in PLANES), None)
            if name is None and "MASK" not in found and find_keywords(hdu.cards, "MP_"):
                # The only HDU of a mask file does not have a name.
                name = "MASK"
            if name is None or name in found:
                unnamed.append(hdu)
            else:
                found[name] = hdu
        for name, hdu in zip((name for name in PLANES if name not in found), unnamed, strict=False):
            found[name] = hdu
        if not found:
            raise NotAnArchiveError(f"{self.name} does not have a two-dimensional image in its first HDUs.")
        return found

    @cached_property
    def pointers(self) -> Mapping[str, int]:
        """Identifiers of the archived components, by name."""
        return read_pointers(self.primary.cards)

    @cached_property
    def archive(self) -> LegacyArchive | None:
        """The table archive, or `None` if the file does not have one.

        Raises
        ------
        CorruptArchiveError
            If the header refers to an archive that is missing.
        """
        return LegacyArchive.find(self.fits, components=self.pointers)

    def archived(self, name: str) -> Any:
        """Return a component from the table archive.

        Parameters
        ----------
        name
            Upper-case name of the component; see `LegacyArchive.component`.

        Returns
        -------
        record
            `None` if the file does not have this component.

        Raises
        ------
        ArchiveReadError
            If it is damaged.
        """
        if name not in self.pointers:
            return None
        if self.archive is None:
            raise CorruptArchiveError(
                f"{self.name} refers to an archived {name}, but the archive is missing."
            )
        return self.archive.component(name)

    def plane(self, name: str) -> Hdu:
        """Return the HDU of a plane.

        Parameters
        ----------
        name
            One of `PLANES`.

        Raises
        ------
        InvalidComponentError
            If the file does not have it.
        """
        try:
            return self.planes[name]
        except KeyError:
            raise InvalidComponentError(
                f"{self.name} does not have plane {short_repr(name.lower())}; it has "
                f"{[n.lower() for n in self.planes]}."
            ) from None

    def fetch(self, bbox: Box | None) -> None:
        """Prefetch the bytes of the planes in one round trip.

        Parameters
        ----------
        bbox
            Pixels that will be read; `None` is all.

        Notes
        -----
        Nothing is done for local files, and if a plane does not contain the
        box, for which the read raises an error.
        """
        if not self.fits.source.remote:
            return
        requests: list[tuple[Hdu, Any]] = []
        for hdu in self.planes.values():
            full = self.bbox(hdu)
            if bbox is not None and not full.contains(bbox):
                return
            slices = ... if bbox is None else (..., *bbox.slice_within(full))
            requests.append((hdu, slices))
        start = max(hdu.stop for hdu in self.planes.values())
        size = self.fits.source.size - start
        # The archive follows the planes.
        self.fits.fetch_pixels(
            requests, [(start, size)] if self.pointers and 0 < size <= MAX_PREFETCH_SIZE else ()
        )

    def origin(self, hdu: Hdu) -> YX[int]:
        """Return absolute coordinates of the first pixel of a plane.

        Parameters
        ----------
        hdu
            The plane.
        """
        xy = read_offset_wcs(hdu.values)
        if xy is not None:
            return YX(y=xy[1], x=xy[0])
        try:
            return read_yx0(hdu.cards)
        except NotAnArchiveError:
            # Images that start at the origin may omit the cards.
            return YX(0, 0)

    def bbox(self, hdu: Hdu) -> Box:
        """Return the box of a plane.

        Parameters
        ----------
        hdu
            The plane.

        Warns
        -----
        LossyConversionWarning
            If a mask or variance differs from the image in its origin only;
            the origin of the image is used.
        """
        if hdu.header_address not in self._boxes:
            box = Box.from_shape(hdu.shape[-2:], start=self.origin(hdu))
            image = self.planes.get("IMAGE")
            if image is not None and any(hdu is self.planes.get(name) for name in PLANES[1:]):
                box = align_plane(box, self.bbox(image), f"{self.name}, HDU {hdu.name!r}")
            self._boxes[hdu.header_address] = box
        return self._boxes[hdu.header_address]

    def unit(self, hdu: Hdu, *, power: int = 1) -> u.UnitBase | None:
        """Return the unit of a plane.

        Early Rubin files have ``adu`` although instrument signature removal
        converted to electrons; the primary header has the correct unit.

        Parameters
        ----------
        hdu
            The plane.
        power
            1 for an image, 2 for a variance.
        """
        text = hdu.cards.get("BUNIT")
        if text is None and power == 1 and hdu.cards.get("INHERIT") is True:
            text = self.primary.cards.get("BUNIT")
        if not isinstance(text, str) or not text.strip():
            return None
        try:
            isr_unit = self.primary.cards.get("LSST ISR UNITS")
            return parse_legacy_bunit(text, u.electron if isr_unit == "electron" else None)
        except ValueError:
            warnings.warn(
                f"{self.name}: BUNIT = {short_repr(text)} is not a known unit; it is ignored.",
                LossyConversionWarning,
                stacklevel=2,
            )
            return None


def align_plane(plane: Box, image: Box, name: str) -> Box:
    """Return the box of a plane of a masked image, with a warning if its origin differs from the image.

    Parameters
    ----------
    plane
        Box of the mask or variance in its header.
    image
        Box of the image.
    name
        Name of the plane, for messages.

    Returns
    -------
    box
        The box of the image if both have the same shape, and the box of the
        plane otherwise.
    """
    if plane == image or plane.shape != image.shape:
        return plane
    warnings.warn(
        f"{name}: the first pixel is at {tuple(plane.start)} (y, x) in the header of this plane and at "
        f"{tuple(image.start)} in that of the image; using the origin of the image.",
        LossyConversionWarning,
        stacklevel=2,
    )
    return image


def _is_flat(shape: tuple[int, ...]) -> bool:
    """Return whether an array is two-dimensional, ignoring a leading axis of length 1."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)
