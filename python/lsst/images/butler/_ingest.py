# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Ingest many files unchanged into a Butler repository."""

from __future__ import annotations

__all__ = ("IngestReport", "PlannedFile", "default_file_regex", "find_files", "ingest_images")

import dataclasses
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import EllipsisType
from typing import Any

from lsst.daf.butler import (
    Butler,
    DataCoordinate,
    DataIdValueError,
    DatasetExistence,
    DatasetRef,
    DatasetType,
    FileDataset,
    MissingDatasetTypeError,
)
from lsst.daf.butler.registry import ConflictingDefinitionError
from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import InvalidArgumentError
from ..io._containers import readable_extensions
from ..plugins import registry
from ..utils import short_repr
from ._dimension_records import DimensionRecords, Key
from ._file_facts import LEGACY_FORMATTER, FileFacts, inspect_file
from ._orphans import find_orphans

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
    orphans
        Files in the directory of the run that no dataset refers to, for
        instance because an earlier call was killed.
    """

    ingested: list[PlannedFile] = dataclasses.field(default_factory=list)
    skipped: list[PlannedFile] = dataclasses.field(default_factory=list)
    failed: dict[ResourcePath, str] = dataclasses.field(default_factory=dict)
    orphans: list[ResourcePath] = dataclasses.field(default_factory=list)


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
        Transfer mode, as for `lsst.daf.butler.Butler.ingest`.  With "move",
        files are removed after the transaction of their copies.
    data_id
        Values of dimensions, or a function that returns them for the location
        of a file.  A file whose content contradicts them is not ingested.
    formatter
        Full name of the formatter; by default
        ``lsst.images.formatters.LegacyFormatter`` for files of `lsst.afw` and
        the repository's configuration for others.
    transfer_dimensions
        Whether to insert missing dimension records, made from headers and
        sky projections: also the regions of visits and detectors, which
        spatial queries and pipelines need.
    regex
        Regular expression for the names of files in directories, as for
        `find_files`.
    workers
        Number of files that are inspected at the same time.
    dry_run
        Whether to do everything except writing: the report is that of a real
        call.
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
    Datasets that exist in the run are skipped.  All files are inspected first;
    then each batch is ingested in its own transaction, with its dimension
    records and the run: calling this again completes an interrupted call, and
    a call that ingests no file leaves no run.  Of files with the same data ID
    none is ingested.
    """
    if not isinstance(dataset_type, DatasetType):
        dataset_type = butler.get_dataset_type(dataset_type)
    job = _Job(
        butler,
        dataset_type,
        run,
        transfer=transfer,
        data_id=data_id,
        formatter=formatter,
        transfer_dimensions=transfer_dimensions,
        workers=workers,
    )
    candidates = job.plan(find_files(locations, regex=regex))
    if job.report.failed:
        advance(len(job.report.failed))
    for batch in _batches(candidates, BATCH_SIZE):
        job.ingest(batch, dry_run=dry_run)
        advance(len(batch))
    job.report.orphans = find_orphans(butler, dataset_type, run)
    return job.report


@dataclasses.dataclass
class _Candidate:
    """A file that is to be ingested, or whose dataset exists."""

    file: PlannedFile
    facts: FileFacts
    keys: tuple[Key, ...] = ()


