# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Store and check the Butler dataset and provenance of a file."""

from __future__ import annotations

__all__ = ("ButlerInfo", "check_identity", "compression_seed", "provenance_cards")

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pydantic

from lsst.daf.butler import DatasetProvenance, DatasetRef, SerializedDatasetRef

from ..errors import CorruptArchiveError
from ..serialization import ButlerInformation, UnreadableTree

MAX_INPUTS = 3000
"""Maximum number of inputs in FITS cards; the tree lists all inputs."""


class ButlerInfo(ButlerInformation):
    """Butler dataset and provenance, as stored in the tree of a file.

    Parameters
    ----------
    dataset
        The dataset.
    provenance
        Its inputs, and the quantum that produced it.
    """

    dataset: SerializedDatasetRef
    provenance: DatasetProvenance = pydantic.Field(default_factory=DatasetProvenance)

    @classmethod
    def from_ref(cls, ref: DatasetRef, provenance: DatasetProvenance | None = None) -> ButlerInfo:
        """Make the record of a dataset.

        Parameters
        ----------
        ref
            The dataset; for a component, its composite is used.
        provenance
            Its inputs and quantum, or `None` if they are unknown.
        """
        if ref.isComponent():
            ref = ref.makeCompositeRef()
        return cls(dataset=ref.to_simple(), provenance=provenance or DatasetProvenance())


def _complete(info: Mapping[str, Any] | None, ref: DatasetRef) -> Mapping[str, Any]:
    """Return the record of a dataset, with the provenance in its file."""
    complete = ButlerInfo.from_ref(ref).model_dump(mode="json")
    if info is not None and info.get("provenance") is not None:
        complete["provenance"] = info["provenance"]
    return complete


def check_identity(
    info: Mapping[str, Any] | UnreadableTree | None, ref: DatasetRef, place: Any
) -> Mapping[str, Any]:
    """Check that a file holds the dataset that the Butler records for it.

    Files of other runs or repositories are accepted, because files can be
    ingested with another data ID than that they were written with.

    Parameters
    ----------
    info
        Butler information in the file, as raw JSON, its placeholder if it is
        damaged, or `None`.
    ref
        The dataset that the Butler records.
    place
        Location of the file, for error messages.

    Returns
    -------
    info
        Butler information to attach to objects read from the file: the
        dataset as the Butler records it, and the provenance in the file.

    Raises
    ------
    CorruptArchiveError
        If the file holds another dataset of the same type and run.
    """
    if isinstance(info, UnreadableTree):
        # Accessing the provenance raises the error of the placeholder.
        info = {"provenance": info}
    stored = (info or {}).get("dataset") or {}
    name = (stored.get("datasetType") or {}).get("name")
    if info is None or stored.get("run") != ref.run:
        return _complete(info, ref)
    if (
        stored.get("id") == str(ref.id)
        and name == ref.datasetType.name
        and info.get("provenance") is not None
    ):
        # The file has the complete and correct information.
        return info
    values = (stored.get("dataId") or {}).get("dataId") or {}
    expected = {key: ref.dataId[key] for key in ref.dataId.required if key in ref.dataId}
    # The data ID in the file may have implied dimensions too.
    data_id = {key: values.get(key) for key in expected}
    own_name = ref.makeCompositeRef().datasetType.name if ref.isComponent() else ref.datasetType.name
    if stored.get("id") not in (None, str(ref.id)) and name == own_name and data_id != expected:
        raise CorruptArchiveError(
            f"{place} holds dataset {stored.get('id')} ({name} {data_id}), not {ref.id} "
            f"({own_name} {expected}): files of the run were swapped. "
            "Restore the file, or remove the dataset and put it again."
        )
    return _complete(info, ref)


def provenance_cards(ref: DatasetRef, provenance: DatasetProvenance) -> dict[str, Any]:
    """Return provenance as FITS header cards.

    Parameters
    ----------
    ref
        The dataset.
    provenance
        Its inputs and quantum.

    Returns
    -------
    cards
        Values by keyword.  Keywords start with ``HIERARCH LSST BUTLER``.
    """
    return provenance.to_flat_dict(
        ref, prefix="HIERARCH LSST BUTLER", sep=" ", simple_types=True, max_inputs=MAX_INPUTS
    )


def compression_seed(values: Iterable[Any]) -> int:
    """Return a dithering seed that depends only on the data ID.

    Parameters
    ----------
    values
        Values of the required dimensions, in the order of the dimensions.

    Returns
    -------
    seed
        Integer from 1 to 9999, equal for equal data IDs in all processes.
    """
    digest = hashlib.md5(json.dumps(list(values)).encode(), usedforsecurity=False).digest()
    return 1 + int.from_bytes(digest, "big") % 9999
