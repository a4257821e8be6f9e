# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation information in trees.

It is a pydantic model of another package, which takes longer to import than
all of ours, and which most images do not have.
"""

from __future__ import annotations

__all__ = ("DeferrableObsInfo", "ExtraObsInfo", "extra_obs_info", "serialize_obs_info")

import warnings
from typing import Annotated, Any

import pydantic
from pydantic.json_schema import SkipJsonSchema

from ..errors import LossyConversionWarning
from ..serialization import OutputArchive, UnreadableTree, omit_if_none
from ._deferrable import Deferrable, serialize_branch


def _validate_obs_info(value: Any) -> Any:
    from astro_metadata_translator import ObservationInfo

    if isinstance(value, ObservationInfo) or not isinstance(value, dict):
        return ObservationInfo.model_validate(value)
    known = ObservationInfo.model_fields.keys() | {"_translator"}
    unknown = {key for key in value if key not in known and not key.startswith("ext_")}
    if unknown:
        warnings.warn(
            f"The observation information has members {sorted(unknown)[:20]}, which this version of "
            "astro_metadata_translator does not know; they are left out.",
            LossyConversionWarning,
            stacklevel=2,
        )
    known_values = {key: value[key] for key in value if key not in unknown}
    try:
        return ObservationInfo.model_validate(known_values)
    except (ArithmeticError, AttributeError, LookupError) as err:
        # It computes before it looks.
        raise ValueError(f"Not observation information: {err!r}") from err


def _dump_obs_info(value: Any) -> Any:
    if value is None:
        return None
    return value.root if isinstance(value, UnreadableTree) else value.to_simple()


ObsInfo = Annotated[Any, pydantic.PlainValidator(_validate_obs_info, json_schema_input_type=dict[str, Any])]

DeferrableObsInfo = Annotated[Deferrable[ObsInfo], pydantic.PlainSerializer(_dump_obs_info)]
"""Annotation of a model field that holds an
`~astro_metadata_translator.ObservationInfo`, perhaps of a form that cannot be
understood."""

ExtraObsInfo = SkipJsonSchema[DeferrableObsInfo]
"""Annotation of the same, for trees whose schema does not have it.

Files of the first releases have it, and readers ignore members they do not
know, so that it can be written without another version of the schema.
"""


def extra_obs_info() -> Any:
    """Make the declaration of a field of type `ExtraObsInfo`.

    The `repr` of a tree leaves it out, since it may not have one.
    """
    return omit_if_none(description="General information about the associated observation.", repr=False)


def serialize_obs_info(obs_info: Any, archive: OutputArchive) -> Any:
    """Write observation information, or put back what stands for it.

    Parameters
    ----------
    obs_info
        The observation information, what stands for it, or `None`.
    archive
        Archive to write to.

    Returns
    -------
    obs_info
        Member of a tree.

    Raises
    ------
    UnserializableTypeError
        If only the reason is left of one that could not be read.
    """
    return serialize_branch("obs_info", obs_info, archive, lambda value, _: value)
