# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields for observation information.

`~astro_metadata_translator.ObservationInfo` is imported when it is used: its
import takes longer than that of this package, and most images do not have it.
"""

from __future__ import annotations

__all__ = ("DeferrableObsInfo", "ExtraObsInfo", "extra_obs_info", "serialize_obs_info")

from typing import Annotated, Any

import pydantic
from pydantic.json_schema import SkipJsonSchema

from ..serialization import OutputArchive, UnreadableTree, omit_if_none
from ..utils import short_repr
from ._deferrable import Deferrable, serialize_field


def _validate_obs_info(value: Any) -> Any:
    from astro_metadata_translator import ObservationInfo

    if isinstance(value, ObservationInfo) or not isinstance(value, dict):
        return ObservationInfo.model_validate(value)
    # Other fields are kept with the unknown members of the tree.
    known_values = value
    if unknown := set(value) - ObservationInfo.model_fields.keys() - {"_translator"}:
        known_values = {key: value[key] for key in value if key not in unknown or key.startswith("ext_")}
    try:
        return ObservationInfo.model_validate(known_values)
    except (ArithmeticError, AttributeError, LookupError) as err:
        # Its validators compute with values of unchecked types.
        raise ValueError(f"Not observation information: {short_repr(err)}") from err


def _dump_obs_info(value: Any) -> Any:
    if value is None:
        return None
    return value.root if isinstance(value, UnreadableTree) else value.to_simple()


ObsInfo = Annotated[Any, pydantic.PlainValidator(_validate_obs_info, json_schema_input_type=dict[str, Any])]

DeferrableObsInfo = Annotated[Deferrable[ObsInfo], pydantic.PlainSerializer(_dump_obs_info)]
"""Annotation of a deferrable field that holds an
`~astro_metadata_translator.ObservationInfo`."""

ExtraObsInfo = SkipJsonSchema[DeferrableObsInfo]
"""Annotation of the same field in models whose published schema lacks it.

Files of the first releases have the field, and readers ignore unknown fields,
so it can be written without a new version of the schema.
"""


def extra_obs_info() -> Any:
    """Make a field of type `ExtraObsInfo`, which is not in the `repr`."""
    return omit_if_none(description="General information about the associated observation.", repr=False)


def serialize_obs_info(obs_info: Any, archive: OutputArchive) -> Any:
    """Write observation information, or the subtree of a placeholder.

    Parameters
    ----------
    obs_info
        The observation information, the placeholder of one that could not be
        read, or `None`.
    archive
        Archive to write to.

    Returns
    -------
    obs_info
        Value of the field.

    Raises
    ------
    UnserializableTypeError
        If the placeholder is an error without a subtree.
    """
    return serialize_field("obs_info", obs_info, archive, lambda value, _: value)
