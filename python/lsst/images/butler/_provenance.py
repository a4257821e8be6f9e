# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Which Butler dataset a file is, and what it was made from."""

from __future__ import annotations

__all__ = ("ButlerInfo", "check_identity", "compression_seed", "identify", "provenance_cards")

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

import pydantic

from lsst.daf.butler import DatasetProvenance, DatasetRef, SerializedDatasetRef

from ..errors import CorruptArchiveError
from ..serialization import ButlerInformation, UnreadableTree, attach

MAX_INPUTS = 3000
"""Inputs listed in FITS cards at the most; the tree lists them all."""


class ButlerInfo(ButlerInformation):
    """What is stored in the tree of a file.

    Parameters
    ----------
    dataset
        The dataset that the file is.
    provenance
        Its inputs and the quantum that made it.
    """

    dataset: SerializedDatasetRef
    provenance: DatasetProvenance = pydantic.Field(default_factory=DatasetProvenance)

    @classmethod
    def from_ref(cls, ref: DatasetRef, provenance: DatasetProvenance | None = None) -> ButlerInfo:
        """Describe a dataset.

        Parameters
        ----------
        ref
            The dataset; for a component, what it is a component of.
        provenance
            Its inputs and quantum, if known.
        """
        if ref.isComponent():
            ref = ref.makeCompositeRef()
        return cls(dataset=ref.to_simple(), provenance=provenance or DatasetProvenance())


def identify(value: Any, info: Mapping[str, Any]) -> None:
    """Tell an object which dataset it is.

    Parameters
    ----------
    value
        What was read.  Values that cannot carry it are left alone.
    info
        What `check_identity` returned.
    """
    attach(value, butler_info=info)


def _settle(info: Mapping[str, Any] | None, ref: DatasetRef) -> Mapping[str, Any]:
    """Describe a dataset, with the provenance that its file tells."""
    settled = ButlerInfo.from_ref(ref).model_dump(mode="json")
    if info is not None and info.get("provenance") is not None:
        settled["provenance"] = info["provenance"]
    return settled


def check_identity(
    info: Mapping[str, Any] | UnreadableTree | None, ref: DatasetRef, place: Any
) -> Mapping[str, Any]:
    """Refuse a file that took the place of another one of the same run.

    Files that come from other runs and repositories pass: these are ingested
    on purpose, under data IDs that somebody else chose.

    Parameters
    ----------
    info
        What the file says, as raw JSON, or what stands for it.
    ref
        The dataset.
    place
        Where the file is, for the message.

    Returns
    -------
    info
        What objects of the file are told: of the dataset what the Butler
        knows, and the provenance that the file knows.

    Raises
    ------
    CorruptArchiveError
        If the file says that it is another dataset of the same type and run.
    """
    if isinstance(info, UnreadableTree):
        # Who asks for the provenance is told what is wrong with it.
        info = {"provenance": info}
    said = (info or {}).get("dataset") or {}
    name = (said.get("datasetType") or {}).get("name")
    if info is None or said.get("run") != ref.run:
        return _settle(info, ref)
    if said.get("id") == str(ref.id) and name == ref.datasetType.name and info.get("provenance") is not None:
        # The file says it all itself.
        return info
    data_id = (said.get("dataId") or {}).get("dataId")
    expected = {key: ref.dataId[key] for key in ref.dataId.required if key in ref.dataId}
    own_name = ref.makeCompositeRef().datasetType.name if ref.isComponent() else ref.datasetType.name
    if said.get("id") not in (None, str(ref.id)) and name == own_name and data_id != expected:
        raise CorruptArchiveError(
            f"{place} holds dataset {said.get('id')} ({name} {data_id}), not {ref.id} "
            f"({own_name} {expected}): files of the run were swapped. "
            "Restore it, or remove the dataset and put it again."
        )
    return _settle(info, ref)


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
        Values by keyword; keywords start with ``HIERARCH LSST BUTLER``.
    """
    return provenance.to_flat_dict(
        ref, prefix="HIERARCH LSST BUTLER", sep=" ", simple_types=True, max_inputs=MAX_INPUTS
    )


def compression_seed(values: Iterable[Any]) -> int:
    """Make a seed for dithering that depends on the data ID alone.

    Parameters
    ----------
    values
        Values of the required dimensions, in their order.

    Returns
    -------
    seed
        From 1 to 9999, the same for the same data ID in every process.
    """
    digest = hashlib.md5(json.dumps(list(values)).encode(), usedforsecurity=False).digest()
    return 1 + int.from_bytes(digest, "big") % 9999
