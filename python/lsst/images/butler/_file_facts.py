# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a file says about which dataset it is, without its pixels."""

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
"""Attributes of an `ObservationInfo` that are values of a dimension."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FileFacts:
    """What a file says about itself.

    Parameters
    ----------
    uri
        Where it is.
    legacy
        Whether `lsst.afw` wrote it.
    butler_data_id
        Data ID that a Butler left in the file.
    obs_info
        Translated header, if a translator knows the instrument.
    """

    uri: ResourcePath
    legacy: bool
    butler_data_id: Mapping[str, Any]
    # It may not have a repr of its own.
    obs_info: ObservationInfo | None = dataclasses.field(repr=False)

    def data_id(self, dimensions: Iterable[str], given: Mapping[str, Any]) -> dict[str, Any]:
        """Make the data ID of the dataset in the file.

        Parameters
        ----------
        dimensions
            Names of the required dimensions.
        given
            Values that the caller knows; they win over what the file says,
            as what a Butler left there wins over the header.

        Returns
        -------
        data_id
            A value for each dimension.

        Raises
        ------
        InvalidArgumentError
            If the value of a dimension is not known.
        """
        data_id = {name: self._value(name, given) for name in dimensions}
        if missing := [name for name, value in data_id.items() if value is None]:
            said = "no translated header" if self.obs_info is None else "its header"
            raise InvalidArgumentError(
                f"{self.uri} does not say its {' or '.join(missing)} (looked at: {sorted(given)} given, "
                f"{sorted(self.butler_data_id)} of a Butler, {said}); give it, as in "
                f"data_id={{{missing[0]!r}: ...}}."
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


def inspect_file(path: ResourcePathExpression, pytype: type) -> FileFacts:
    """Find out what a file says about itself.

    Parameters
    ----------
    path
        The file.
    pytype
        Type that the dataset must have.

    Returns
    -------
    facts
        What it says.

    Raises
    ------
    ArchiveReadError
        If it cannot be read as that type.
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
            # Without pixels a file is nothing that we could serve later.
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
