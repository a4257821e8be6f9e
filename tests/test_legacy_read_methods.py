# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The method ``read_legacy`` has the same form in all classes."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest
from lsst.images import Image, Mask, MaskedImage, ObservationSummaryStats, Projection, VisitImage
from lsst.images.cameras import Detector
from lsst.images.cells import CellCoadd
from lsst.images.errors import LegacyConversionError
from lsst.images.fields import BaseField
from lsst.images.io import Serializable
from lsst.images.psfs import PointSpreadFunction

FILE = "afw/exposure_visit_like_piff.fits"

CLASSES = [
    Serializable,
    Image,
    Mask,
    MaskedImage,
    VisitImage,
    CellCoadd,
    Projection,
    PointSpreadFunction,
    Detector,
    BaseField,
    ObservationSummaryStats,
]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_read_legacy_signature_is_classmethod_of_uri(cls: type[Serializable]) -> None:
    method = inspect.getattr_static(cls, "read_legacy")
    assert isinstance(method, classmethod)
    first, *others = inspect.signature(cls.read_legacy).parameters.values()
    assert first.name == "uri" and first.kind is first.POSITIONAL_OR_KEYWORD
    assert all(other.kind is other.KEYWORD_ONLY for other in others)


@pytest.mark.parametrize(
    ("cls", "component"),
    [
        (PointSpreadFunction, "psf"),
        (Detector, "detector"),
        (Projection, "sky_projection"),
        (ObservationSummaryStats, "summary_stats"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_read_legacy_part_of_exposure_equals_component(
    cls: type[Serializable], component: str, shared_data: Path
) -> None:
    found = cls.read_legacy(uri=shared_data / FILE)
    assert isinstance(found, cls)
    expected = VisitImage.read_legacy(shared_data / FILE, component=component)
    assert type(found) is type(expected)
    if cls is ObservationSummaryStats:
        assert found == expected


def test_read_legacy_type_without_legacy_files_raises_conversion_error(shared_data: Path) -> None:
    class Unrelated(Serializable):
        pass

    with pytest.raises(LegacyConversionError, match="Unrelated"):
        Unrelated.read_legacy(shared_data / FILE)
