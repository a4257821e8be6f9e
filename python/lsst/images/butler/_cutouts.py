# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Many small pieces of stored images, with each file opened once."""

from __future__ import annotations

__all__ = ("Cutout", "iter_cutouts", "read_cutouts")

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from lsst.daf.butler import Butler, DatasetRef, DeferredDatasetHandle
from lsst.resources import ResourcePath

from ..errors import NotAnArchiveError
from ..io import Cutout as Piece
from ..io import DatasetReader, open_archive
from ..io import read_cutouts as read_pieces
from ..legacy import open_legacy
from ..plugins import registry
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
    datasets = [_Dataset(butler, ref, wanted, component, clip) for ref, wanted in groups.items()]
    with ThreadPoolExecutor(max(1, min(workers, len(datasets))), thread_name_prefix="cutouts") as pool:
        tasks = [pool.submit(dataset.read) for dataset in datasets]
        try:
            for task in as_completed(tasks):
                for number, cutout in task.result():
                    if cutout.error is not None and not keep_errors:
                        raise cutout.error
                    yield number, cutout
        finally:
            for task in tasks:
                task.cancel()


class _Dataset:
    """All that is wanted of one dataset."""

    def __init__(
        self,
        butler: Butler,
        ref: DatasetRef,
        wanted: list[tuple[int, Any]],
        component: str | None,
        clip: bool,
    ) -> None:
        self._ref = ref
        self._wanted = wanted
        self._component = component
        self._clip = clip
        self._uri = _find_file(butler, ref)
        # Handles, unlike the Butler, may be used by other threads.
        self._handle = butler.getDeferred(ref)
        self._info: Mapping[str, Any] | None = None

    def read(self) -> list[tuple[int, Cutout]]:
        """Read all pieces; what goes wrong is kept with its piece."""
        numbers, places = zip(*self._wanted, strict=True)
        try:
            with self._open() as reader:
                pieces = read_pieces(reader, places, planes=self._component, clip=self._clip)
        except Exception as err:  # handed to the caller of iter_cutouts
            pieces = [Piece(where, error=err) for where in places]
        for piece in pieces:
            if piece.error is not None:
                piece.error.add_note(f"While reading a cutout at {piece.where} of dataset {self._ref}.")
            elif self._info is not None:
                identify(piece.image, self._info)
        cutouts = [Cutout(self._ref, piece.where, piece.image, piece.error) for piece in pieces]
        return list(zip(numbers, cutouts, strict=True))

    @contextlib.contextmanager
    def _open(self) -> Iterator[DatasetReader[Any]]:
        if self._uri is None:
            yield _HandleReader(self._handle)
            return
        pytype = self._ref.datasetType.storageClass.pytype
        with contextlib.ExitStack() as stack:
            try:
                reader: DatasetReader[Any] = stack.enter_context(open_archive(self._uri, pytype))
            except NotAnArchiveError:
                reader = stack.enter_context(open_legacy(self._uri, pytype))
            self._info = check_identity(reader.butler_info, self._ref, self._uri)
            yield reader


class _HandleReader(DatasetReader[Any]):
    """A dataset that only its Butler can read."""

    def __init__(self, handle: DeferredDatasetHandle) -> None:
        self._handle = handle

    @property
    def component_names(self) -> list[str]:
        return sorted(self._handle.ref.datasetType.storageClass.allComponents())

    def read(self, **parameters: Any) -> Any:
        return self._handle.get(parameters=parameters)

    def get_component(self, name: str, **parameters: Any) -> Any:
        return self._handle.get(component=name, parameters=parameters)


def _find_file(butler: Butler, ref: DatasetRef) -> ResourcePath | None:
    """Return the file of a dataset, if it is one that we can open ourselves."""
    spec = registry.storage_classes().get(ref.datasetType.storageClass_name)
    if spec is None or spec.formatter not in (GENERIC_FORMATTER, LEGACY_FORMATTER):
        return None
    uris = butler.getURIs(ref)
    primary: ResourcePath | None = uris.primaryURI
    if primary is None or uris.componentURIs or primary.scheme == "mem" or primary.fragment:
        return None
    return primary
