# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""WCSs: ``SkyWcs`` and its predecessors ``Wcs`` and ``TanWcs``."""

from __future__ import annotations

__all__ = ("LegacyFitsWcs", "LegacySkyWcs", "decode_old_wcs", "decode_sky_wcs")

import dataclasses
import warnings

import astropy.wcs
import numpy as np
from astropy.io import fits
from astropy.wcs import WcsError

from ..._transforms import SkyFrame
from ..._transforms._fits_wcs import mapping_from_fits_wcs
from ...errors import CorruptArchiveError, ImagesError, SchemaVersionError
from ...utils import cached_property, short_repr
from ._ast_text import split_ast_text
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRow, LegacyRows

EQUINOXES = (1800.0, 2200.0)
"""Range of valid equinoxes, years; other values were not initialized."""

MAX_SIP_ORDER = 9
"""Maximum order of SIP polynomials, whose keywords have one digit per power (Shupe et al. 2005)."""


@dataclasses.dataclass(frozen=True)
class LegacySkyWcs:
    """A WCS that is defined by AST.

    Parameters
    ----------
    ast_text
        Native text of an AST frame set; from its base to its current frame
        it maps pixels ``(x, y)``, counted from 0 in the parent image, to right
        ascension and declination (ICRS) in radians.
    fits_approximation_text
        The same for an approximation that FITS can represent, or `None`.
    """

    ast_text: str
    fits_approximation_text: str | None = None


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyFitsWcs:
    """A tangent-plane WCS of versions before ``SkyWcs``.

    Parameters
    ----------
    crval
        Reference point on the sky, degrees.
    crpix
        Reference pixel, counted from 0 in the parent image.
    cd
        Matrix, shape ``(2, 2)``, degrees per pixel.
    ctype, cunit
        Types and units of the axes.
    equinox
        Equinox in years; `None` if it was not set.
    radesys
        Reference system; may be empty.
    sip
        SIP polynomials: for each of ``A``, ``B``, ``AP`` and ``BP`` a
        matrix whose element ``[i, j]`` multiplies ``u**i * v**j``.
    """

    crval: tuple[float, float]
    crpix: tuple[float, float]
    cd: np.ndarray
    ctype: tuple[str, str]
    cunit: tuple[str, str]
    equinox: float | None
    radesys: str
    sip: dict[str, np.ndarray]

    def header(self) -> fits.Header:
        """Return the WCS as FITS cards, for pixels of the parent image."""
        header = fits.Header()
        header["WCSAXES"] = 2
        for n in (1, 2):
            header[f"CTYPE{n}"] = self._full_ctype(n - 1)
            header[f"CRVAL{n}"] = self.crval[n - 1]
            header[f"CRPIX{n}"] = self.crpix[n - 1] + 1.0
            header[f"CUNIT{n}"] = self.cunit[n - 1] or "deg"
            for m in (1, 2):
                header[f"CD{n}_{m}"] = float(self.cd[n - 1, m - 1])
        if self.radesys:
            header["RADESYS"] = self.radesys
        # ICRS does not have an equinox, and files have wrong values.
        if self.equinox is not None and self.radesys.upper() != "ICRS":
            header["EQUINOX"] = self.equinox
        for name, matrix in self.sip.items():
            header[f"{name}_ORDER"] = len(matrix) - 1
            for i, j in np.argwhere(matrix):
                header[f"{name}_{i}_{j}"] = float(matrix[i, j])
        return header

    def _full_ctype(self, axis: int) -> str:
        plain = self.ctype[axis].removesuffix("-SIP")
        return f"{plain}-SIP" if self.sip else plain

    @cached_property
    def sky_wcs(self) -> LegacySkyWcs:
        """The same WCS, defined by AST.

        Raises
        ------
        CorruptArchiveError
            If the cards are invalid, or the axes are not celestial.
        """
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", astropy.wcs.FITSFixedWarning)
                wcs = astropy.wcs.WCS(self.header(), fix=False)
            return LegacySkyWcs(mapping_from_fits_wcs(wcs, SkyFrame.ICRS).text)
        except (ImagesError, WcsError, ValueError, KeyError, TypeError, MemoryError) as err:
            # wcslib reports some invalid headers as MemoryError.
            raise CorruptArchiveError(
                f"A WCS with axes {self.ctype}, CRVAL {self.crval} and CRPIX {self.crpix} cannot be used: "
                f"{type(err).__name__}: {err}"
            ) from err

    @property
    def ast_text(self) -> str:
        """Native text of an AST frame set, as in `LegacySkyWcs`."""
        return self.sky_wcs.ast_text

    @property
    def fits_approximation_text(self) -> None:
        """Always `None`, because FITS represents this WCS exactly."""
        return None


def decode_sky_wcs(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacySkyWcs:
    """Decode a ``SkyWcs``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    exact = _read_wcs(row, "wcs")
    approximation = _read_wcs(row, "approx") if "approx" in row else None
    if exact is None:
        raise CorruptArchiveError("the AST text of the WCS is empty")
    return LegacySkyWcs(exact, approximation)


def _read_wcs(row: LegacyRow, column: str) -> str | None:
    blob = row.blob(column)
    if not blob:
        return None
    found = split_ast_text(blob)
    if found.class_name != "SkyWcs":
        raise SchemaVersionError(f"column {short_repr(column)} holds a {found.class_name}; expected a SkyWcs")
    return found.text


def decode_old_wcs(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyFitsWcs:
    """Decode a ``Wcs`` or ``TanWcs``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    # The order on disk is 1_1, 2_1, 1_2, 2_2.
    cd = row.array("cd").astype(np.float64)
    if cd.size != 4:
        raise CorruptArchiveError(f"column 'cd' holds {cd.size} numbers; expected 4")
    equinox = row.number("equinox")
    return LegacyFitsWcs(
        crval=row.point("crval"),
        crpix=row.point("crpix"),
        cd=cd.reshape(2, 2).T,
        ctype=(row.text("ctype1"), row.text("ctype2")),
        cunit=(row.text("cunit1"), row.text("cunit2")),
        equinox=equinox if EQUINOXES[0] <= equinox <= EQUINOXES[1] else None,
        radesys=row.text("radesys"),
        sip=_read_sip(tables[1].one()) if len(tables) > 1 else {},
    )


def _read_sip(row: LegacyRow) -> dict[str, np.ndarray]:
    matrices = {}
    for name in ("A", "B", "Ap", "Bp"):
        values = row.array(name).astype(np.float64)
        size = round(values.size**0.5)
        if size * size != values.size or size > MAX_SIP_ORDER + 1:
            raise CorruptArchiveError(
                f"column {short_repr(name)} holds {values.size} numbers; expected a square number up to "
                f"{(MAX_SIP_ORDER + 1) ** 2}"
            )
        # Element [i, j] is stored at i + n*j.
        matrices[name.upper()] = values.reshape(size, size).T
    return matrices
