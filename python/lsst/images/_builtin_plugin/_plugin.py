# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Hook implementations that register the built-in types."""

from __future__ import annotations

__all__ = (
    "convert_to",
    "describe",
    "parse_bbox",
    "register_dataset_types",
    "register_datasets",
    "register_storage_classes",
)

from collections.abc import Mapping
from typing import Any

from .._geom import Box
from ..describe import DescribeOptions, Report
from ..plugins import DatasetSpec, DatasetTypeSpec, ReadContext, StorageClassSpec, hookimpl
from ..serialization import ButlerInformation
from ._datasets import DATASETS
from ._parse_bbox import parse_bbox as _parse_bbox
from ._storage_classes import COMPONENT_CLASSES, FAMILY_CLASSES


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    """Register the types of this package that can be written."""
    return list(DATASETS)


@hookimpl
def register_storage_classes() -> list[StorageClassSpec]:
    """Register storage classes of components, and of families of types."""
    return [*COMPONENT_CLASSES, *FAMILY_CLASSES]


@hookimpl
def register_dataset_types() -> list[DatasetTypeSpec]:
    """Register presets for common dataset types."""
    visit = ("instrument", "visit", "detector")
    patch = ("skymap", "tract", "patch", "band")
    return [
        DatasetTypeSpec(
            name=name, dimensions=dimensions, storage_class=storage_class, description=description
        )
        for name, dimensions, storage_class, description in (
            ("calexp", visit, "VisitImage", "A calibrated image of one detector, of older pipelines."),
            ("visit_image", visit, "VisitImage", "A calibrated image of one detector."),
            ("preliminary_visit_image", visit, "VisitImage", "A visit image before the final calibration."),
            ("difference_image", visit, "DifferenceImage", "A visit image minus a template."),
            ("template_detector", visit, "MaskedImageV2", "The template that was subtracted."),
            ("deep_coadd", patch, "CellCoadd", "A coadd of one patch and band."),
            ("template_coadd", patch, "CellCoadd", "A coadd made as a template."),
        )
    ]


@hookimpl
def parse_bbox(value: Any, context: ReadContext) -> Box | None:
    """Convert boxes, slices, afw boxes and circles on the sky."""
    return _parse_bbox(value, context)


@hookimpl
def describe(obj: Any, options: DescribeOptions) -> Report | None:
    """Make the report about an object of a built-in type."""
    from .._reports import report_on

    return report_on(obj, options)


@hookimpl
def convert_to(obj: object, target: type, options: Mapping[str, Any]) -> object | None:
    """Convert images to and from types of astropy, plot objects, convert raw JSON to Butler information."""
    # Imported here, because every process that reads or writes a file loads this module.
    if target is ButlerInformation:
        from ..butler import ButlerInfo

        return ButlerInfo.model_validate(obj)
    if target.__module__.partition(".")[0] == "matplotlib":
        from ..display import convert_to_axes

        return convert_to_axes(obj, options)
    from ..interop import convert_image

    return convert_image(obj, target, options)
