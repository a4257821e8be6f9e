# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Classes of keywords whose meaning belongs to the HDU that contains them.

A header that is passed through to a new HDU must not contain these keywords:
the writer of the new HDU describes its structure, scaling, WCS and checksum.
All other keywords pass through.

Sources: FITS Standard 4.0, sections 4.4, 6 to 8 and 10; the conventions SIP,
TPV, distortion tables (Calabretta et al.), the digitized sky survey, and IRAF
(physical coordinates and ``WATj_nnn``); obsolete keywords of section 4.4 and 8.
"""

from __future__ import annotations

__all__ = (
    "archive_keywords",
    "is_archive_card",
    "is_wcs_card",
    "owned_keywords",
)

import re
from collections.abc import Iterable

_STRUCTURE = (
    r"SIMPLE|XTENSION|BITPIX|NAXIS\d*|PCOUNT|GCOUNT|GROUPS|EXTEND|BLOCKED|END",
    # Identification of extensions, and inheritance of the cards of the primary HDU.
    r"EXTNAME|EXTVER|EXTLEVEL|INHERIT",
    # Scaling of arrays and random groups.
    r"BSCALE|BZERO|BLANK|P(?:TYPE|SCAL|ZERO)\d+",
    r"TFIELDS|THEAP|T(?:FORM|TYPE|UNIT|DIM|ZERO|SCAL|NULL|DISP|BCOL|DMIN|DMAX|LMIN|LMAX)\d+",
    # Compressed images and tables (section 10).
    r"Z(?:IMAGE|TABLE|CMPTYPE|BITPIX|NAXIS\d*|TILE\d+|TILELEN|NAME\d+|VAL\d+|MASKCMP|QUANTIZ|DITHER0)",
    r"Z(?:BLANK|SCALE|ZERO|SIMPLE|TENSION|EXTEND|BLOCKED|PCOUNT|GCOUNT|THEAP|FORM\d+|CTYP\d+)",
    r"CHECKSUM|DATASUM|ZHECKSUM|ZDATASUM|DATE",
)

_WCS = (
    r"(?:WCSAXES|WCSNAME|LON(?:G)?POLE|LATPOLE|RADE(?:SYS|CSYS)|EQUINOX)[A-Z]?|EPOCH|WCSDIM",
    r"(?:CTYPE|CUNIT|CRPIX|CRVAL|CDELT|CROTA|CNAME|CRDER|CSYER|CZPHS|CPERI)\d+[A-Z]?",
    r"(?:PC|CD|PV|PS)\d+_\d+[A-Z]?|PC\d{6}|PROJP\d+",
    # Distortions: SIP and tables.
    r"[AB]P?_(?:ORDER|DMAX|\d+_\d+)",
    r"(?:CPDIS|CQDIS|CPERR|CQERR|D2IMDIS|D2IMERR)\d+[A-Z]?|(?:DP|DQ)\d+[A-Z]?(?:\..*)?|DVERR[A-Z]?",
    r"(?:AXISCORR|D2IMARR|D2IMEXT)\d*",
    # Columns of tables (table 22 of the standard).
    r"T(?:CTYP|CUNI|CRPX|CRVL|CDLT|CROT|CTY|CUN|CRP|CRV|CDE|CRO|CNA|CRD|CSY)\d+[A-Z]?",
    r"\d+(?:CTYP|CUNI|CRPX|CRVL|CDLT|CROT|CTY|CUN|CRP|CRV|CDE|CRO|CNA|CRD|CSY)\d+[A-Z]?",
    r"(?:LONP|LATP|RADE|EQUI|WCAX|WCSN|WCST|WCSX)\d+[A-Z]?",
    # Physical, detector and amplifier coordinates of IRAF.
    r"[LDA]TV\d+|[LDA]TM\d+_\d+|WAT\d+_\d+",
    # Plate solutions of the digitized sky survey.
    r"AMD[XY]\d+|PPO\d|CNPIX\d|[XY]PIXELSZ|PLT(?:RA[HMS]|DECSN|DEC[DMS])",
    r"WCSMAXER|WCSRMSER",
)
_WCS_PATTERN = re.compile("|".join(_WCS))

_COMPONENT = (
    "SKYWCS|WCS|PSF|PHOTOCALIB|DETECTOR|VALID_POLYGON|COADD_INPUTS|AP_CORR_MAP|TRANSMISSION_CURVE|FILTER"
    "|SUMMARY_?STATS"
)
_ARCHIVE_PATTERN = re.compile(rf"AR_HDU|ARCHIVE_IDS?|ARCHIVE_ID_.*|.+_ARCHID|(?:{_COMPONENT})_ID")
_COMPONENT_REFERENCE = re.compile(r".*\barchive[ _-]id\b", re.IGNORECASE)
_OWNED_PATTERN = re.compile("|".join((*_STRUCTURE, *_WCS)))


def owned_keywords(keywords: Iterable[str]) -> set[str]:
    """Return the keywords whose meaning belongs to the HDU that contains them.

    Parameters
    ----------
    keywords
        Keywords in upper case.

    Notes
    -----
    These are the keywords of structure, scaling, identity, time of writing,
    checksum and WCS.
    """
    return {keyword for keyword in keywords if _OWNED_PATTERN.fullmatch(keyword)}


def archive_keywords(keywords: Iterable[str]) -> set[str]:
    """Return the keywords that refer to the table archive of an `lsst.afw` file, whatever their comments.

    Parameters
    ----------
    keywords
        Keywords in upper case.
    """
    return {keyword for keyword in keywords if _ARCHIVE_PATTERN.fullmatch(keyword)}


def is_wcs_card(keyword: str) -> bool:
    """Return whether a keyword belongs to a WCS of the array of an HDU, primary or alternate.

    Parameters
    ----------
    keyword
        Keyword in upper case.

    Notes
    -----
    Keywords of spectra and times (``RESTFRQ``, ``MJD-OBS``) are not included:
    they describe the observation too, and do not affect celestial coordinates.
    """
    return _WCS_PATTERN.fullmatch(keyword) is not None


def is_archive_card(keyword: str, comment: str = "") -> bool:
    """Return whether a card refers to the table archive of an `lsst.afw` file.

    Parameters
    ----------
    keyword
        Keyword in upper case.
    comment
        Comment of the card.  Other ``*_ID`` cards are references if their
        comment calls them an archive ID.
    """
    if _ARCHIVE_PATTERN.fullmatch(keyword):
        return True
    return keyword.endswith("_ID") and _COMPONENT_REFERENCE.match(comment) is not None
