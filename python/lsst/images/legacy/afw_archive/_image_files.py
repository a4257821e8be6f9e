# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files with several small images: backgrounds and stamps."""

from __future__ import annotations

__all__ = ("LegacyBackground", "LegacyStamp", "LegacyStamps", "open_stamps", "read_backgrounds")

import dataclasses
from collections import defaultdict
from typing import Any

import numpy as np

from ..._geom import XY, Box, Interval
from ...errors import CorruptArchiveError, InvalidComponentError, NotAnArchiveError, SchemaVersionError
from ...fits import CardValue, FitsFile, Hdu
from ._reader import LegacyArchive
from ._rows import MAX_CORNER

INTERPOLATIONS = (
    "UNKNOWN",
    "CONSTANT",
    "LINEAR",
    "NATURAL_SPLINE",
    "CUBIC_SPLINE",
    "CUBIC_SPLINE_PERIODIC",
    "AKIMA_SPLINE",
    "AKIMA_SPLINE_PERIODIC",
)
"""Names of the values of ``INTERPSTYLE``, starting with -1."""

UNDERSAMPLINGS = ("THROW_EXCEPTION", "REDUCE_INTERP_ORDER", "INCREASE_NXNYSAMPLE")
"""Names of the values of ``UNDERSAMPLESTYLE``, starting with 0."""

APPROXIMATIONS = ("UNKNOWN", "CHEBYSHEV")
"""Names of the values of ``APPROXSTYLE``, starting with -1."""

MAX_STAMPS_VERSION = 1
"""Latest supported version of files of stamps."""


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyBackground:
    """A background on a coarse grid.

    Parameters
    ----------
    bbox
        Bounding box of the image that it belongs to.
    image, mask, variance
        Statistics of the cells of the grid, shape ``(ny, nx)``; NaN for
        cells without usable pixels.
    interpolation
        One of `INTERPOLATIONS`.
    undersampling
        One of `UNDERSAMPLINGS`: behaviour for grids that are too small.
    approximation
        One of `APPROXIMATIONS`.
    order
        Orders in x and y of a Chebyshev approximation.
    weighting
        Whether the approximation used the variance.
    """

    bbox: Box
    image: np.ndarray
    mask: np.ndarray
    variance: np.ndarray
    interpolation: str
    undersampling: str
    approximation: str
    order: XY[int]
    weighting: bool


def read_backgrounds(file: FitsFile) -> list[LegacyBackground]:
    """Read a list of backgrounds.

    Parameters
    ----------
    file
        The open file; each background is three HDUs: image, mask, variance.

    Raises
    ------
    NotAnArchiveError
        If the file holds something else.
    CorruptArchiveError
        If it is damaged.
    """
    if "BKGD_WIDTH" not in file.hdu(0).cards or not file.hdu(0).shape:
        raise NotAnArchiveError(f"{file.name} is not a list of backgrounds: HDU 0 does not have BKGD_WIDTH.")
    hdus = list(file)
    if len(hdus) % 3:
        raise CorruptArchiveError(
            f"{file.name}: a list of backgrounds has {len(hdus)} HDUs; expected a multiple of 3."
        )
    return [_read_background(file, *hdus[n : n + 3]) for n in range(0, len(hdus), 3)]


def _read_background(file: FitsFile, image: Hdu, mask: Hdu, variance: Hdu) -> LegacyBackground:
    cards = image.cards
    x, y = cards.get_int("BKGD_X0", 0), cards.get_int("BKGD_Y0", 0)
    width, height = cards.get_int("BKGD_WIDTH"), cards.get_int("BKGD_HEIGHT")
    if not (0 < width <= MAX_CORNER and 0 < height <= MAX_CORNER):
        raise CorruptArchiveError(
            f"{file.name}: a background has the invalid size {width} x {height} pixels."
        )
    shapes = {image.shape, mask.shape, variance.shape}
    if len(shapes) != 1 or len(image.shape) != 2:
        raise CorruptArchiveError(
            f"{file.name}: the grids of a background have different or invalid shapes {sorted(shapes)}."
        )
    return LegacyBackground(
        bbox=Box(y=Interval(y, y + height), x=Interval(x, x + width)),
        image=image.read_image(),
        mask=mask.read_image(),
        variance=variance.read_image(),
        interpolation=_name(INTERPOLATIONS, cards.get_int("INTERPSTYLE", -1) + 1),
        undersampling=_name(UNDERSAMPLINGS, cards.get_int("UNDERSAMPLESTYLE", 0)),
        approximation=_name(APPROXIMATIONS, cards.get_int("APPROXSTYLE", -1) + 1),
        order=XY(cards.get_int("APPROXORDERX", 0), cards.get_int("APPROXORDERY", 0)),
        weighting=cards.get("APPROXWEIGHTING") is True,
    )


