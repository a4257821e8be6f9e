# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read many cutouts of Butler datasets, opening each file once."""

from __future__ import annotations

__all__ = ("Cutout", "iter_cutouts", "read_cutouts")

import contextlib
import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from lsst.daf.butler import Butler, DatasetRef, DeferredDatasetHandle
from lsst.resources import ResourcePath

from ..errors import InvalidParameterError, NotAnArchiveError
from ..io import Cutout, DatasetReader, open_archive
from ..io import read_cutouts as read_file_cutouts
from ..io._cutouts import PLANES, CutoutOptions
from ..legacy import open_legacy
from ..plugins import registry
from ..plugins._specs import GENERIC_FORMATTER
from ..serialization import attach
from ..utils import short_repr
from ._file_facts import LEGACY_FORMATTER
from ._provenance import check_identity

DEFAULT_WORKERS = 8
"""Number of files that are read at the same time; reading is mostly waiting."""


def read_cutouts(
    butler: Butler,
    requests: Iterable[tuple[DatasetRef, Any]],
    *,
    planes: str | Sequence[str] | None = PLANES,
    component: str | None = None,
    fill: str | None = None,
    clip: bool = False,
    keep_errors: bool = True,
    workers: int = DEFAULT_WORKERS,
) -> list[Cutout]:
    """Read many cutouts of Butler datasets, opening each file once.

    `lsst.images.io.read_cutouts` does the same for one file, with the same
    options and defaults.

    Parameters
    ----------
    butler
        Butler of the datasets.
    requests
        Pairs of a dataset and a region: any value that the read parameter
        ``bbox`` accepts, for instance a box or ``(center, radius)`` on the sky.
    planes
        Content of each cutout: by default a `~lsst.images.MaskedImage`; the
        name of a component, or several; or `None` for an object of the type
        of the dataset.
    component
        Name of one component; the same as ``planes=component``.
    fill
        Name of a mask plane to set in pixels that lie outside the image.
    clip
        Whether to clip boxes to the image.  If neither ``fill`` nor ``clip``
        is given, a box that is not within the image is an error.
    keep_errors
        Whether a cutout that cannot be read is returned with its ``error``;
        otherwise an error is raised, and the other cutouts are lost.  The
        error of a file that cannot be opened is that of all its cutouts.
    workers
        Number of files that are read at the same time.

    Returns
    -------
    `list` [ `Cutout` ]
        The cutouts in the order of the requests, with their ``ref``.

    Raises
    ------
    InvalidParameterError
        If both ``fill`` and ``clip``, or both ``component`` and ``planes``, are
        given.
    Exception
        With ``keep_errors=False``, if a cutout cannot be read.
    """
    found = dict(
        iter_cutouts(
            butler,
            requests,
            planes=planes,
            component=component,
            fill=fill,
            clip=clip,
            keep_errors=keep_errors,
            workers=workers,
        )
    )
    return [found[number] for number in sorted(found)]


def iter_cutouts(
    butler: Butler,
    requests: Iterable[tuple[DatasetRef, Any]],
    *,
    planes: str | Sequence[str] | None = PLANES,
    component: str | None = None,
    fill: str | None = None,
    clip: bool = False,
    keep_errors: bool = True,
    workers: int = DEFAULT_WORKERS,
) -> Iterator[tuple[int, Cutout]]:
    """Read many cutouts of Butler datasets, and yield them as files are finished.

    Parameters
    ----------
    butler, requests, planes, component, fill, clip, keep_errors, workers
        As for `read_cutouts`.

    Yields
    ------
    number, cutout
        Index of the request, and the cutout.

    Raises
    ------
    InvalidParameterError
        If both ``fill`` and ``clip``, or both ``component`` and ``planes``, are
        given.
    Exception
        With ``keep_errors=False``, if a cutout cannot be read.
    """
    if component is not None and planes not in (PLANES, component):
        raise InvalidParameterError(
            f"Both component={short_repr(component)} and planes={short_repr(planes)} are given; give one of "
            "them."
        )
    options = CutoutOptions(planes if component is None else component, fill, clip)
    groups: dict[DatasetRef, list[tuple[int, Any]]] = {}
    for number, (ref, where) in enumerate(requests):
        groups.setdefault(ref, []).append((number, where))
    # The Butler is used in this thread only, because it is not thread-safe.
    datasets = [_Dataset(butler, ref, wanted, options) for ref, wanted in groups.items()]
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
    """All requested cutouts of one dataset."""

    def __init__(
        self, butler: Butler, ref: DatasetRef, wanted: list[tuple[int, Any]], options: CutoutOptions
    ) -> None:
        self._ref = ref
        self._wanted = wanted
        self._options = options
        self._uri: ResourcePath | None = None
        self._failure: Exception | None = None
        try:
            self._uri = _find_file(butler, ref)
            # Handles, unlike the Butler, may be used by other threads.
            self._handle = butler.getDeferred(ref)
        except Exception as err:  # raised or returned with the errors of reading
            self._failure = err
        self._info: Mapping[str, Any] | None = None

    def read(self) -> list[tuple[int, Cutout]]:
        """Read the cutouts; errors are stored in the cutouts."""
        numbers, places = zip(*self._wanted, strict=True)
        options = self._options
        try:
            if self._failure is not None:
                raise self._failure
            with self._open() as reader:
                cutouts = read_file_cutouts(
                    reader, places, planes=options.planes, fill=options.fill, clip=options.clip
                )
        except Exception as err:  # raised or returned by iter_cutouts, as the caller chooses
            cutouts = [Cutout(where, error=err) for where in places]
        for cutout in cutouts:
            self._identify(cutout)
        return [
            (number, dataclasses.replace(cutout, ref=self._ref))
            for number, cutout in zip(numbers, cutouts, strict=True)
        ]

    def _identify(self, cutout: Cutout) -> None:
        """Name the dataset in the error or the attachments of a cutout."""
        if cutout.error is not None:
            cutout.error.add_note(f"While reading a cutout at {cutout.where} of dataset {self._ref}.")
        elif self._info is not None:
            planes = cutout.image.values() if isinstance(cutout.image, dict) else [cutout.image]
            for plane in planes:
                attach(plane, butler_info=self._info)

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
    """Reader of a dataset that only its Butler can read."""

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
    """Return the file of a dataset, or `None` if only the Butler can read it."""
    spec = registry.storage_classes().get(ref.datasetType.storageClass_name)
    if spec is None or spec.formatter not in (GENERIC_FORMATTER, LEGACY_FORMATTER):
        return None
    uris = butler.getURIs(ref)
    primary: ResourcePath | None = uris.primaryURI
    if primary is None or uris.componentURIs or primary.scheme == "mem" or primary.fragment:
        return None
    return primary
