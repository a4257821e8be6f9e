# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading of stamps: each file is opened once, and each of its tiles decoded once."""

from __future__ import annotations

__all__ = ("read_stamps",)

import contextlib
import operator
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from .._geom import XY, Box, Interval
from .._pixels import Mask, MaskSchema
from .._pixels._bits import merge_planes
from .._transforms import Projection
from ..errors import ImagesError, InvalidArgumentError
from ..io import DatasetReader, open_archive
from ..utils import short_repr
from ._gather import gather
from ._positions import Positions, parse_positions
from ._stamps import Stamps, StampStatus

PLANES = ("image", "mask", "variance")

DEFAULT_MEMORY = 2 << 30
"""Bytes that the stack may have by default."""

DEFAULT_THREADS = 4
"""Files that are read at the same time."""

SPARSE_RATIO = 30
"""Pixels of the hull of the stamps of a file, relative to those of the stamps, from which on the
stamps are read one by one."""


def read_stamps(
    source: Any,
    positions: Any,
    size: int | tuple[int, int],
    *,
    planes: Sequence[str] = PLANES,
    fill: str = "NO_DATA",
    max_memory: int = DEFAULT_MEMORY,
    threads: int = DEFAULT_THREADS,
    progress: Callable[[int, int], object] | None = None,
) -> Stamps:
    """Read small images of equal size around many positions, as one stack of pixels.

    Parameters
    ----------
    source
        URI or path of a file, or an open reader; or a sequence of them, one for each position.
    positions
        A `~astropy.coordinates.SkyCoord`, ``XY(x, y)`` in absolute pixels, or a table with columns
        ``ra`` and ``dec`` (degrees, unless they have a unit), ``coord_ra`` and ``coord_dec``, or ``x``
        and ``y``.
    size
        Numbers of rows and columns, or one number for both.
    planes
        ``("image",)``, or all of ``image``, ``mask`` and ``variance``.
    fill
        Name of the mask plane that is set outside the image, where the other planes are NaN (0 for
        integers).
    max_memory
        Number of bytes that the stack may have.
    threads
        Number of files that are read at the same time.
    progress
        Called with the numbers of finished and of all files.

    Returns
    -------
    stamps
        One stamp for each position.  Its ``status`` is whether it could be read.

    Raises
    ------
    InvalidArgumentError
        If positions, size or planes are invalid, images have different units, or the stack would
        have more bytes than ``max_memory``.

    Notes
    -----
    The central pixel, of index ``size // 2``, is the nearest to the position.  A file that is
    missing or damaged costs only its own stamps: their status is ``UNREADABLE``, and ``errors`` has
    the reason.
    """
    found = parse_positions(positions)
    shape = _check_size(size)
    if set(planes) not in ({"image"}, set(PLANES)):
        raise InvalidArgumentError(
            f"planes={short_repr(planes)} is invalid; use ('image',), or all of {PLANES}."
        )
    sources, index = _group(source, len(found))
    stack = _Stack(len(found), shape, tuple(planes), fill, max_memory)
    stack.source = index
    jobs = list(zip(range(len(sources)), sources, _rows_by_source(index, len(sources)), strict=True))
    stack.projections = [None] * len(sources)
    done = 0
    for _ in _run(lambda job: stack.read(job[0], job[1], job[2], found), jobs, threads):
        done += 1
        if progress is not None:
            progress(done, len(jobs))
    return stack.finish()


def _check_size(size: Any) -> tuple[int, int]:
    try:
        pair = size if isinstance(size, tuple | list) else (size, size)
        y, x = map(operator.index, pair)
    except (TypeError, ValueError):
        y = x = 0
    if y < 1 or x < 1:
        raise InvalidArgumentError(
            f"size={short_repr(size)} is invalid; it must be a positive number of pixels, or two (y, x)."
        )
    return y, x


def _group(source: Any, count: int) -> tuple[list[Any], np.ndarray]:
    """Return the distinct sources, and the index of that of each position."""
    is_one = isinstance(source, str | bytes | DatasetReader) or not isinstance(source, Iterable)
    if is_one or hasattr(source, "__fspath__") or hasattr(source, "ospath") or hasattr(source, "read"):
        return [source], np.zeros(count, np.int64)
    given = list(source)
    if len(given) != count:
        raise InvalidArgumentError(
            f"There are {len(given)} sources for {count} positions; give one for each."
        )
    numbers: dict[Any, int] = {}
    index = [numbers.setdefault(one, len(numbers)) for one in given]
    return list(numbers), np.array(index, dtype=np.int64)


