# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Public names, and the names in the configuration of the Butler."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Box, GeneralFrame

PUBLIC = """
XY YX SerializableXY SerializableYX Interval IntervalSliceFactory Box BoxSliceFactory Bounds BoundsError
NoOverlapError NotContainedError Region Polygon RegionSerializationModel
GeneralizedImage AbsoluteSliceProxy LocalSliceProxy Image ImageSerializationModel Mask MaskPlane MaskPlaneBit
MaskSchema MaskSerializationModel MaskedImage MaskedImageSerializationModel ColorImage
get_legacy_visit_image_mask_planes get_legacy_difference_image_mask_planes get_legacy_deep_coadd_mask_planes
get_legacy_non_cell_coadd_mask_planes
VisitImage VisitImageSerializationModel DifferenceImage DifferenceImageSerializationModel
DifferenceImageTemplateInfo ObservationSummaryStats Background BackgroundMap BackgroundMapSerializationModel
Frame SerializableFrame DetectorFrame FocalPlaneFrame FieldAngleFrame TractFrame GeneralFrame SkyFrame ICRS
FrameSet FrameLookupError Transform TransformSerializationModel TransformCompositionError
Projection ProjectionAstropyView ProjectionSerializationModel
SkyProjection SkyProjectionAstropyView SkyProjectionSerializationModel
CameraFrameSet CameraFrameSetSerializationModel __version__
"""

DESCRIBE = (
    "Describable DescribableMixin DescribeOptions FieldRole Report ReportField ReportTable ReportValueGroup"
)

SUBMODULES = "aperture_corrections cameras cells convolution_kernels describe fields fits formatters json " \
    "ndf psfs serialization tests utils"  # fmt: skip

MODULES = {
    "": f"{PUBLIC} {DESCRIBE}",
    "describe": DESCRIBE,
    "aperture_corrections": "ApertureCorrectionMap ApertureCorrectionMapSerializationModel "
    "aperture_corrections_from_legacy aperture_corrections_to_legacy",
    "cameras": "Amplifier AmplifierCalibrations AmplifierRawGeometry Detector DetectorAttributes "
    "DetectorType Orientation ReadoutCorner CameraFrameSet",
    "cells": "CellIJ CellGrid CellGridBounds PatchDefinition CellField CellPointSpreadFunction "
    "CoaddProvenance CellCoadd CellApertureCorrectionMapSerializationModel",
    "convolution_kernels": "ConvolutionKernel ImageBasisConvolutionKernel",
    "fields": "BaseField Field ChebyshevField ProductField SplineField SumField field_from_legacy "
    "field_from_legacy_background field_from_legacy_photo_calib deserialize_field",
    "psfs": "PointSpreadFunction GaussianPointSpreadFunction PiffWrapper PSFExWrapper",
    "utils": "round_half_up round_half_down round_half_away_from_zero is_none",
    "serialization": "ArchiveTree ButlerInfo JsonRef MetadataValue OpaqueArchiveMetadata SCHEMA_URL_BASE "
    "no_header_updates InputArchive OutputArchive NestedOutputArchive DetachedArchive ArchiveInfo "
    "ArrayReferenceModel ArrayReferenceQuantityModel InlineArray InlineArrayModel InlineArrayQuantity "
    "InlineArrayQuantityModel Quantity QuantityModel Time TimeModel Unit TableModel TableColumnModel "
    "NumberType IntegerType SignedIntegerType UnsignedIntegerType FloatType is_integer "
    "read_archive write_archive open_archive Reader Backend backend_for_path backend_for_name "
    "backend_for_stream class_for_schema public_type_for_schema register_schema_class parameterize_tree "
    "tree_class_for_info migration is_development_version warn_for_development_schemas "
    "DevelopmentSchemaWarning available_schema_classes dump_schema write_frozen_schemas check_frozen_schemas "
    "frozen_schema_filename frozen_schema_path schema_dependencies FrozenSchemaError ArchiveReadError "
    "InvalidParameterError InvalidComponentError ArchiveAccessRequiredError UnsupportedTableError",
    "fits": "FITS_SOURCE_REGEX JSON_COLUMN JSON_EXTNAME ExtensionHDU ExtensionKey FitsCompressionAlgorithm "
    "FitsCompressionOptions FitsDitherAlgorithm FitsOpaqueMetadata FitsQuantizationOptions "
    "InvalidFitsArchiveError PointerModel PrecompressedImage add_offset_wcs read_offset_wcs read_yx0 "
    "strip_butler_cards strip_legacy_exposure_cards strip_wcs_cards suppress_fits_card_warnings "
    "DEFAULT_PAGE_SIZE READ_CACHE_MAX_BYTES FitsInputArchive FitsOutputArchive write read ReadResult",
    "json": "JsonInputArchive JsonOutputArchive write",
    "ndf": "HdsNameShrinker NdfPointerModel archive_path_to_hdf5_path archive_path_to_hdf5_path_components "
    "NdfInputArchive read_starlink NdfOutputArchive write",
    "formatters": "GenericFormatter",
}


