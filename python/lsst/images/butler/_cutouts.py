# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Many small pieces of stored images, with each file opened once."""

from __future__ import annotations

__all__ = ("Cutout", "iter_cutouts", "read_cutouts")

import contextlib
import dataclasses
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from lsst.daf.butler import Butler, DatasetRef
from lsst.resources import ResourcePath

from .._geom import Box
from ..errors import ArchiveReadError, ImagesError, NoOverlapError, NotAnArchiveError
from ..io import open_archive, parse_bbox
from ..legacy import open_legacy
from ..plugins import ReadContext, registry
from ..plugins._specs import GENERIC_FORMATTER
from ._file_facts import LEGACY_FORMATTER
from ._provenance import check_identity, identify

WORKERS = 8
"""Files that are read at the same time: most of the time is waiting for them."""


@dataclasses.dataclass(frozen=True)
class Cutout:
    """A piece of a stored image.

    Parameters
    ----------
    ref
        The dataset.
    where
        What was asked for: anything that reads take as ``bbox``.
    image
        The piece, or `None` if it could not be read.
    error
        Why not.
    """

    ref: DatasetRef
    where: Any
    image: Any = None
    error: Exception | None = None


def read_cutouts(
    butler: Butler,
    requests: Iterable[tuple[DatasetRef, Any]],
    *,
    component: str | None = None,
    clip: bool = True,
    workers: int = WORKERS,
    keep_errors: bool = False,
) -> list[Cutout]:
    """Read pieces of stored images, file by file and several at a time.

    Parameters
    ----------
    butler
        Butler of the datasets.
    requests
        Datasets, and boxes or positions: anything that reads take as ``bbox``,
        ``(center, radius)`` on the sky for instance.
    component
        Name of a component to read instead of the whole.
    clip
        Whether a box that sticks out is cut to the image; otherwise it is an
        error.
    workers
        Number of files that are read at the same time.
    keep_errors
        Whether a piece that cannot be read is told by its ``error``;
        otherwise the first such error is raised.

    Returns
    -------
    cutouts
        In the order of the requests.

    Raises
    ------
    NoOverlapError
        If a piece lies outside its image.
    """
    found = dict(
        iter_cutouts(
            butler, requests, component=component, clip=clip, workers=workers, keep_errors=keep_errors
        )
    )
    return [found[number] for number in sorted(found)]


def iter_cutouts(
    butler: Butler,
    requests: Iterable[tuple[DatasetRef, Any]],
    *,
    component: str | None = None,
    clip: bool = True,
    workers: int = WORKERS,
    keep_errors: bool = False,
) -> Iterator[tuple[int, Cutout]]:
    """Read pieces of stored images, as files are done.

    Parameters
    ----------
    butler, requests, component, clip, workers, keep_errors
        As for `read_cutouts`.

    Yields
    ------
    number, cutout
        Position among the requests, and the piece.

    Raises
    ------
    NoOverlapError
        If a piece lies outside its image.
    """
    groups: dict[DatasetRef, list[tuple[int, Any]]] = {}
    for number, (ref, where) in enumerate(requests):
        groups.setdefault(ref, []).append((number, where))
    # Asked of the registry's side here, because a Butler serves one thread.
    files = [_File(butler, ref, wanted, component, clip) for ref, wanted in groups.items()]
    with ThreadPoolExecutor(max(1, min(workers, len(files))), thread_name_prefix="cutouts") as pool:
        tasks = [pool.submit(file.read) for file in files]
        try:
            for task in as_completed(tasks):
                for number, cutout in task.result():
                    if cutout.error is not None and not keep_errors:
                        raise cutout.error
                    yield number, cutout
        finally:
            for task in tasks:
                task.cancel()


