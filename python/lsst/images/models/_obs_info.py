# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation information in trees.

It is a pydantic model of another package, which takes longer to import than
all of ours, and which most images do not have.
"""

from __future__ import annotations

__all__ = ("ExtraObsInfo", "ObsInfo", "extra_obs_info")

import warnings
from typing import Annotated, Any

import pydantic
from pydantic.json_schema import SkipJsonSchema

from ..errors import LossyConversionWarning
from ..serialization import omit_if_none


def _validate_obs_info(value: Any) -> Any:
    from astro_metadata_translator import ObservationInfo

    if isinstance(value, ObservationInfo) or not isinstance(value, dict):
        return ObservationInfo.model_validate(value)
    known = ObservationInfo.model_fields.keys() | {"_translator"}
    unknown = [key for key in value if key not in known and not key.startswith("ext_")]
    if unknown:
        warnings.warn(
            f"The observation information has members {unknown}, which this version of "
            "astro_metadata_translator does not know; they are left out.",
            LossyConversionWarning,
            stacklevel=2,
        )
    return ObservationInfo.model_validate({key: value[key] for key in value if key not in unknown})


def _dump_obs_info(value: Any) -> Any:
    return value.to_simple()


ObsInfo = Annotated[
    Any,
    pydantic.PlainValidator(_validate_obs_info, json_schema_input_type=dict[str, Any]),
    pydantic.PlainSerializer(_dump_obs_info, return_type=dict[str, Any]),
]
"""Annotation of a model field that holds an
`~astro_metadata_translator.ObservationInfo`."""

ExtraObsInfo = SkipJsonSchema[ObsInfo | None]
"""Annotation of the same, for trees whose schema does not have it.

Files of the first releases have it, and readers ignore members they do not
know, so that it can be written without another version of the schema.
"""


def extra_obs_info() -> Any:
    """Make the declaration of a field of type `ExtraObsInfo`."""
    return omit_if_none(description="General information about the associated observation.")
