# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""An open file of `lsst.afw`: where its planes are and what their cards say.

Layouts that occur: image, mask and variance in the first three extensions,
told by ``EXTNAME`` (recent), ``EXTTYPE`` (older) or position (oldest), or the
image in the primary HDU and the others behind it; a single image or mask in
the primary HDU or the first extension.
"""

from __future__ import annotations

__all__ = ("PLANES", "LegacyFile")

import functools
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
from ..serialization import parse_unit
from .afw_archive import LegacyArchive, open_legacy_fits
from .afw_archive._locate import find_keywords, read_pointers

PLANES = ("IMAGE", "MASK", "VARIANCE")
"""Names of the planes of a masked image, in the order of the file."""

MAX_ARCHIVE = 4 * 1024 * 1024
"""Archives that are not longer are fetched together with the pixels."""


class LegacyFile:
    """An open file that `lsst.afw` wrote.

    Parameters
    ----------
    file
        The open FITS file, of which this takes possession.
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
            URI, path, or seekable binary stream; gzip is looked through.

        Raises
        ------
        NotAnArchiveError
            If it is not a FITS file.
        """
        # Some files are compressed, but not called so.
        return cls(open_legacy_fits(target))

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

    @functools.cached_property
    def planes(self) -> Mapping[str, Hdu]:
        """HDUs of the planes that the file has, by name.

        Raises
        ------
        NotAnArchiveError
            If there is no image at all.
        """
        found: dict[str, Hdu] = {}
        unnamed: list[Hdu] = []
        # No file has a plane behind its fifth HDU; the archive may be long.
        for hdu in itertools.islice(self.fits, len(PLANES) + 1):
            if hdu.kind not in ("image", "compressed_image") or not _is_flat(hdu.shape):
                continue
            # Names of the primary HDU come from the raw, and mean nothing.
            names = () if hdu is self.primary else (hdu.cards.get("EXTTYPE"), hdu.name)
            name = next((str(n).strip().upper() for n in names if str(n).strip().upper() in PLANES), None)
            if name is None and "MASK" not in found and find_keywords(hdu.cards, "MP_"):
                # A mask alone in its file has no name.
                name = "MASK"
            if name is None or name in found:
                unnamed.append(hdu)
            else:
                found[name] = hdu
        for name, hdu in zip((name for name in PLANES if name not in found), unnamed, strict=False):
            found[name] = hdu
        if not found:
            raise NotAnArchiveError(f"{self.name} has no two-dimensional image in its first HDUs.")
        return found

    @functools.cached_property
    def pointers(self) -> Mapping[str, int]:
        """Numbers of the archived components, by name."""
        return read_pointers(self.primary.cards)

    @functools.cached_property
    def archive(self) -> LegacyArchive | None:
        """The table archive, or `None` if there is none.

        Raises
        ------
        CorruptArchiveError
            If the header promises one that is not there.
        """
        return LegacyArchive.find(self.fits, components=self.pointers)

    def archived(self, name: str) -> Any:
        """Return a component out of the table archive.

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
            raise CorruptArchiveError(f"{self.name} promises a {name}, but has no archive.")
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
                f"{self.name} has no plane {name.lower()!r}; it has {[n.lower() for n in self.planes]}."
            ) from None

    def fetch(self, bbox: Box | None) -> None:
        """Bring what a read of the planes needs near, in one round trip.

        Parameters
        ----------
        bbox
            Pixels that will be read; `None` is all.

        Notes
        -----
        Local files need no such help and ignore it; neither do planes that do
        not have the box, which the read itself will say.
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
        # The archive, which is small, lies behind the planes.
        self.fits.fetch_pixels(requests, [(start, size)] if self.pointers and 0 < size <= MAX_ARCHIVE else ())

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
            # Images that start at the origin may say nothing.
            return YX(0, 0)

    def bbox(self, hdu: Hdu) -> Box:
        """Return the box of a plane.

        Parameters
        ----------
        hdu
            The plane.
        """
        if hdu.header_address not in self._boxes:
            self._boxes[hdu.header_address] = Box.from_shape(hdu.shape[-2:], start=self.origin(hdu))
        return self._boxes[hdu.header_address]

    def unit(self, hdu: Hdu, *, power: int = 1) -> u.UnitBase | None:
        """Return the unit of a plane.

        Early Rubin files say ``adu`` although instrument signature removal
        had converted to electrons; the primary header knows.

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
            unit = parse_unit(text.strip())
        except ValueError:
            warnings.warn(
                f"{self.name}: BUNIT = {text!r} is no unit that is known; it is left out.",
                LossyConversionWarning,
                stacklevel=2,
            )
            return None
        isr_unit = self.primary.cards.get("LSST ISR UNITS")
        if isr_unit == "electron" and unit == u.adu**power:
            return u.electron**power
        return unit


def _is_flat(shape: tuple[int, ...]) -> bool:
    """Tell whether an array is an image, perhaps with an axis of length 1."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)