def load(module: str) -> object:
    if module == "ndf":
        pytest.importorskip("h5py")
    return importlib.import_module(f"lsst.images.{module}" if module else "lsst.images")


@pytest.mark.parametrize("module", SUBMODULES.split())
def test_public_module_is_importable(module: str) -> None:
    assert load(module) is not None


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in MODULES.items() for name in names.split()]
)
def test_public_module_has_expected_names(module: str, name: str) -> None:
    assert getattr(load(module), name) is not None


@pytest.mark.parametrize("module", MODULES)
def test_public_module_all_names_exist(module: str) -> None:
    loaded = load(module)
    for name in loaded.__all__:  # type: ignore[attr-defined]  # every module of ours has it
        getattr(loaded, name)


LAZY_PACKAGES = ("lsst.images", "lsst.images.legacy", "lsst.images.models", "lsst.images.tests")


@pytest.mark.parametrize("package", LAZY_PACKAGES)
def test_lazy_package_exports_exactly_names_of_stub(package: str) -> None:
    loaded = importlib.import_module(package)
    stub = ast.parse(Path(loaded.__file__ or "").with_suffix(".pyi").read_text())
    imports = [node for node in stub.body if isinstance(node, ast.ImportFrom)]
    # "from .module import name as name" is the form that type checkers read as public.
    assert len(imports) == len(stub.body)
    assert all(alias.name == alias.asname for node in imports for alias in node.names)
    exported = {alias.name: node.module for node in imports for alias in node.names}
    assert sorted(exported) == sorted(loaded.__all__) == sorted(dir(loaded))
    for name, module in exported.items():
        assert getattr(loaded, name) is getattr(importlib.import_module(f"{package}.{module}"), name)


@pytest.mark.parametrize("package", LAZY_PACKAGES)
def test_lazy_package_unknown_name_raises_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match="NoSuchName"):
        _ = importlib.import_module(package).NoSuchName


def test_sky_projection_names_are_aliases() -> None:
    images = load("")
    for canonical in ("Projection", "ProjectionAstropyView", "ProjectionSerializationModel"):
        assert getattr(images, canonical) is getattr(images, f"Sky{canonical}")


def test_formatters_of_first_release_are_aliases() -> None:
    pytest.importorskip("lsst.daf.butler")
    old, new = load("fits.formatters"), load("formatters")
    for name in ("GenericFormatter", "ImageFormatter", "MaskedImageFormatter", "VisitImageFormatter"):
        assert getattr(old, name) is new.GenericFormatter  # type: ignore[attr-defined]  # a module
    with pytest.raises(AttributeError, match="NoFormatter"):
        _ = old.NoFormatter  # type: ignore[attr-defined]  # a module


def test_projection_test_helpers_have_aliases_and_compare() -> None:
    helpers, frame = load("tests"), GeneralFrame(unit=u.pix)
    make, check = helpers.make_random_projection, helpers.assert_projections_equal  # type: ignore[attr-defined]
    assert make is helpers.make_random_sky_projection  # type: ignore[attr-defined]  # a module
    assert check is helpers.assert_sky_projections_equal  # type: ignore[attr-defined]  # a module
    box = Box.factory[100:300, -50:80]
    one, other = (make(np.random.default_rng(seed), frame, box) for seed in (1, 2))
    check(one, make(np.random.default_rng(1), frame, box), expect_identity=False)
    check(one, one, expect_identity=True)
    assert one.pixel_scale().value == pytest.approx(0.2, rel=0.06)
    assert one.fits_wcs_error(box).max < 1e-6 and one.fits_approximation is None
    for arguments in ((one, other), (one, None), (one, one, False)):
        with pytest.raises(AssertionError):
            check(*arguments)


def butler_names() -> list[str]:
    """Return the names of this package in the configuration of the installed Butler."""
    spec = importlib.util.find_spec("lsst.daf.butler")
    if spec is None or spec.submodule_search_locations is None:
        return []
    configs = Path(next(iter(spec.submodule_search_locations))) / "configs"
    text = "\n".join(path.read_text() for path in sorted(configs.rglob("*.yaml")))
    return sorted(set(re.findall(r"lsst\.images(?:\.\w+)+", text)))


@pytest.mark.parametrize("dotted", butler_names() or [pytest.param("", marks=pytest.mark.skip("no Butler"))])
def test_butler_configuration_names_resolve(dotted: str) -> None:
    parts = dotted.split(".")
    obj: object = importlib.import_module("lsst.images")
    for number, part in enumerate(parts[2:], 3):
        try:
            obj = getattr(obj, part)
        except AttributeError:
            obj = importlib.import_module(".".join(parts[:number]))
    assert callable(obj) or isinstance(obj, type)


def test_butler_configuration_is_found() -> None:
    pytest.importorskip("lsst.daf.butler")
    assert {"lsst.images.VisitImage", "lsst.images.cells.CellCoadd.from_legacy_cell_coadd"} <= set(
        butler_names()
    )
