# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find the data ID of a file from its content, without reading pixels."""

from __future__ import annotations

__all__ = ("LEGACY_FORMATTER", "FileFacts", "inspect_file", "plain_value")

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from lsst.daf.butler import Timespan
from lsst.resources import ResourcePath, ResourcePathExpression
from lsst.sphgeom import Region

from ..errors import ImagesError, InvalidArgumentError, NotAnArchiveError
from ..io import DatasetReader, open_archive
from ..legacy import open_legacy
from ..serialization._deferred import available
from ._regions import image_region

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

LEGACY_FORMATTER = "lsst.images.formatters.LegacyFormatter"

_DATA_ID_CARD = "LSST BUTLER DATAID "

_FROM_OBS_INFO = {
    "instrument": "instrument",
    "visit": "visit_id",
    "exposure": "exposure_id",
    "detector": "detector_num",
    "physical_filter": "physical_filter",
    "day_obs": "observing_day",
    "group": "exposure_group",
    "target_name": "object",
}
"""Attributes of an `ObservationInfo`, by dimension or column of a dimension record."""

_FROM_FRAME = ("instrument", "visit", "detector", "skymap", "tract")
"""Attributes of pixel frames that are values of dimensions."""


def plain_value(value: Any) -> Any:
    """Return a value as a built-in Python type if it is a scalar of NumPy.

    Database drivers do not accept scalars of NumPy.

    Parameters
    ----------
    value
        Any value.

    Returns
    -------
    value
        The equivalent Python scalar, or the value itself.
    """
    return value.item() if isinstance(value, np.generic | np.ndarray) and np.ndim(value) == 0 else value


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileFacts:
    """Facts about a file that identify its dataset.

    Parameters
    ----------
    uri
        Location of the file.
    legacy
        Whether `lsst.afw` wrote the file.
    butler_data_id
        Data ID that a Butler stored in the file.
    values
        Values of dimensions, and of columns of dimension records, from the
        translated header and the object in the file.
    region
        Sky region of the image, or `None` if the file has no sky projection.
    translated
        Whether a header translator supports the instrument.
    """

    uri: ResourcePath
    legacy: bool
    butler_data_id: Mapping[str, Any]
    values: Mapping[str, Any]
    region: Region | None
    translated: bool

    def merge(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all values, of the caller and of the file.

        Parameters
        ----------
        given
            Values given by the caller.

        Returns
        -------
        values
            The given values, the data ID that a Butler stored in the file, and
            the values in its content; the first of these that has a value is
            used.  Scalars are built-in Python types.

        Raises
        ------
        InvalidArgumentError
            If a given value contradicts the file.
        """
        stored = {key: plain_value(value) for key, value in {**self.values, **self.butler_data_id}.items()}
        plain = {key: plain_value(value) for key, value in given.items()}
        if wrong := [key for key in plain if stored.get(key) is not None and plain[key] != stored[key]]:
            found = ", ".join(
                f"{key}={plain[key]!r} is given, but the file has {stored[key]!r}" for key in wrong
            )
            raise InvalidArgumentError(f"The given values contradict the file: {found}. Omit {wrong}.")
        if stored.get("visit") is None and stored.get("exposure") is not None:
            # Visits of one exposure usually have its number.
            stored["visit"] = stored["exposure"]
        return {**stored, **plain}

    def data_id(self, dimensions: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data ID of the dataset in the file.

        Parameters
        ----------
        dimensions
            Names of the required dimensions.
        given
            Values of dimensions given by the caller.

        Returns
        -------
        data_id
            A value for each dimension.

        Raises
        ------
        InvalidArgumentError
            If the value of a dimension cannot be determined, or if a given
            value contradicts the file.
        """
        values = self.merge(given)
        data_id = {name: values.get(name) for name in dimensions}
        if missing := [name for name, value in data_id.items() if value is None]:
            header = "the translated header" if self.translated else "no translated header"
            raise InvalidArgumentError(
                f"Cannot determine the value of {' and '.join(missing)} from the given values "
                f"{sorted(given)}, the Butler data ID {sorted(self.butler_data_id)} of the file and "
                f"{header}. Give the value, as in data_id={{{missing[0]!r}: ...}}."
            )
        return data_id


def inspect_file(path: ResourcePathExpression, pytype: type[Any]) -> FileFacts:
    """Read the facts that identify the dataset in a file.

    Parameters
    ----------
    path
        The file.
    pytype
        Type that the dataset must have.

    Returns
    -------
    facts
        The facts.

    Raises
    ------
    ArchiveReadError
        If the file cannot be read as that type.
    """
    uri = ResourcePath(path, forceDirectory=False)
    try:
        with open_archive(uri, pytype) as reader:
            dataset = (available(reader.butler_info) or {}).get("dataset") or {}
            data_id = (dataset.get("dataId") or {}).get("dataId") or {}
            return _collect(uri, reader, legacy=False, butler_data_id=data_id)
    except NotAnArchiveError:
        with open_legacy(uri, pytype) as old:
            # Raises if the file has no pixels, and so could not be read later.
            old.get_component("bbox")
            data_id = _data_id_cards(old.file.primary.cards)
            return _collect(uri, old, legacy=True, butler_data_id=data_id)


def _data_id_cards(cards: Iterable[tuple[str, Any, str]]) -> dict[str, Any]:
    return {
        keyword.removeprefix(_DATA_ID_CARD).lower(): value
        for keyword, value, _ in cards
        if keyword.startswith(_DATA_ID_CARD)
    }


def _collect(
    uri: ResourcePath, reader: DatasetReader[Any], *, legacy: bool, butler_data_id: Mapping[str, Any]
) -> FileFacts:
    obs_info = reader.get_component("obs_info") if "obs_info" in reader.component_names else None
    projection = _read_optional(reader, "sky_projection")
    bbox = _read_optional(reader, "bbox")
    return FileFacts(
        uri=uri,
        legacy=legacy,
        butler_data_id=butler_data_id,
        values=_values(reader, obs_info, getattr(projection, "pixel_frame", None)),
        region=None if projection is None or bbox is None else image_region(projection, bbox),
        translated=obs_info is not None,
    )


def _read_optional(reader: DatasetReader[Any], name: str) -> Any:
    """Return a component, or `None` if the file does not have it or if it is damaged."""
    if name not in reader.component_names:
        return None
    try:
        return available(reader.get_component(name))
    except (ImagesError, AttributeError):
        return None


def _values(reader: DatasetReader[Any], obs_info: ObservationInfo | None, frame: Any) -> dict[str, Any]:
    """Return values of dimensions and of columns of their records; later sources take precedence."""
    values = {name: getattr(frame, name, None) for name in _FROM_FRAME}
    values["band"] = _read_optional(reader, "band")
    values["patch"] = getattr(_read_optional(reader, "patch"), "id", None)
    if obs_info is not None:
        values |= _observation_values(obs_info)
    return {name: plain_value(value) for name, value in values.items() if value is not None}


def _observation_values(obs_info: ObservationInfo) -> dict[str, Any]:
    values = {name: getattr(obs_info, attribute) for name, attribute in _FROM_OBS_INFO.items()}
    values["detector_name"] = obs_info.detector_unique_name or obs_info.detector_name
    if obs_info.exposure_time is not None:
        values["exposure_time"] = float(obs_info.exposure_time.to_value("s"))
    if obs_info.datetime_begin is not None and obs_info.datetime_end is not None:
        values["timespan"] = Timespan(obs_info.datetime_begin, obs_info.datetime_end)
    return {name: value for name, value in values.items() if value is not None}
