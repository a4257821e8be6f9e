# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Third-party decoders of archived classes, used by reads of real legacy files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from lsst.images import Box, Polygon, VisitImage
from lsst.images.errors import ArchiveReadError
from lsst.images.fields import ChebyshevField
from lsst.images.legacy import (
    LegacyArchive,
    LegacyContext,
    LegacyDecoder,
    LegacyEntry,
    LegacyRows,
    open_legacy,
)
from lsst.images.plugins import hookimpl, registry
from lsst.images.psfs import GaussianPointSpreadFunction, PointSpreadFunction

FILE = "afw/exposure_visit_like.fits"
BOUNDS = Box.factory[0:300, 0:200]
PSF_CLASS = ("GaussianPsf", "MySurveyPsf")


class ConvertibleSigma:
    """An archived PSF that needs the bounds of its image."""

    def __init__(self, sigma: float) -> None:
        self.sigma = sigma

    def convert_from_archive(self, context: LegacyContext) -> PointSpreadFunction:
        assert context.bounds is not None
        return GaussianPointSpreadFunction(self.sigma, context.bounds, stamp_size=15)


def decode_finished_psf(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> PointSpreadFunction:
    return GaussianPointSpreadFunction(tables[0].one().number("sigma"), BOUNDS, stamp_size=15)


def decode_convertible_psf(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> ConvertibleSigma:
    return ConvertibleSigma(tables[0].one().number("sigma"))


def decode_field(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> ChebyshevField:
    return ChebyshevField(BOUNDS, [[7.0]])


def decode_polygon(archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]) -> Polygon:
    return Polygon(x_vertices=[10.0, 60.0, 60.0], y_vertices=[10.0, 10.0, 60.0])


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A third-party module with the decoders above."""
    module = ModuleType("survey_decoders")
    decoders: list[LegacyDecoder[Any]] = [
        decode_finished_psf,
        decode_convertible_psf,
        decode_field,
        decode_polygon,
    ]
    for decoder in decoders:
        setattr(module, decoder.__name__, decoder)  # type: ignore[attr-defined]  # functions have names
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


@pytest.fixture
def register(module: ModuleType) -> Iterator[Any]:
    """Register a plugin with decoders by archived class, until the test ends."""

    def register(decoders: Mapping[str, str]) -> None:
        class Plugin:
            @hookimpl
            def register_legacy_decoders(self) -> Mapping[str, str]:
                return {name: f"{module.__name__}:{decoder}" for name, decoder in decoders.items()}

        registry.register(Plugin(), name="survey")

    yield register
    registry.unregister("survey")


@pytest.fixture
def renamed_file(shared_data: Path, tmp_path: Path) -> Path:
    """A copy of a real exposure whose PSF is of a class without a decoder."""
    data = (shared_data / FILE).read_bytes()
    old, new = (name.encode() for name in PSF_CLASS)
    assert len(old) == len(new) and data.count(old) > 0
    path = tmp_path / "renamed.fits"
    path.write_bytes(data.replace(old, new))
    return path


def test_read_legacy_psf_of_unknown_class_raises_error_that_names_the_hook(renamed_file: Path) -> None:
    with pytest.raises(ArchiveReadError, match=r"MySurveyPsf.*register_legacy_decoders"):
        VisitImage.read_legacy(renamed_file, component="psf")
    whole = VisitImage.read_legacy(renamed_file)
    with pytest.raises(ArchiveReadError, match="MySurveyPsf"):
        _ = whole.psf
    assert whole.sky_projection is not None


def test_read_legacy_decoder_returns_finished_psf_component_and_whole_hold_it(
    renamed_file: Path, register: Any
) -> None:
    register({PSF_CLASS[1]: "decode_finished_psf"})
    psf = VisitImage.read_legacy(renamed_file, component="psf")
    assert isinstance(psf, GaussianPointSpreadFunction)
    assert psf.bounds == BOUNDS
    assert VisitImage.read_legacy(renamed_file).psf == psf


def test_read_legacy_decoder_returns_convertible_psf_gets_bounds_of_the_image(
    renamed_file: Path, register: Any
) -> None:
    register({PSF_CLASS[1]: "decode_convertible_psf"})
    whole = VisitImage.read_legacy(renamed_file)
    assert isinstance(whole.psf, GaussianPointSpreadFunction)
    assert whole.psf.bounds.bbox.contains(whole.bbox)
    assert VisitImage.read_legacy(renamed_file, component="psf") == whole.psf


def test_read_legacy_decoded_psf_survives_writing_and_reading(
    renamed_file: Path, register: Any, tmp_path: Path
) -> None:
    register({PSF_CLASS[1]: "decode_finished_psf"})
    whole = VisitImage.read_legacy(renamed_file)
    whole.write(tmp_path / "new.fits")
    assert VisitImage.read(tmp_path / "new.fits").psf == whole.psf


def test_read_legacy_decoder_replaces_built_in_decoder_of_fields_and_polygons(
    shared_data: Path, register: Any
) -> None:
    register({"ChebyshevBoundedField": "decode_field", "Polygon": "decode_polygon"})
    corrections = VisitImage.read_legacy(shared_data / FILE, component="aperture_corrections")
    assert corrections
    assert {float(field(x=5.0, y=5.0)) for field in corrections.values()} == {7.0}
    whole = VisitImage.read_legacy(shared_data / FILE)
    assert whole.bounds.area == pytest.approx(1250.0)


def test_read_legacy_decoder_returns_object_of_wrong_type_raises_archive_read_error(
    shared_data: Path, register: Any
) -> None:
    register({"SkyWcs": "decode_field"})
    with pytest.raises(ArchiveReadError, match="sky projection.*ChebyshevField.*Projection"):
        VisitImage.read_legacy(shared_data / FILE, component="sky_projection")


def test_open_legacy_psf_uses_third_party_decoder(renamed_file: Path, register: Any) -> None:
    register({PSF_CLASS[1]: "decode_finished_psf"})
    with open_legacy(renamed_file, PointSpreadFunction) as reader:
        assert reader.read().bounds == BOUNDS
