# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Storage class delegate: components and read parameters of objects in memory."""

from __future__ import annotations

__all__ = ("ImagesDelegate",)

import copy
import inspect
from collections.abc import Mapping, Sequence
from typing import Any

from lsst.daf.butler import DatasetProvenance, DatasetRef, StorageClassDelegate

from ..errors import InvalidComponentError, InvalidParameterError
from ..io import parse_bbox
from ..plugins import ReadContext
from ..serialization import attach
from ..utils import short_repr
from ._provenance import ButlerInfo

PSEUDO_COMPONENTS = {"components", "masked_image"}


class ImagesDelegate(StorageClassDelegate):
    """Return components and subimages of objects in memory, as formatters do from files."""

    def getComponent(self, composite: Any, componentName: str) -> Any:
        """Return a component of an object.

        Parameters
        ----------
        composite
            The object, or a dictionary of components.
        componentName
            Name of the component.

        Raises
        ------
        InvalidComponentError
            If the component does not exist.
        """
        if componentName == "components":
            # The result of `handleParameters`, if there are parameters.
            return composite if isinstance(composite, dict) else self._components(composite, None)
        if componentName == "masked_image":
            return composite.as_masked_image()
        try:
            return getattr(composite, componentName)
        except AttributeError as err:
            if inspect.isdatadescriptor(getattr(type(composite), componentName, None)):
                # A component that an object lacks is None in files, too.
                return None
            raise InvalidComponentError(
                f"A {type(composite).__name__} in memory does not have a component "
                f"{short_repr(componentName)}."
            ) from err

    def handleParameters(self, inMemoryDataset: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Apply read parameters to an object.

        Parameters
        ----------
        inMemoryDataset
            The object.
        parameters
            ``bbox``, in any form that reads of files accept, and
            ``components``, the names of the components to return.

        Returns
        -------
        result
            The object, a part of it, or a dictionary of components.

        Raises
        ------
        InvalidParameterError
            If a parameter is unknown.
        """
        parameters = dict(parameters or {})
        names, bbox = parameters.pop("components", None), parameters.pop("bbox", None)
        if parameters:
            raise InvalidParameterError(
                f"Unknown read parameters {sorted(parameters)} of an object in memory; expected 'bbox' or "
                "'components'."
            )
        if bbox is not None:
            inMemoryDataset = _cut(inMemoryDataset, bbox)
        return inMemoryDataset if names is None else self._components(inMemoryDataset, names)

    def add_provenance(
        self, inMemoryDataset: Any, ref: DatasetRef, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Attach the dataset reference and the provenance to an object.

        Parameters
        ----------
        inMemoryDataset
            The object, which is not changed.
        ref
            Reference of the dataset that is written.
        provenance
            Its inputs and quantum.

        Returns
        -------
        identified
            A copy that shares the pixels.
        """
        if not hasattr(inMemoryDataset, "_attachments"):
            return inMemoryDataset
        result = copy.copy(inMemoryDataset)
        info = ButlerInfo.from_ref(ref, provenance).model_dump(mode="json")
        attach(result, butler_info=info)
        return result

    def _components(self, composite: Any, names: str | Sequence[str] | None) -> dict[str, Any]:
        if names is None:
            names = [name for name in self.storageClass.allComponents() if name not in PSEUDO_COMPONENTS]
        wanted = [names] if isinstance(names, str) else list(names)
        return {name: self.getComponent(composite, name) for name in wanted}


def _cut(value: Any, bbox: Any) -> Any:
    if not hasattr(type(value), "__getitem__") or isinstance(value, Mapping | tuple | list):
        return value
    context = ReadContext(projection=lambda: getattr(value, "projection", None))
    return value[parse_bbox(bbox, context)]