def _name(names: tuple[str, ...], number: int) -> str:
    if not 0 <= number < len(names):
        raise CorruptArchiveError(
            f"Invalid value with index {number}; expected one of the {len(names)} values {names}."
        )
    return names[number]


@dataclasses.dataclass(frozen=True)
class LegacyStamp:
    """A small masked image.

    Parameters
    ----------
    image
        The HDU of its pixels.
    mask, variance
        HDUs of the same shape, or `None`.
    metadata
        Header cards of this stamp.
    archive_object
        Reference to an object that belongs to it, or `None`.
    """

    image: Hdu
    mask: Hdu | None
    variance: Hdu | None
    metadata: dict[str, CardValue]
    archive_object: Any


@dataclasses.dataclass(frozen=True)
class LegacyStamps:
    """Small masked images.

    Parameters
    ----------
    class_name
        Dotted name of the Python class that wrote them.
    metadata
        Header cards of all stamps.
    stamps
        The images.
    """

    class_name: str
    metadata: dict[str, CardValue]
    stamps: tuple[LegacyStamp, ...]


def open_stamps(file: FitsFile) -> LegacyStamps:
    """Find the stamps in a file; their pixels are not read.

    Parameters
    ----------
    file
        The open file.

    Raises
    ------
    NotAnArchiveError
        If the file holds something else.
    SchemaVersionError
        If its version is newer than this release supports.
    CorruptArchiveError
        If stamps are missing.
    """
    cards = file.hdu(0).cards
    count = cards.get("N_STAMPS")
    if type(count) is not int or not isinstance(cards.get("STAMPCLS"), str):
        raise NotAnArchiveError(
            f"{file.name} is not a file of stamps: the primary header does not have N_STAMPS and STAMPCLS."
        )
    version = cards.get_int("VERSION", MAX_STAMPS_VERSION)
    if version > MAX_STAMPS_VERSION:
        raise SchemaVersionError(
            f"{file.name}: version {version} of stamps; this release reads up to {MAX_STAMPS_VERSION}."
        )
    planes: dict[str, dict[int, Hdu]] = defaultdict(dict)
    for hdu in file:
        if hdu.kind in ("image", "compressed_image") and len(hdu.shape) == 2:
            planes[hdu.name.upper()][hdu.ver] = hdu
    missing = [n for n in range(1, count + 1) if n not in planes["IMAGE"]] if count < 10**6 else [count]
    if missing:
        raise CorruptArchiveError(
            f"{file.name} should have {count} stamps, but those with EXTVER {missing[:5]} are missing."
        )
    shared, own = _split_cards(file, count)
    objects = _archive_objects(file, count)
    stamps = (
        LegacyStamp(
            planes["IMAGE"][n],
            planes["MASK"].get(n),
            planes["VARIANCE"].get(n),
            {key: values[n - 1] for key, values in own.items()},
            objects[n - 1],
        )
        for n in range(1, count + 1)
    )
    return LegacyStamps(cards.get_str("STAMPCLS"), shared, tuple(stamps))


_STRUCTURAL = frozenset(
    "SIMPLE BITPIX NAXIS EXTEND COMMENT HISTORY HAS_MASK HAS_VARIANCE HAS_ARCHIVE N_STAMPS STAMPCLS "
    "VERSION ARCHIVE_IDS AR_HDU".split()
)


def _split_cards(file: FitsFile, count: int) -> tuple[dict[str, CardValue], dict[str, list[CardValue]]]:
    """Separate the cards of all stamps from those that are repeated for each stamp."""
    found: dict[str, list[CardValue]] = defaultdict(list)
    for keyword, value, _ in file.hdu(0).cards:
        if keyword and keyword not in _STRUCTURAL:
            found[keyword].append(value)
    own = {key: values for key, values in found.items() if len(values) == count}
    return {key: values[0] for key, values in found.items() if key not in own}, own


def _archive_objects(file: FitsFile, count: int) -> list[Any]:
    cards = file.hdu(0).cards
    numbers = [value for keyword, value, _ in cards if keyword == "ARCHIVE_IDS"]
    if cards.get("HAS_ARCHIVE") is not True or len(numbers) != count:
        return [None] * count
    archive = LegacyArchive.find(file)
    if archive is None:
        raise InvalidComponentError(f"{file.name}: HAS_ARCHIVE is set, but the archive is missing.")
    return [archive.reference(number) if type(number) is int and number else None for number in numbers]
