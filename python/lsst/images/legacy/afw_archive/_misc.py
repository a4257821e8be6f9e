# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Filters, polygons and summary statistics."""

from __future__ import annotations

__all__ = (
    "LegacyFilterLabel",
    "LegacyPolygon",
    "LegacySummaryStats",
    "decode_filter_label",
    "decode_polygon",
    "decode_summary_stats",
    "filter_label_from_cards",
)

import dataclasses
import re
from typing import Any

import numpy as np
import yaml

from ..._geom import Polygon
from ...errors import CorruptArchiveError
from ...fits import Cards
from ...utils import cached_property
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows

MAX_YAML_SIZE = 1024 * 1024
"""Maximum size of the YAML text of statistics, in bytes; real ones take 2000."""

RENAMED = {"decl": "dec"}
"""Current names of statistics by their old name."""

_BAND = re.compile(r"[ugrizyY]|[NI]\d{3,4}")
"""Filter names that are names of a band; others are physical filters."""

_UNKNOWN_FILTERS = ("", "_unknown_", "UNKNOWN")


@dataclasses.dataclass(frozen=True)
class LegacyFilterLabel:
    """Names of a filter.

    Parameters
    ----------
    band
        Name of the band, or `None`.
    physical
        Name of the physical filter, or `None`.
    """

    band: str | None
    physical: str | None


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyPolygon:
    """A polygon.

    Parameters
    ----------
    vertices
        Shape ``(n, 2)``, ``x`` first, pixels of the parent image.  In most
        files the last one repeats the first.
    """

    vertices: np.ndarray

    @cached_property
    def polygon(self) -> Polygon:
        """The polygon as a `~lsst.images.Polygon`.

        Raises
        ------
        GeometryError
            If the vertices do not form a valid polygon.
        """
        return Polygon(x_vertices=self.vertices[:, 0], y_vertices=self.vertices[:, 1])

    def contains(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return whether positions are inside.

        Parameters
        ----------
        x, y
            Positions in pixels.

        Returns
        -------
        inside
            Booleans of the same shape.
        """
        return np.asarray(self.polygon.contains(x=x, y=y))


class LegacySummaryStats(dict[str, Any]):
    """Summary statistics of an exposure by name: numbers, and tuples of numbers."""


def decode_filter_label(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyFilterLabel:
    """Decode a ``FilterLabel``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    row = tables[0].one()
    return LegacyFilterLabel(
        band=row.text("band") if row.flag("band_exists") else None,
        physical=row.text("physical") if row.flag("physical_exists") else None,
    )


def filter_label_from_cards(cards: Cards) -> LegacyFilterLabel | None:
    """Create a label from the ``FILTER`` card of an old exposure.

    Parameters
    ----------
    cards
        The primary header.

    Returns
    -------
    label
        `None` if the header does not have a filter name.
    """
    name = cards.get("FILTER")
    if not isinstance(name, str) or name.strip() in _UNKNOWN_FILTERS:
        return None
    name = name.strip()
    return LegacyFilterLabel(name, None) if _BAND.fullmatch(name) else LegacyFilterLabel(None, name)


def decode_polygon(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyPolygon:
    """Decode a ``Polygon``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    vertices = tables[0].points("vertices")
    if len(vertices) < 3 or not np.isfinite(vertices).all():
        raise CorruptArchiveError(
            f"a polygon has {len(vertices)} vertices; expected at least 3, all of them finite"
        )
    return LegacyPolygon(vertices)


def decode_summary_stats(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacySummaryStats:
    """Decode an ``ExposureSummaryStats``, a blob of YAML.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    blob = tables[0].one().blob("bytes")
    if len(blob) > MAX_YAML_SIZE:
        raise CorruptArchiveError(
            f"the statistics have {len(blob)} bytes; at most {MAX_YAML_SIZE} are supported"
        )
    try:
        loaded = yaml.load(blob.decode("utf-8"), Loader=_PlainValueLoader)  # noqa: S506 - a safe loader
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as err:
        raise CorruptArchiveError(f"the statistics are not valid YAML: {err}") from err
    if not isinstance(loaded, dict):
        raise CorruptArchiveError(
            f"the YAML text of the statistics is a {type(loaded).__name__}, not a mapping"
        )
    values = {
        RENAMED.get(key, key): value if type(value) in (int, float) else _number(value)
        for key, value in loaded.items()
        if isinstance(key, str)
    }
    return LegacySummaryStats({key: value for key, value in values.items() if value is not None})


def _number(value: Any) -> Any:
    """Return a number, or a tuple of numbers; `None` for any other value."""
    if isinstance(value, int | float):
        return value
    if isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        return tuple(value)
    return None


class _PlainValueLoader(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no annotations
    """A YAML loader that creates plain values only and ignores Python tags."""

    def flatten_mapping(self, node: Any) -> None:
        """Ignore merge keys, which could produce mappings of unlimited size.

        Parameters
        ----------
        node
            The mapping.
        """


def _ignore(loader: Any, suffix: str, node: Any) -> None:
    return None


_PlainValueLoader.add_multi_constructor("", _ignore)