class _File:
    """All that is wanted of one dataset."""

    def __init__(
        self,
        butler: Butler,
        ref: DatasetRef,
        wanted: list[tuple[int, Any]],
        component: str | None,
        clip: bool,
    ) -> None:
        self._butler = butler
        self._ref = ref
        self._wanted = wanted
        self._component = component
        self._clip = clip
        self._uri = self._find()
        # Handles, unlike the Butler, may be used by other threads.
        self._handle = None if self._uri is not None else butler.getDeferred(ref)

    def _find(self) -> ResourcePath | None:
        """Return the file, if it is one that we can open ourselves."""
        spec = registry.storage_classes().get(self._ref.datasetType.storageClass_name)
        if spec is None or spec.formatter not in (GENERIC_FORMATTER, LEGACY_FORMATTER):
            return None
        uris = self._butler.getURIs(self._ref)
        primary: ResourcePath | None = uris.primaryURI
        if primary is None or uris.componentURIs or primary.scheme == "mem" or primary.fragment:
            return None
        return primary

    def read(self) -> list[tuple[int, Cutout]]:
        """Read all pieces; what goes wrong is kept with its piece."""
        try:
            if self._uri is None:
                return [self._caught(None, number, where) for number, where in self._wanted]
            with self._open(self._uri) as reader:
                check_identity(getattr(reader, "butler_info", None), self._ref, self._uri)
                self._read_ahead(reader)
                return [self._caught(reader, number, where) for number, where in self._wanted]
        except Exception as err:  # handed to the caller of iter_cutouts
            err.add_note(f"While reading cutouts of dataset {self._ref}.")
            return [(number, Cutout(self._ref, where, error=err)) for number, where in self._wanted]

    @contextlib.contextmanager
    def _open(self, uri: ResourcePath) -> Iterator[Any]:
        pytype = self._ref.datasetType.storageClass.pytype
        with contextlib.ExitStack() as stack:
            try:
                reader: Any = stack.enter_context(open_archive(uri, pytype))
            except NotAnArchiveError:
                reader = stack.enter_context(open_legacy(uri, pytype))
            yield reader

    def _read_ahead(self, reader: Any) -> None:
        """Have what several pieces need decoded once."""
        if len(self._wanted) < 2 or not hasattr(reader, "read_ahead"):
            return
        boxes = []
        for _, where in self._wanted:
            # Whatever is wrong is told by the piece's own read.
            with contextlib.suppress(ImagesError):
                boxes.append(self._place(reader.get_component, where))
        with contextlib.suppress(ArchiveReadError):
            reader.read_ahead(boxes, [self._component])

    def _caught(self, reader: Any, number: int, where: Any) -> tuple[int, Cutout]:
        try:
            image = self._read_one(reader, where)
        except Exception as err:  # handed to the caller of iter_cutouts
            err.add_note(f"While reading a cutout at {where} of dataset {self._ref}.")
            return number, Cutout(self._ref, where, error=err)
        return number, Cutout(self._ref, where, image=identify(image, self._ref))

    def _read_one(self, reader: Any, where: Any) -> Any:
        get = self._get_deferred if reader is None else reader.get_component
        bbox = self._place(get, where) if self._clip else where
        if reader is None:
            return self._get_deferred(self._component, bbox=bbox)
        if self._component is not None:
            return reader.get_component(self._component, bbox=bbox)
        return reader.read(bbox=bbox)

    def _place(self, get: Callable[[str], Any], where: Any) -> Box:
        context = ReadContext(uri=self._uri, projection=lambda: get("sky_projection"))
        box = parse_bbox(where, context)
        return _overlap(box, get("bbox")) if self._clip else box

    def _get_deferred(self, name: str | None, **parameters: Any) -> Any:
        assert self._handle is not None, "made when there is no file to open"
        return self._handle.get(component=name, parameters=parameters)


def _overlap(box: Box, full: Box) -> Box:
    try:
        return box.intersection(full)
    except NoOverlapError as err:
        raise NoOverlapError(f"The piece {box} lies outside the image, {full}.") from err
