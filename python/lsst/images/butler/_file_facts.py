# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find the data ID of a file from its headers, without reading pixels."""

from __future__ import annotations

__all__ = ("LEGACY_FORMATTER", "FileFacts", "inspect_file")

import dataclasses
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import InvalidArgumentError, NotAnArchiveError
from ..io import open_archive
from ..legacy import open_legacy
from ..serialization._deferred import available

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

LEGACY_FORMATTER = "lsst.images.formatters.LegacyFormatter"

_DATA_ID_CARD = "LSST BUTLER DATAID "

_FROM_OBS_INFO = {
    "instrument": ("instrument",),
    "visit": ("visit_id", "exposure_id"),
    "exposure": ("exposure_id",),
    "detector": ("detector_num",),
    "physical_filter": ("physical_filter",),
    "day_obs": ("observing_day",),
    "group": ("exposure_group",),
}
"""Attributes of an `ObservationInfo` with the value of a dimension, first choice first."""


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
    obs_info
        Translated header, or `None` if no translator supports the instrument.
    """

    uri: ResourcePath
    legacy: bool
    butler_data_id: Mapping[str, Any]
    # Not every class of this value has a useful repr.
    obs_info: ObservationInfo | None = dataclasses.field(repr=False)

    def data_id(self, dimensions: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
        """Return the data ID of the dataset in the file.

        Parameters
        ----------
        dimensions
            Names of the required dimensions.
        given
            Values of dimensions given by the caller.  They take precedence
            over the data ID that a Butler stored in the file, which takes
            precedence over the header.

        Returns
        -------
        data_id
            A value for each dimension.

        Raises
        ------
        InvalidArgumentError
            If the value of a dimension cannot be determined.
        """
        data_id = {name: self._value(name, given) for name in dimensions}
        if missing := [name for name, value in data_id.items() if value is None]:
            header = "no translated header" if self.obs_info is None else "the translated header"
            raise InvalidArgumentError(
                f"Cannot determine the value of {' and '.join(missing)} for {self.uri} from the given values "
                f"{sorted(given)}, its Butler data ID {sorted(self.butler_data_id)} and {header}. "
                f"Give the value, as in data_id={{{missing[0]!r}: ...}}."
            )
        return data_id

    def _value(self, name: str, given: Mapping[str, Any]) -> Any:
        for source in (given, self.butler_data_id):
            if name in source:
                return source[name]
        for attribute in _FROM_OBS_INFO.get(name, ()):
            if (value := getattr(self.obs_info, attribute, None)) is not None:
                return value
        return None


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
            obs_info = reader.get_component("obs_info") if "obs_info" in reader.component_names else None
            data_id = (dataset.get("dataId") or {}).get("dataId") or {}
            return FileFacts(uri=uri, legacy=False, butler_data_id=data_id, obs_info=obs_info)
    except NotAnArchiveError:
        with open_legacy(uri, pytype) as old:
            # Raises if the file has no pixels, and so could not be read later.
            old.get_component("bbox")
            return FileFacts(
                uri=uri,
                legacy=True,
                butler_data_id=_data_id_cards(old.file.primary.cards),
                obs_info=old.get_component("obs_info"),
            )


def _data_id_cards(cards: Iterable[tuple[str, Any, str]]) -> dict[str, Any]:
    return {
        keyword.removeprefix(_DATA_ID_CARD).lower(): value
        for keyword, value, _ in cards
        if keyword.startswith(_DATA_ID_CARD)
    }
