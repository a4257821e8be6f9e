# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Make dimension records from translated headers and sky projections.

This is for small repositories.  A survey registers its instrument class, and
defines its visits from raw exposures.
"""

from __future__ import annotations

__all__ = ("DimensionRecords",)

from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

from lsst.daf.butler import Butler, DimensionRecord
from lsst.sphgeom import Region

from ..errors import InvalidArgumentError
from ..utils import short_repr
from ._regions import enclosing_region

DEFAULT_MAX_ID = 2**31 - 1
"""Maximum visit, exposure and detector ID of an instrument without a class."""

_REQUIRED = {
    "instrument": ("instrument",),
    "physical_filter": ("instrument", "physical_filter", "band"),
    "day_obs": ("instrument", "day_obs"),
    "detector": ("instrument", "detector"),
    "visit": ("instrument", "visit", "physical_filter", "day_obs"),
    "visit_detector_region": ("instrument", "visit", "detector"),
}
"""Values that the records of a dimension element require, in the order of insertion."""

_VISIT_COLUMNS = ("target_name", "exposure_time", "timespan")
"""Optional columns of visit records."""

Key: TypeAlias = tuple[str, tuple[Any, ...]]
"""Name of a dimension element, and the values of its required dimensions."""


class DimensionRecords:
    """Dimension records that files require and that a repository does not have.

    Parameters
    ----------
    butler
        The Butler.
    """

    def __init__(self, butler: Butler) -> None:
        self._butler = butler
        self._new: dict[Key, DimensionRecord] = {}
        self._existing: dict[Key, DimensionRecord | None] = {}
        self._visit_regions: dict[Key, list[Region]] = {}

    def add(
        self, data_id: Mapping[str, Any], values: Mapping[str, Any], region: Region | None
    ) -> tuple[Key, ...]:
        """Make the records that a dataset requires and that do not exist.

        Parameters
        ----------
        data_id
            Required dimensions and their values.
        values
            Values of dimensions and of columns of dimension records.
        region
            Sky region of the dataset.

        Returns
        -------
        keys
            Keys of the records to insert or to update for the dataset.

        Raises
        ------
        InvalidArgumentError
            If a value that a record requires is missing.
        """
        known = {**values, **data_id}
        visit = self._find(_key("visit", known)) if "visit" in data_id else None
        if visit is not None:
            known |= {"physical_filter": visit.physical_filter, "day_obs": visit.day_obs}
        found = {
            key: self._find(key) or self._make(element, known, region)
            for element in _elements(data_id)
            if (key := _key(element, known))
        }
        new = {key: record for key, record in found.items() if self._existing[key] is None}
        self._new |= new
        return tuple({**new, **dict.fromkeys(self._enlarge_visit(found, new, region))})

    def records(self, keys: Collection[Key]) -> dict[str, DimensionRecord]:
        """Return the new records of one dataset, by name of the dimension element.

        Parameters
        ----------
        keys
            Result of `add`.
        """
        found = {key[0]: self._new[key] for key in keys if key in self._new}
        if (physical_filter := found.get("physical_filter")) is not None:
            # Bands have no table: they exist if a physical filter has them.
            found["band"] = self._butler.dimensions["band"].RecordClass(name=physical_filter.band)
        return found

    def insert(self, keys: Collection[Key]) -> None:
        """Insert new records, and enlarge the regions of visits.

        Parameters
        ----------
        keys
            Results of `add`.
        """
        insert = self._butler.registry.insertDimensionData
        for element in _REQUIRED:
            records = [self._new[key] for key in keys if key[0] == element and key in self._new]
            if records:
                insert(element, *records, skip_existing=True)
        for key in keys:
            if key in self._visit_regions:
                self._insert_visit_region(key)

    def _find(self, key: Key) -> DimensionRecord | None:
        if key in self._new:
            return self._new[key]
        if key not in self._existing:
            self._existing[key] = self._query(key)
        return self._existing[key]

    def _query(self, key: Key) -> DimensionRecord | None:
        element, values = key
        data_id = dict(zip(self._butler.dimensions[element].required.names, values, strict=True))
        if None in values:
            return None
        found = self._butler.query_dimension_records(element, data_id=data_id, explain=False, limit=1)
        return found[0] if found else None

    def _make(self, element: str, known: Mapping[str, Any], region: Region | None) -> DimensionRecord:
        if missing := [name for name in _REQUIRED[element] if known.get(name) is None]:
            raise InvalidArgumentError(
                f"A record of dimension {short_repr(element)} requires {missing}, which the file does not "
                "have. "
                f"Give them, as in data_id={{{missing[0]!r}: ...}}, or register the instrument."
            )
        columns = _columns(element, known)
        if element == "visit_detector_region":
            columns["region"] = region
        record: DimensionRecord = self._butler.dimensions[element].RecordClass(**columns)
        return record

    def _enlarge_visit(
        self, found: Mapping[Key, DimensionRecord], new: Collection[Key], region: Region | None
    ) -> list[Key]:
        """Note that the region of a visit has to include the region of a dataset.

        Regions of visits that were defined for all detectors do not change.
        """
        keys = {key[0]: key for key in found}
        if region is None or (visit := keys.get("visit")) is None:
            return []
        detector = keys.get("visit_detector_region")
        if (found[visit].region is not None) if detector is None else (detector not in new):
            return []
        self._visit_regions.setdefault(visit, []).append(region)
        return [visit]

    def _insert_visit_region(self, key: Key) -> None:
        """Enlarge the region of a visit in the repository."""
        visit = self._query(key)
        if visit is None:
            return
        regions = self._visit_regions[key]
        if visit.region is not None:
            if all(visit.region.contains(region) for region in regions):
                return
            regions = [visit.region, *regions]
        if (enclosing := enclosing_region(*regions)) is not None:
            row = {**visit.toDict(), "region": enclosing}
            self._butler.registry.insertDimensionData("visit", row, replace=True)


def _elements(data_id: Mapping[str, Any]) -> list[str]:
    """Return the elements that need a record, in the order of insertion."""
    wanted = set(data_id)
    if "visit" in data_id:
        wanted |= {"physical_filter", "day_obs"}
        wanted |= {"visit_detector_region"} if "detector" in data_id else set()
    return [element for element in _REQUIRED if element in wanted]


def _key(element: str, known: Mapping[str, Any]) -> Key:
    names = [element] if element == "instrument" else ["instrument", element]
    if element == "visit_detector_region":
        names = ["instrument", "detector", "visit"]
    return element, tuple(known.get(name) for name in names)


def _columns(element: str, known: Mapping[str, Any]) -> dict[str, Any]:
    record = {"instrument": known["instrument"]}
    if element == "instrument":
        largest = {f"{name}_max": DEFAULT_MAX_ID for name in ("visit", "exposure", "detector")}
        return {"name": known["instrument"], **largest}
    if element == "physical_filter":
        return {**record, "name": known["physical_filter"], "band": known["band"]}
    if element == "detector":
        name = known.get("detector_name") or str(known["detector"])
        return {**record, "id": known["detector"], "full_name": name}
    if element == "day_obs":
        return {**record, "id": known["day_obs"]}
    if element == "visit_detector_region":
        return {**record, "detector": known["detector"], "visit": known["visit"]}
    return {
        **record,
        "id": known["visit"],
        "name": str(known["visit"]),
        "physical_filter": known["physical_filter"],
        "day_obs": known["day_obs"],
        **{name: known[name] for name in _VISIT_COLUMNS if known.get(name) is not None},
    }
