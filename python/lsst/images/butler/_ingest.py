# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Ingest many files unchanged into a Butler repository."""

from __future__ import annotations

__all__ = ("IngestReport", "PlannedFile", "default_file_regex", "find_files", "ingest_images")

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from types import EllipsisType
from typing import Any

from lsst.daf.butler import Butler, DataCoordinate, DataIdValueError, DatasetRef, DatasetType, FileDataset
from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import InvalidArgumentError
from ..io._containers import readable_extensions
from ..plugins import registry
from ._dimension_records import add_dimension_records
from ._file_facts import LEGACY_FORMATTER, FileFacts, inspect_file

ARTIFACT_INDEX = "_butler_zip_index.json"
"""Name of the index file that a Butler writes beside retrieved artifacts."""

BATCH_SIZE = 200
"""Number of files per transaction; an interruption undoes at most one batch."""

DEFAULT_WORKERS = 4
"""Number of files that are inspected at the same time."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file and the dataset that it is, or will be, ingested as.

    Parameters
    ----------
    uri
        Location of the file.
    data_id
        Data ID of the dataset.
    formatter
        Full name of the formatter; `None` uses the repository's configuration.
    ref
        The dataset, or `None` before it is ingested.
    """

    uri: ResourcePath
    data_id: DataCoordinate
    formatter: str | None
    ref: DatasetRef | None = None


@dataclasses.dataclass
class IngestReport:
    """Result of `ingest_images`.

    Parameters
    ----------
    ingested
        Files that were ingested or, in a dry run, would be.
    skipped
        Files whose dataset already exists in the run.
    failed
        Reason for each file that was not ingested.
    """

    ingested: list[PlannedFile] = dataclasses.field(default_factory=list)
    skipped: list[PlannedFile] = dataclasses.field(default_factory=list)
    failed: dict[ResourcePath, str] = dataclasses.field(default_factory=dict)


def default_file_regex() -> str:
    """Return the regular expression for file names of all registered containers."""
    extensions = "|".join(map(re.escape, sorted(readable_extensions())))
    return f"({extensions})$"


def find_files(
    locations: Iterable[ResourcePathExpression], *, regex: str | EllipsisType | None = ...
) -> list[ResourcePath]:
    """List files, including those in directories.

    Parameters
    ----------
    locations
        Files and directories, local or remote.
    regex
        Regular expression that the names of files in directories must match.
        The default accepts the file name extensions of all registered
        containers, `None` accepts all names.

    Returns
    -------
    files
        The files, sorted and without duplicates.
    """
    if regex is ...:
        regex = default_file_regex()
    found = ResourcePath.findFileResources(locations, file_filter=regex, grouped=False)
    return sorted({uri for uri in found if uri.basename() != ARTIFACT_INDEX}, key=str)


def ingest_images(
    butler: Butler,
    locations: Iterable[ResourcePathExpression],
    dataset_type: str | DatasetType,
    run: str,
    *,
    transfer: str | None = "auto",
    data_id: Mapping[str, Any] | Callable[[ResourcePath], Mapping[str, Any]] | None = None,
    formatter: str | None = None,
    transfer_dimensions: bool = False,
    regex: str | EllipsisType | None = ...,
    workers: int = DEFAULT_WORKERS,
    dry_run: bool = False,
    advance: Callable[[int], None] = lambda n: None,
) -> IngestReport:
    """Ingest files of any registered container or of `lsst.afw`, unchanged.

    Parameters
    ----------
    butler
        Writeable Butler.
    locations
        Files and directories.
    dataset_type
        Registered dataset type, or its name.
    run
        Name of the run collection; it is created if it does not exist.
    transfer
        Transfer mode, as for `lsst.daf.butler.Butler.ingest`.
    data_id
        Values of dimensions, or a function that returns them for the location
        of a file; they take precedence over the content of the files.
    formatter
        Full name of the formatter; by default
        ``lsst.images.formatters.LegacyFormatter`` for files of `lsst.afw` and
        the repository's configuration for others.
    transfer_dimensions
        Whether to insert missing dimension records, made from headers.
    regex
        Regular expression for the names of files in directories, as for
        `find_files`.
    workers
        Number of files that are inspected at the same time.
    dry_run
        Whether to report what would be ingested without ingesting it.
    advance
        Called with the number of files of each finished batch, for a progress
        bar.

    Returns
    -------
    report
        Result for each file.  A file that cannot be ingested does not prevent
        ingesting the others.

    Notes
    -----
    Datasets that exist in the run are skipped, and each batch is ingested in
    its own transaction: calling this again resumes an interrupted call.
    """
    if not isinstance(dataset_type, DatasetType):
        dataset_type = butler.get_dataset_type(dataset_type)
    job = _Job(
        butler, dataset_type, run, transfer, data_id or {}, formatter, transfer_dimensions, workers, dry_run
    )
    for batch in _batches(find_files(locations, regex=regex), BATCH_SIZE):
        job.do(batch)
        advance(len(batch))
    return job.report


