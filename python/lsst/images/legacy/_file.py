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
from collections.abc import Mapping

import astropy.units as u

from lsst.resources import ResourcePath, ResourcePathExpression

from .._geom import YX, Box
from ..errors import InvalidComponentError, NotAnArchiveError
from ..fits import FitsFile, Hdu, read_offset_wcs, read_yx0
from ..io import decompress, is_compressed_name
from ..serialization import parse_unit

PLANES = ("IMAGE", "MASK", "VARIANCE")
"""Names of the planes of a masked image, in the order of the file."""


class LegacyFile:
    """An open file that `lsst.afw` wrote.

    Parameters
    ----------
    file
        The open FITS file, of which this takes possession.
    """

    def __init__(self, file: FitsFile) -> None:
        self.fits = file

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
        if not hasattr(target, "seek"):
            uri = ResourcePath(target, forceDirectory=False)
            target = decompress(uri) if is_compressed_name(uri) else uri
        return cls(FitsFile.open(target))

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
            if name is None or name in found:
                unnamed.append(hdu)
            else:
                found[name] = hdu
        for name, hdu in zip((name for name in PLANES if name not in found), unnamed, strict=False):
            found[name] = hdu
        if not found:
            raise NotAnArchiveError(f"{self.name} has no two-dimensional image in its first HDUs.")
        return found

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

    def origin(self, hdu: Hdu) -> YX[int]:
        """Return absolute coordinates of the first pixel of a plane.

        Parameters
        ----------
        hdu
            The plane.
        """
        xy = read_offset_wcs(hdu.cards)
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
        return Box.from_shape(hdu.shape[-2:], start=self.origin(hdu))

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
        if not isinstance(text, str) or not text.strip():
            return None
        unit = parse_unit(text.strip())
        isr_unit = self.primary.cards.get("LSST ISR UNITS")
        if isr_unit == "electron" and unit == u.adu**power:
            return u.electron**power
        return unit


def _is_flat(shape: tuple[int, ...]) -> bool:
    """Tell whether an array is an image, perhaps with an axis of length 1."""
    return len(shape) == 2 or (len(shape) == 3 and shape[0] == 1)
