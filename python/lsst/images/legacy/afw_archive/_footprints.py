# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Footprints of sources."""

from __future__ import annotations

__all__ = ("LegacyFootprint", "LegacySpans", "decode_footprint", "decode_span_set")

import dataclasses

import numpy as np

from ..._geom import Box, Interval
from ...errors import CorruptArchiveError
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import MAX_CORNER, LegacyRows


@dataclasses.dataclass(frozen=True, eq=False)
class LegacySpans:
    """A set of pixels.

    Parameters
    ----------
    spans
        Row, first and last column of each span, shape ``(n, 3)``.
    """

    spans: np.ndarray

    @property
    def bbox(self) -> Box | None:
        """The smallest box around the pixels; `None` without pixels."""
        if not len(self.spans):
            return None
        y, first, last = self.spans.T
        return Box(
            y=Interval(int(y.min()), int(y.max()) + 1), x=Interval(int(first.min()), int(last.max()) + 1)
        )

    @property
    def area(self) -> int:
        """Number of pixels."""
        return int((self.spans[:, 2] - self.spans[:, 1] + 1).sum())


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyFootprint:
    """The pixels of a source.

    Parameters
    ----------
    spans
        Its pixels.
    peaks
        Positions and values of its peaks, shape ``(n, 3)``: x, y, value.
    image, mask, variance
        Values of the pixels in the order of the spans; `None` in footprints
        that do not hold them.
    """

    spans: LegacySpans
    peaks: np.ndarray
    image: np.ndarray | None = None
    mask: np.ndarray | None = None
    variance: np.ndarray | None = None

    @property
    def bbox(self) -> Box | None:
        """The smallest box around the pixels; `None` without pixels."""
        return self.spans.bbox


def decode_span_set(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacySpans:
    """Decode a ``SpanSet``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    return _read_spans(tables[0]) if tables else LegacySpans(np.empty((0, 3), dtype=np.int64))


def _read_spans(rows: LegacyRows) -> LegacySpans:
    columns = [np.asarray(rows.column(name)).astype(np.int64) for name in ("y", "x0", "x1")]
    spans = np.stack(columns, axis=-1).reshape(len(rows), 3)
    if (spans[:, 2] < spans[:, 1]).any() or (np.abs(spans) > MAX_CORNER).any():
        raise CorruptArchiveError("spans end before they begin, or exceed 32-bit coordinates")
    return LegacySpans(spans)


def decode_footprint(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyFootprint:
    """Decode a ``Footprint`` or a ``HeavyFootprint``, old or new.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    if "x0" in tables[0].table:
        spans = _read_spans(tables[0])
    else:
        spans = archive.get(tables[0].one().integer("id"))
        if not isinstance(spans, LegacySpans):
            raise CorruptArchiveError(
                f"the spans of a footprint are a {type(spans).__name__}; expected a SpanSet"
            )
    peaks = _read_peaks(tables[1]) if len(tables) > 1 else np.empty((0, 3))
    if len(tables) < 3:
        return LegacyFootprint(spans, peaks)
    row = tables[2].one()
    planes = {name: row.array(name) if name in row else None for name in ("image", "mask", "variance")}
    for name, values in planes.items():
        if values is not None and values.size != spans.area:
            raise CorruptArchiveError(
                f"a heavy footprint has {values.size} values of the {name} for {spans.area} pixels"
            )
    return LegacyFootprint(spans, peaks, **planes)


def _read_peaks(rows: LegacyRows) -> np.ndarray:
    new = "peakValue" in rows.table
    if not new and "value" not in rows.table:
        return np.empty((0, 3))
    names = ("peakValue", "f_x", "f_y") if new else ("value", "x", "y")
    value, x, y = (np.asarray(rows.column(name), dtype=np.float64) for name in names)
    return np.stack([x, y, value], axis=-1).reshape(len(rows), 3)
