# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A subclass of VisitImage with one more component, as a plugin declares it."""

from __future__ import annotations

from typing import Any, ClassVar

import pydantic
from lsst.images import Box, VisitImage
from lsst.images._components import AnnotatedImage, Component, component_storage_classes  # declares one
from lsst.images.legacy._components import LEGACY_COMPONENTS, LegacyComponent  # decodes it
from lsst.images.models import VisitImageSerializationModel
from lsst.images.models._deferrable import Deferrable  # type of the fields of components
from lsst.images.plugins import DatasetSpec, StorageClassSpec, hookimpl


def check_rows(rows: Any) -> None:
    if not all(isinstance(row, int) for row in rows):
        raise TypeError(f"Invalid hot rows {rows!r}: expected integers.")


def rows_within(rows: list[int], bbox: Box) -> list[int]:
    return [row for row in rows if bbox.y.start <= row < bbox.y.stop]


class SurveyImage(VisitImage):
    """A visit image with a list of rows of hot pixels."""

    hot_rows = Component[list[int]](
        "Rows with hot pixels (`list`).",
        storage_class="StructuredDataList",
        default=list,
        check=check_rows,
        subset=rows_within,
        copied="always",
        report_row=lambda rows: f"{len(rows)} rows",
    )


class SurveyImageSerializationModel(VisitImageSerializationModel, schema="test.survey", version="1.0.0"):
    """Serialization model of `SurveyImage`."""

    IMAGE_TYPE: ClassVar[type[AnnotatedImage]] = SurveyImage

    hot_rows: Deferrable[list[int]] = pydantic.Field(default=None, description="Rows with hot pixels.")


LEGACY_COMPONENTS[SurveyImage.hot_rows] = LegacyComponent(
    archived="DETECTOR", decode=lambda record, source: [record.bbox.y.start, record.bbox.y.stop - 1]
)


@hookimpl
def register_datasets() -> list[DatasetSpec]:
    """Declare the type, its model and its storage class."""
    return [
        DatasetSpec(
            schema="test.survey",
            pytype=f"{__name__}:SurveyImage",
            model=f"{__name__}:SurveyImageSerializationModel",
            storage_class=StorageClassSpec(
                name="SurveyImage",
                inherits_from="VisitImage",
                parameters=frozenset({"bbox", "components"}),
                components=component_storage_classes(SurveyImage),
            ),
        )
    ]
