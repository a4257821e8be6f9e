# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Describe the content of a file as text."""

from __future__ import annotations

__all__ = ("describe_file",)

from collections.abc import Mapping
from typing import Any

from lsst.resources import ResourcePath, ResourcePathExpression
from lsst.utils.introspection import get_full_type_name

from ..describe import describe
from ..describe._text import as_text
from ..errors import ImagesError, NotAnArchiveError
from ..io import DatasetReader, Reader, open_archive
from ..legacy import open_legacy
from ..plugins import registry
from ..serialization import UnreadableTree

SUMMARY_COMPONENTS = ("bbox", "unit", "sky_projection", "obs_info")
"""Components that are read without pixels and described in one line."""

OBSERVATION = (
    "instrument",
    "visit_id",
    "detector_name",
    "physical_filter",
    "datetime_begin",
    "exposure_time",
    "object",
)
"""Properties of an `ObservationInfo` that are shown."""

LABEL_WIDTH = 14
"""Width of the labels in characters."""


def describe_file(path: ResourcePathExpression, *, read: bool = False) -> str:
    """Describe the content of a file.

    Parameters
    ----------
    path
        File of any container, or of `lsst.afw`.
    read
        Whether to read the whole file including pixels, and describe the
        object.

    Returns
    -------
    text
        Lines, each with a label and a value.

    Raises
    ------
    ArchiveReadError
        If the file has no known format.
    """
    return facts_as_text(_facts(path, read))


def describe_or_error(path: ResourcePathExpression, *, read: bool = False) -> dict[str, str]:
    """Describe the content of a file, or the error that prevents it.

    Parameters
    ----------
    path, read
        As for `describe_file`.

    Returns
    -------
    facts
        Values by label: those of `describe_file`, or ``file`` and ``error``.
    """
    try:
        return _facts(path, read)
    except (ImagesError, OSError, ValueError) as err:
        return {"file": str(path), "error": f"{type(err).__name__}: {err}"}


def facts_as_text(facts: Mapping[str, str]) -> str:
    """Return lines of labels and values.

    Parameters
    ----------
    facts
        Values by label.
    """
    return "\n".join(
        f"{label:{LABEL_WIDTH}} {value}".replace("\n", "\n" + " " * (LABEL_WIDTH + 1))
        for label, value in facts.items()
    )


def _facts(path: ResourcePathExpression, read: bool) -> dict[str, str]:
    uri = ResourcePath(path, forceDirectory=False)
    facts: dict[str, Any] = {"file": uri, "size": f"{uri.size()} bytes"}
    try:
        with open_archive(uri, partial=not read) as reader:
            facts |= _archive_facts(reader)
            facts |= _component_facts(reader)
            if read:
                facts["object"] = _describe_object(reader.read())
    except NotAnArchiveError:
        with open_legacy(uri) as old:
            facts |= {"container": "fits, written by lsst.afw", "planes": ", ".join(old.file.planes)}
            facts |= _component_facts(old)
            if read:
                facts["object"] = _describe_object(old.read())
    return {label: str(value) for label, value in facts.items()}


def _archive_facts(reader: Reader[Any]) -> dict[str, Any]:
    stamp = reader.info
    pytype = registry.pytype_for_schema(reader.model.SCHEMA_NAME)
    facts: dict[str, Any] = {
        "container": reader.archive.CONTAINER,
        "schema": f"{reader.model.SCHEMA_NAME} {stamp.schema_version}",
        "python class": "unknown" if pytype is None else get_full_type_name(pytype),
        "components": ", ".join(reader.component_names),
    }
    if isinstance(info := reader.butler_info, UnreadableTree):
        facts["dataset"] = f"unreadable: {info.reason}"
    elif info:
        facts |= _butler_facts(info)
    if metadata := reader.metadata:
        facts["metadata"] = ", ".join(sorted(metadata))
    return facts


def _butler_facts(info: Mapping[str, Any]) -> dict[str, Any]:
    dataset, provenance = info.get("dataset") or {}, info.get("provenance") or {}
    name = (dataset.get("datasetType") or {}).get("name")
    data_id = (dataset.get("dataId") or {}).get("dataId")
    return {
        "dataset": f"{name} {data_id} in run {dataset.get('run')!r}, {dataset.get('id')}",
        "made from": f"{len(provenance.get('inputs') or ())} inputs, quantum {provenance.get('quantum_id')}",
    }


def _component_facts(reader: DatasetReader[Any]) -> dict[str, Any]:
    found = {}
    names = reader.component_names
    for name in SUMMARY_COMPONENTS:
        if name not in names:
            continue
        try:
            value = reader.get_component(name)
        except ImagesError as err:
            # Describe the other components even if one is damaged.
            found[name] = f"unreadable: {err}"
            continue
        if value is not None:
            found[name] = _observation(value) if name == "obs_info" else " ".join(as_text(value).split())
    return found


def _observation(info: Any) -> str:
    facts = {name: getattr(info, name) for name in OBSERVATION}
    return ", ".join(f"{name} {as_text(v, _format_value)}" for name, v in facts.items() if v is not None)


def _format_value(value: Any) -> str:
    # Dates in ISO format.
    return str(getattr(value, "isot", value))


def _describe_object(obj: Any) -> str:
    return str(describe(obj))