class _Job:
    """One call of `ingest_images`."""

    def __init__(
        self,
        butler: Butler,
        dataset_type: DatasetType,
        run: str,
        *,
        transfer: str | None,
        data_id: Mapping[str, Any] | Callable[[ResourcePath], Mapping[str, Any]] | None,
        formatter: str | None,
        transfer_dimensions: bool,
        workers: int,
    ) -> None:
        self.butler = butler
        self.dataset_type = dataset_type
        self.run = run
        self.transfer = "copy" if transfer == "move" else transfer
        self.remove_sources = transfer == "move"
        self.given = data_id or {}
        self.formatter = formatter
        self.records = DimensionRecords(butler) if transfer_dimensions else None
        self.workers = workers
        self.report = IngestReport()
        self.removed_partial_run = False
        self.existing = self._find_existing()

    # Planning.

    def plan(self, files: Sequence[ResourcePath]) -> list[_Candidate]:
        """Inspect files, and return those that can be ingested."""
        with ThreadPoolExecutor(self.workers, thread_name_prefix="ingest") as pool:
            outcomes = list(pool.map(self._inspect, files))
        identified = {}
        for uri, outcome in zip(files, outcomes, strict=True):
            if isinstance(outcome, Exception):
                self._fail(uri, outcome)
            elif (candidate := self._identify(outcome)) is not None:
                identified[uri] = candidate
        self._reject_duplicates(identified)
        return [found for found in identified.values() if self._expand(found)]

    def _find_existing(self) -> dict[DataCoordinate, DatasetRef]:
        """Return the datasets in the run, by data ID."""
        if self.run not in self.butler.collections.query("*"):
            return {}
        if (found := self.butler.collections.get_info(self.run).type.name) != "RUN":
            raise InvalidArgumentError(
                f"Cannot ingest into {short_repr(self.run)}: it is a {found} collection. Give the name of a "
                "RUN."
            )
        try:
            refs = self.butler.query_datasets(
                self.dataset_type, self.run, find_first=False, limit=None, explain=False
            )
        except MissingDatasetTypeError:
            return {}
        return {ref.dataId: ref for ref in refs}

    def _inspect(self, uri: ResourcePath) -> FileFacts | Exception:
        try:
            return inspect_file(uri, self.dataset_type.storageClass.pytype)
        except Exception as err:  # reported; the other files are still ingested
            return err

    def _fail(self, uri: ResourcePath, err: Exception) -> None:
        self.report.failed[uri] = f"{type(err).__name__}: {err}"

    def _identify(self, facts: FileFacts) -> _Candidate | None:
        """Find the data ID of a file."""
        try:
            values = facts.data_id(self.dataset_type.dimensions.required, self._given(facts))
            coordinate = DataCoordinate.standardize(values, dimensions=self.dataset_type.dimensions)
        except Exception as err:  # reported; the other files are still ingested
            self._fail(facts.uri, err)
            return None
        file = PlannedFile(uri=facts.uri, data_id=coordinate, formatter=self._formatter_for(facts))
        return _Candidate(file, facts)

    def _given(self, facts: FileFacts) -> Mapping[str, Any]:
        return self.given(facts.uri) if callable(self.given) else self.given

    def _formatter_for(self, facts: FileFacts) -> str | None:
        if self.formatter is not None:
            return self.formatter
        ours = self.dataset_type.storageClass_name in registry.storage_classes()
        return LEGACY_FORMATTER if facts.legacy and ours else None

    def _reject_duplicates(self, identified: dict[ResourcePath, _Candidate]) -> None:
        """Remove all files that share a data ID with another file."""
        by_data_id: dict[DataCoordinate, list[ResourcePath]] = {}
        for uri, candidate in identified.items():
            by_data_id.setdefault(candidate.file.data_id, []).append(uri)
        for coordinate, uris in by_data_id.items():
            for uri in uris if len(uris) > 1 else ():
                others = ", ".join(str(other) for other in uris if other != uri)
                self.report.failed[uri] = f"Its data ID {coordinate} is also the data ID of {others}."
                del identified[uri]

    def _expand(self, candidate: _Candidate) -> bool:
        """Add the dimension records to the data ID; return whether that succeeded."""
        file, facts = candidate.file, candidate.facts
        try:
            records = None
            if self.records is not None:
                values = facts.merge(self._given(facts))
                candidate.keys = self.records.add(file.data_id.required, values, facts.region)
                records = self.records.records(candidate.keys)
            expanded = self.butler.registry.expandDataId(file.data_id, records=records)
        except DataIdValueError as err:
            self._fail(file.uri, InvalidArgumentError(f"{err} {self._advice(file.data_id)}"))
            return False
        except Exception as err:  # reported; the other files are still ingested
            self._fail(file.uri, err)
            return False
        candidate.file = dataclasses.replace(file, data_id=expanded, ref=self.existing.get(file.data_id))
        return True

    def _advice(self, coordinate: DataCoordinate) -> str:
        if "skymap" in coordinate.dimensions:
            return "Register the sky map of the coadds; files do not define sky maps."
        return (
            "Register the instrument and define its visits, or insert records made from headers "
            "with transfer_dimensions=True (--transfer-dimensions)."
        )

    # Ingesting.

    def ingest(self, candidates: Sequence[_Candidate], *, dry_run: bool) -> None:
        """Ingest files whose datasets do not exist."""
        new, skipped = [], []
        for candidate in candidates:
            ref = candidate.file.ref
            existence = DatasetExistence.UNRECOGNIZED if ref is None else self.butler.exists(ref)
            if ref is None or DatasetExistence.DATASTORE not in existence:
                new.append(candidate)
            elif existence:
                skipped.append(candidate)
            else:
                self.report.failed[candidate.file.uri] = (
                    f"Its dataset {ref} is registered, but the file {self.butler.getURI(ref)} of the dataset "
                    "does not exist. Remove the dataset (butler prune-datasets --purge), then ingest again."
                )
        self.report.skipped += [candidate.file for candidate in skipped]
        if dry_run:
            self.report.ingested += [candidate.file for candidate in new]
            return
        self._write(new, {key: None for candidate in skipped for key in candidate.keys})

    def _write(self, new: Sequence[_Candidate], keys: Mapping[Key, None]) -> None:
        """Ingest files in one transaction or, if that fails, one by one."""
        try:
            self.report.ingested += self._write_all(new, keys)
        except Exception as err:  # reported; the other files are still ingested
            # Caches may hold records of the transaction that was rolled back.
            self.butler.registry.refresh()
            if isinstance(err, ConflictingDefinitionError) and self._remove_partial_run():
                self._write(new, keys)
            elif len(new) == 1:
                self._fail(new[0].file.uri, err)
            elif not new:
                raise
            else:
                for candidate in new:
                    self._write([candidate], {})

    def _remove_partial_run(self) -> bool:
        """Remove an empty run, which a killed process may have registered in part."""
        collections = self.butler.collections
        if self.removed_partial_run or self.run not in collections.query("*"):
            return False
        self.removed_partial_run = True
        if collections.get_info(self.run, include_summary=True).dataset_types:
            return False
        collections.x_remove(self.run)
        return True

    def _write_all(self, new: Sequence[_Candidate], keys: Mapping[Key, None]) -> list[PlannedFile]:
        """Insert the records, the run and the datasets in one transaction.

        A process that is killed leaves all of them or none.
        """
        refs = [
            found.file.ref or DatasetRef(self.dataset_type, found.file.data_id, run=self.run) for found in new
        ]
        files = [dataclasses.replace(found.file, ref=ref) for found, ref in zip(new, refs, strict=True)]
        all_keys = dict.fromkeys(key for found in new for key in found.keys) | dict(keys)
        if not files and not all_keys:
            return []
        with self.butler.transaction():
            if self.records is not None:
                self.records.insert(all_keys)
            if files:
                self.butler.collections.register(self.run)
                datasets = [
                    FileDataset(file.uri, ref, formatter=file.formatter)
                    for file, ref in zip(files, refs, strict=True)
                ]
                self.butler.ingest(*datasets, transfer=self.transfer)
        if self.remove_sources:
            # After the commit, so that no file is lost if the process is killed.
            for file in files:
                if file.ref is not None and self.butler.getURI(file.ref) != file.uri:
                    file.uri.remove()
        return files


def _batches(candidates: list[_Candidate], size: int) -> Iterator[list[_Candidate]]:
    iterator = iter(candidates)
    while batch := list(itertools.islice(iterator, size)):
        yield batch
