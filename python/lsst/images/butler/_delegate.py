# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Components and boxes of objects that a Butler holds in memory."""

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
from ._provenance import ButlerInfo

PSEUDO_COMPONENTS = {"components", "masked_image"}


class ImagesDelegate(StorageClassDelegate):
    """Serves what the formatters serve, from an object instead of a file."""

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
            If the object has no such component.
        """
        if componentName == "components":
            # With parameters `handleParameters` has made it already.
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
                f"A {type(composite).__name__} in memory has no component {componentName!r}."
            ) from err

    def handleParameters(self, inMemoryDataset: Any, parameters: Mapping[str, Any] | None = None) -> Any:
        """Take the part of an object that read parameters ask for.

        Parameters
        ----------
        inMemoryDataset
            The object.
        parameters
            ``bbox``: anything that reads of files take too.  ``components``:
            names of the components that are wanted.

        Raises
        ------
        InvalidParameterError
            If a parameter is not understood.
        """
        parameters = dict(parameters or {})
        names, bbox = parameters.pop("components", None), parameters.pop("bbox", None)
        if parameters:
            raise InvalidParameterError(
                f"The read parameters {sorted(parameters)} are not understood for an object in memory."
            )
        if bbox is not None:
            inMemoryDataset = _cut(inMemoryDataset, bbox)
        return inMemoryDataset if names is None else self._components(inMemoryDataset, names)

    def add_provenance(
        self, inMemoryDataset: Any, ref: DatasetRef, provenance: DatasetProvenance | None = None
    ) -> Any:
        """Tell an object which dataset it becomes.

        Parameters
        ----------
        inMemoryDataset
            The object, which is not changed.
        ref
            The dataset.
        provenance
            Its inputs and quantum.

        Returns
        -------
        identified
            An object that shares the pixels.
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