def _rows_by_source(index: np.ndarray, count: int) -> list[np.ndarray]:
    """Return the positions of each source, in order."""
    ends = np.cumsum(np.bincount(index, minlength=count))
    return np.split(np.argsort(index, kind="stable"), ends)[:-1]


def _run(work: Callable[[Any], None], jobs: list[Any], threads: int) -> Iterator[None]:
    """Run jobs on several threads, with a few waiting ones, so that memory is bounded."""
    if len(jobs) <= 1 or threads <= 1:
        yield from map(work, jobs)
        return
    with ThreadPoolExecutor(threads) as pool:
        running: set[Future[None]] = set()
        for job in jobs:
            running.add(pool.submit(work, job))
            if len(running) >= 2 * threads:
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in finished)
        for future in running:
            yield future.result()


class _Stack:
    """The arrays that are filled.

    The type of the pixels is that of the first file that can be read.
    """

    def __init__(
        self, count: int, shape: tuple[int, int], planes: tuple[str, ...], fill: str, max_memory: int
    ) -> None:
        self._count, self._shape, self._planes, self._fill = count, shape, planes, fill
        self._max_memory = max_memory
        self._lock = threading.Lock()
        self._arrays: dict[str, np.ndarray] = {}
        self._schema: MaskSchema | None = None
        self._unit: Any = None
        self.start = np.zeros((count, 2), np.int64)
        self.status = np.full(count, StampStatus.UNREADABLE, np.uint8)
        self.errors: dict[int, str] = {}
        self.source = np.zeros(count, np.int64)
        self.projections: list[Projection[Any] | None] = []

    def read(self, number: int, source: Any, rows: np.ndarray, positions: Positions) -> None:
        """Read the stamps of one file; an error is kept for its rows."""
        try:
            with contextlib.ExitStack() as stack:
                reader = (
                    source if isinstance(source, DatasetReader) else stack.enter_context(open_archive(source))
                )
                self._read_file(number, reader, rows, positions)
        except InvalidArgumentError:
            raise
        except (ImagesError, OSError) as err:
            self._note(rows, err)

    def _note(self, rows: np.ndarray, err: Exception) -> None:
        self.status[rows] = StampStatus.UNREADABLE
        text = f"{type(err).__name__}: {err}"
        self.errors |= dict.fromkeys(rows.tolist(), text)

    def _read_file(
        self, number: int, reader: DatasetReader[Any], rows: np.ndarray, positions: Positions
    ) -> None:
        full: Box = reader.get_component("bbox")
        projection = reader.get_component("sky_projection") if positions.pixels is None else None
        self.projections[number] = projection
        pixels = positions.in_pixels(rows, lambda: projection)
        valid = np.isfinite(pixels.x) & np.isfinite(pixels.y)
        self.status[rows[~valid]] = StampStatus.INVALID
        start = self._starts(pixels, valid)
        self.start[rows] = start
        low, high = np.array([full.y.start, full.x.start]), np.array([full.y.stop, full.x.stop])
        stop = start + self._shape
        overlaps = valid & ((stop > low) & (start < high)).all(axis=1)
        inside = overlaps & ((start >= low) & (stop <= high)).all(axis=1)
        self.status[rows[valid & ~overlaps]] = StampStatus.OUTSIDE
        use = np.flatnonzero(overlaps)
        if not len(use):
            self._prepare_empty(reader, full)
            return
        for part in self._parts(start[use]):
            chosen = use[part]
            self._read_part(reader, full, rows[chosen], start[chosen], inside[chosen])

    def _starts(self, pixels: XY[np.ndarray], valid: np.ndarray) -> np.ndarray:
        limit = 1 << 40
        centre = np.column_stack([pixels.y, pixels.x])
        centre = np.where(valid[:, np.newaxis], np.clip(centre, -limit, limit), 0.0)
        return np.asarray(np.floor(centre + 0.5).astype(np.int64) - np.array(self._shape) // 2)

    def _parts(self, start: np.ndarray) -> Iterator[np.ndarray]:
        """Yield the stamps that are read together: all, or each by itself if they are sparse."""
        spans = (start.max(axis=0) - start.min(axis=0) + self._shape).astype(float)
        if np.prod(spans) <= SPARSE_RATIO * len(start) * np.prod(self._shape):
            yield np.arange(len(start))
            return
        yield from np.arange(len(start))[:, np.newaxis]

    def _read_part(
        self, reader: DatasetReader[Any], full: Box, rows: np.ndarray, start: np.ndarray, inside: np.ndarray
    ) -> None:
        low, high = start.min(axis=0).tolist(), (start.max(axis=0) + self._shape).tolist()
        hull = Box(Interval(low[0], high[0]), Interval(low[1], high[1]))
        try:
            planes = {name: reader.get_component(name, bbox=hull.intersection(full)) for name in self._planes}
        except (ImagesError, OSError) as err:
            self._note(rows, err)
            return
        planes = {name: _pad(plane, hull, self._fill) for name, plane in planes.items()}
        self._prepare(planes)
        for name, plane in planes.items():
            array = self._mask_pixels(plane) if name == "mask" else plane.array
            gather(array, start - low, self._arrays[name], rows, self._shape)
        self.status[rows] = np.where(inside, StampStatus.OK, StampStatus.EDGE)

    def _prepare_empty(self, reader: DatasetReader[Any], full: Box) -> None:
        """Find the types of the pixels although no stamp of a file has any."""
        if not self._arrays:
            pixel = Box(Interval.from_size(1, full.y.start), Interval.from_size(1, full.x.start))
            self._prepare(
                {
                    name: _pad(reader.get_component(name, bbox=pixel), pixel, self._fill)
                    for name in self._planes
                }
            )

    def _prepare(self, planes: dict[str, Any]) -> None:
        """Create the arrays when the first file is read; check the unit of others."""
        image = planes["image"]
        with self._lock:
            if self._arrays:
                if image.unit != self._unit:
                    raise InvalidArgumentError(
                        f"Images have different units, {self._unit} and {image.unit}; read their stamps by "
                        "separate calls."
                    )
                return
            shape = (self._count, *self._shape)
            shapes: dict[str, tuple[tuple[int, ...], Any]] = {
                name: (shape, plane.array.dtype) for name, plane in planes.items()
            }
            if "mask" in planes:
                self._schema = planes["mask"].schema
                shapes["mask"] = ((*shape, self._schema.mask_size), self._schema.dtype)
            needed = sum(int(np.prod(s)) * dtype.itemsize for s, dtype in shapes.values())
            if needed > self._max_memory:
                raise InvalidArgumentError(
                    f"The stack of {self._count} stamps would have {needed} bytes, more than "
                    f"max_memory={self._max_memory}; read the positions in parts, or increase max_memory."
                )
            self._unit = image.unit
            self._arrays = {name: _blank(s, dtype) for name, (s, dtype) in shapes.items()}
            if self._schema is not None:
                bit = self._schema.bit(self._fill)
                self._arrays["mask"][..., bit.index] = bit.mask

    def _mask_pixels(self, mask: Mask) -> np.ndarray:
        """Return the pixels of a mask in the planes of the first one."""
        if mask.schema == self._schema:
            return mask.array
        assert self._schema is not None, "set with the first mask"
        array = np.zeros((*mask.bbox.shape, self._schema.mask_size), dtype=self._schema.dtype)
        common = [name for name in mask.schema.names if name in self._schema.names]
        merge_planes(mask.array, mask.schema, array, self._schema, common)
        return array

    def finish(self) -> Stamps:
        """Return the stamps."""
        arrays = self._arrays or {"image": _blank((self._count, *self._shape), np.dtype("f4"))}
        return Stamps(
            arrays["image"],
            self.start,
            mask=arrays.get("mask"),
            variance=arrays.get("variance"),
            mask_schema=self._schema,
            unit=self._unit,
            status=self.status,
            errors=self.errors,
            source=self.source,
            projections=self.projections,
        )


def _pad(plane: Any, bbox: Box, fill: str) -> Any:
    """Extend a plane to a box; the mask gets the plane that marks pixels outside."""
    if plane.bbox == bbox and (not isinstance(plane, Mask) or fill in plane.schema.names):
        return plane
    return plane._padded(bbox, fill)


def _blank(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    return np.full(shape, np.nan if dtype.kind == "f" else 0, dtype=dtype)