@dataclasses.dataclass
class _Job:
    """One call of `ingest_images`."""

    butler: Butler
    dataset_type: DatasetType
    run: str
    transfer: str | None
    given: Mapping[str, Any] | Callable[[ResourcePath], Mapping[str, Any]]
    formatter: str | None
    transfer_dimensions: bool
    workers: int
    dry_run: bool
    report: IngestReport = dataclasses.field(default_factory=IngestReport)

    def __post_init__(self) -> None:
        if not self.dry_run:
            self.butler.collections.register(self.run)
        self.seen = {coordinate: "the run" for coordinate in self._present()}

    def do(self, batch: list[ResourcePath]) -> None:
        """Inspect a batch of files, and ingest those that can be ingested."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="ingest") as pool:
            outcomes = list(pool.map(self._inspect, batch))
        planned = []
        for uri, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._fail(uri, outcome)
            elif (file := self._plan(outcome)) is not None:
                planned.append(file)
        if self.dry_run:
            self.report.ingested += planned
        else:
            self._ingest(planned)

    def _present(self) -> Iterator[DataCoordinate]:
        if self.run not in self.butler.collections.query("*"):
            return
        refs = self.butler.query_datasets(
            self.dataset_type, self.run, find_first=False, limit=None, explain=False
        )
        yield from (ref.dataId for ref in refs)

    def _inspect(self, uri: ResourcePath) -> FileFacts | Exception:
        try:
            return inspect_file(uri, self.dataset_type.storageClass.pytype)
        except Exception as err:  # reported; the other files are still ingested
            return err

    def _fail(self, uri: ResourcePath, err: Exception) -> None:
        self.report.failed[uri] = f"{type(err).__name__}: {err}"

    def _plan(self, facts: FileFacts) -> PlannedFile | None:
        given = self.given(facts.uri) if callable(self.given) else self.given
        try:
            values = facts.data_id(self.dataset_type.dimensions.required, given)
            if self.transfer_dimensions and not self.dry_run:
                add_dimension_records(self.butler, values, facts.obs_info, given)
            coordinate = DataCoordinate.standardize(values, dimensions=self.dataset_type.dimensions)
            if not (self.dry_run and self.transfer_dimensions):
                coordinate = self._expand(coordinate)
        except Exception as err:  # reported; the other files are still ingested
            self._fail(facts.uri, err)
            return None
        file = PlannedFile(uri=facts.uri, data_id=coordinate, formatter=self._formatter_for(facts))
        if (other := self.seen.setdefault(coordinate, str(facts.uri))) == str(facts.uri):
            return file
        if other == "the run":
            self.report.skipped.append(file)
        else:
            self.report.failed[facts.uri] = f"{coordinate} is also the data ID of {other}."
        return None

    def _expand(self, coordinate: DataCoordinate) -> DataCoordinate:
        try:
            return self.butler.registry.expandDataId(coordinate)
        except DataIdValueError as err:
            raise InvalidArgumentError(
                f"{err} Register the instrument and define its visits, or insert records made from headers "
                "with transfer_dimensions=True (--transfer-dimensions)."
            ) from err

    def _formatter_for(self, facts: FileFacts) -> str | None:
        if self.formatter is not None:
            return self.formatter
        ours = self.dataset_type.storageClass_name in registry.storage_classes()
        return LEGACY_FORMATTER if facts.legacy and ours else None

    def _ingest(self, planned: list[PlannedFile]) -> None:
        """Ingest all files in one transaction or, if that fails, one by one."""
        try:
            self.report.ingested += self._ingest_all(planned)
        except Exception as err:  # reported; the other files are still ingested
            if len(planned) == 1:
                self._fail(planned[0].uri, err)
                return
            for file in planned:
                self._ingest([file])

    def _ingest_all(self, planned: list[PlannedFile]) -> list[PlannedFile]:
        if not planned:
            return []
        refs = [DatasetRef(self.dataset_type, file.data_id, run=self.run) for file in planned]
        datasets = [
            FileDataset(file.uri, ref, formatter=file.formatter)
            for file, ref in zip(planned, refs, strict=True)
        ]
        self.butler.ingest(*datasets, transfer=self.transfer)
        return [dataclasses.replace(file, ref=ref) for file, ref in zip(planned, refs, strict=True)]


def _batches(files: list[ResourcePath], size: int) -> Iterator[list[ResourcePath]]:
    iterator = iter(files)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
