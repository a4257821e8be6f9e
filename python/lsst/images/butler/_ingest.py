# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Taking files, many and in parallel, into a repository as they are."""

from __future__ import annotations

__all__ = ("IngestReport", "PlannedFile", "find_files", "ingest_images")

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from lsst.daf.butler import Butler, DataCoordinate, DataIdValueError, DatasetRef, DatasetType, FileDataset
from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import InvalidArgumentError
from ..plugins import registry
from ._dimension_records import add_dimension_records
from ._file_facts import LEGACY_FORMATTER, FileFacts, inspect_file

FILE_REGEX = r"\.(fits|fits\.gz|fits\.fz|sdf|h5|json)$"
"""Files that are taken from a directory."""

ARTIFACT_INDEX = "_butler_zip_index.json"
"""What a Butler leaves beside files that it hands out."""

BATCH = 200
"""Files that are ingested with one transaction: an interruption loses no more."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class PlannedFile:
    """A file and the dataset that it is, or will be.

    Parameters
    ----------
    uri
        Where it is.
    data_id
        Its data ID.
    formatter
        What will read it; `None` leaves it to the configuration.
    ref
        The dataset, once it is ingested.
    """

    uri: ResourcePath
    data_id: DataCoordinate
    formatter: str | None
    ref: DatasetRef | None = None


@dataclasses.dataclass
class IngestReport:
    """What became of the files.

    Parameters
    ----------
    ingested
        Files that are datasets now; of a dry run, those that would be.
    skipped
        Files whose dataset was there before.
    failed
        Why a file was left out, by file.
    """

    ingested: list[PlannedFile] = dataclasses.field(default_factory=list)
    skipped: list[PlannedFile] = dataclasses.field(default_factory=list)
    failed: dict[ResourcePath, str] = dataclasses.field(default_factory=dict)


def find_files(
    locations: Iterable[ResourcePathExpression], *, regex: str | None = FILE_REGEX
) -> list[ResourcePath]:
    """List files, those in directories included.

    Parameters
    ----------
    locations
        Files and directories, near or far.
    regex
        What names of files found in directories must match; `None`: all.

    Returns
    -------
    files
        Every file once, in order.
    """
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
    regex: str | None = FILE_REGEX,
    workers: int = 4,
    dry_run: bool = False,
    advance: Callable[[int], None] = lambda n: None,
) -> IngestReport:
    """Ingest files of our own or of `lsst.afw`, as they are.

    Parameters
    ----------
    butler
        Writeable Butler.
    locations
        Files and directories.
    dataset_type
        Registered dataset type, or its name.
    run
        Run collection; it is made if it is not there.
    transfer
        How files get into the repository, as for `lsst.daf.butler.Butler.ingest`.
    data_id
        Values of dimensions that files do not say, or a function that makes
        them of a file's place; they win over what files say.
    formatter
        Full name of the formatter; by default files of `lsst.afw` get
        ``lsst.images.formatters.LegacyFormatter`` and others what the
        repository's configuration says.
    transfer_dimensions
        Whether to insert missing dimension records, from headers.
    regex
        What names of files found in directories must match.
    workers
        Number of files that are looked into at the same time.
    dry_run
        Whether only to tell what would be done.
    advance
        Called with the number of files done, for a progress bar.

    Returns
    -------
    report
        What became of each file.  A file that cannot be ingested does not
        keep the others out.

    Notes
    -----
    Datasets that the run has already are skipped, and batches are ingested one
    by one, so an interrupted call is resumed by calling it again.
    """
    if not isinstance(dataset_type, DatasetType):
        dataset_type = butler.get_dataset_type(dataset_type)
    job = _Job(
        butler, dataset_type, run, transfer, data_id or {}, formatter, transfer_dimensions, workers, dry_run
    )
    for batch in _batches(find_files(locations, regex=regex), BATCH):
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
        """Look into files, and ingest those that can be."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="ingest") as pool:
            outcomes = list(pool.map(self._look, batch))
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

    def _look(self, uri: ResourcePath) -> FileFacts | Exception:
        try:
            return inspect_file(uri, self.dataset_type.storageClass.pytype)
        except Exception as err:  # reported, and the other files go on
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
        except Exception as err:  # reported, and the other files go on
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
                f"{err} Register the instrument and define its visits, or have records made of headers "
                "with transfer_dimensions=True (--transfer-dimensions)."
            ) from err

    def _formatter_for(self, facts: FileFacts) -> str | None:
        if self.formatter is not None:
            return self.formatter
        ours = self.dataset_type.storageClass_name in registry.storage_classes()
        return LEGACY_FORMATTER if facts.legacy and ours else None

    def _ingest(self, planned: list[PlannedFile]) -> None:
        """Ingest with one transaction; if that fails, file by file."""
        try:
            self.report.ingested += self._ingest_all(planned)
        except Exception as err:  # reported, and the other files go on
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
