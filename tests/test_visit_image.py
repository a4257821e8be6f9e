# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of visit images: in memory, and in files of every container."""

from __future__ import annotations

import copy
import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import (
    BOX,
    DETECTOR_BOX,
    make_obs_info,
    make_planes,
    make_projection,
    make_spline,
    make_visit_arguments,
    make_visit_image,
)
from helpers.marks import containers
from helpers.metadata import share_metadata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.images import (
    Background,
    BackgroundMap,
    Box,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    ObservationSummaryStats,
    Polygon,
    VisitImage,
)
from lsst.images.errors import (
    ArchiveAccessRequiredError,
    ArchiveReadError,
    BoxIndexError,
    CorruptArchiveError,
    ImagesWarning,
    InvalidArgumentError,
    InvalidComponentError,
    InvalidParameterError,
    SchemaVersionError,
    UnitConversionError,
    UnitMismatchError,
    UnknownSchemaError,
    UnserializableTypeError,
)
from lsst.images.fields import ChebyshevField
from lsst.images.io import open_archive, read
from lsst.images.serialization import DetachedArchive

SHARED_PARTS = ("psf", "obs_info", "summary_stats", "detector", "photometric_scaling", "aperture_corrections")
NON_PIXELS = (
    *SHARED_PARTS,
    *("bbox", "unit", "sky_projection", "projection", "backgrounds", "bounds", "band", "physical_filter"),
)


def assert_same_planes(a: MaskedImage, b: MaskedImage) -> None:
    for name in ("image", "mask", "variance"):
        mine, theirs = getattr(a, name), getattr(b, name)
        assert mine == theirs, name
        assert mine.projection == theirs.projection and mine.obs_info == theirs.obs_info


# Construction.


def test_visit_image_constructor_arguments_become_attributes() -> None:
    arguments = make_visit_arguments()
    visit = VisitImage(arguments["image"], **{k: v for k, v in arguments.items() if k != "image"})
    for name in (*SHARED_PARTS, "bounds", "backgrounds", "band", "projection"):
        assert getattr(visit, name) is arguments[name], name
    assert visit.sky_projection is visit.projection is visit.image.projection
    assert visit.physical_filter == "r_03" and visit.unit == u.electron
    assert visit.image.obs_info is visit.obs_info
    assert visit.astropy_wcs is not None and visit.metadata["id"] == 4207


def test_visit_image_omitted_components_have_empty_defaults() -> None:
    visit = make_visit_image(
        summary_stats=None, aperture_corrections=None, backgrounds=None, bounds=None, photometric_scaling=None
    )
    assert visit.summary_stats == ObservationSummaryStats()
    assert visit.aperture_corrections == {} and visit.backgrounds == BackgroundMap()
    assert visit.bounds == BOX and visit.photometric_scaling is None


def test_visit_image_takes_projection_and_obs_info_from_image() -> None:
    arguments = make_visit_arguments()
    image = arguments.pop("image").view(
        projection=arguments.pop("projection"), obs_info=arguments.pop("obs_info")
    )
    visit = VisitImage(image, **arguments)
    assert visit.projection is image.projection and visit.obs_info is image.obs_info


@pytest.mark.parametrize("name", ["projection", "obs_info", "psf", "detector", "band"])
def test_visit_image_missing_component_raises_error_with_its_name(name: str) -> None:
    arguments = make_visit_arguments()
    del arguments[name]
    with pytest.raises(TypeError, match=f"missing: {name}. Pass allow_missing=True"):
        VisitImage(arguments.pop("image"), **arguments)


@pytest.mark.parametrize(
    ("changes", "error", "fragment"),
    [
        ({"image": Image(1.0, bbox=BOX)}, TypeError, "unit of the image"),
        ({"projection": make_projection(GeneralFrame(unit=u.pix))}, TypeError, "DetectorFrame"),
        ({"obs_info": make_obs_info(physical_filter=None)}, ValueError, "physical_filter"),
        ({"photometric_scaling": ChebyshevField(BOX, np.ones((1, 1)))}, TypeError, "must have a unit"),
        ({"variance": Image(1.0, bbox=BOX, unit=u.m)}, UnitMismatchError, "square of the image unit"),
        ({"variance": Image(1.0, bbox=DETECTOR_BOX)}, ValueError, "bboxes do not agree"),
        ({"mask": None}, TypeError, "mask or a mask_schema"),
        ({"sky_projection": None}, TypeError, "are aliases of one argument"),
        ({"bounds": "all"}, ValueError, "'all'"),
    ],
)
def test_visit_image_invalid_component_raises(changes: Any, error: type[Exception], fragment: str) -> None:
    with pytest.raises(error, match=fragment):
        make_visit_image(**changes)


def test_visit_image_allow_missing_accepts_no_components() -> None:
    planes = make_planes(BOX, unit=None)
    visit = VisitImage(planes.pop("image"), **planes, allow_missing=True)
    for name in ("unit", "projection", "obs_info", "psf", "detector", "band", "physical_filter", "fits_wcs"):
        assert getattr(visit, name) is None, name
    part = visit.copy().local[2:5, 3:9]
    assert part.psf is None and part.bbox == Box.factory[12:15, 23:29]
    with pytest.raises(u.UnitConversionError, match="Cannot convert pixels from unit None to nJy"):
        visit.convert_unit()


def test_photometric_scaling_setter_requires_a_unit() -> None:
    visit = make_visit_image()
    visit.photometric_scaling = None
    assert visit.photometric_scaling is None
    with pytest.raises(TypeError, match="must have a unit"):
        visit.photometric_scaling = make_spline()
    assert visit.photometric_scaling is None


# Subimages and copies.


@pytest.mark.parametrize("key", [Box.factory[15:30, 25:50], ...])
def test_visit_image_view_shares_components(key: Any) -> None:
    visit = make_visit_image()
    view = visit[key]
    assert type(view) is VisitImage and share_metadata(view, visit)
    assert np.shares_memory(view.image.array, visit.image.array)
    assert np.shares_memory(view.mask.array, visit.mask.array)
    assert np.shares_memory(view.variance.array, visit.variance.array)
    for name in (*SHARED_PARTS, "backgrounds", "projection", "band"):
        assert getattr(view, name) is getattr(visit, name), name
    assert visit.bbox.contains(view.bounds.bbox)


def test_visit_image_slice_clips_bounds() -> None:
    visit = make_visit_image()
    assert isinstance(visit.bounds, Polygon)
    inside = visit.absolute[20:30, 30:50]
    assert inside.bounds == inside.bbox
    across = visit.absolute[10:15, 20:40]
    expected = visit.bounds.to_shapely().intersection(Polygon.from_box(across.bbox).to_shapely())
    assert across.bounds.to_shapely().symmetric_difference(expected).area == pytest.approx(0.0, abs=1e-9)
    # Bounds do not grow again.
    assert across[across.bbox].bounds == across.bounds


def test_visit_image_outside_bounds_has_empty_bounds() -> None:
    visit = make_visit_image()
    corner = visit.absolute[10:11, 20:22]
    y, x = np.mgrid[9:13, 19:24]
    assert not np.any(corner.bounds.contains(x=x, y=y)) and corner.bounds.bbox == corner.bbox
    smaller = corner.absolute[10:11, 20:21]
    assert not smaller.bounds.contains(x=20, y=10) and smaller.bounds.bbox == smaller.bbox


@pytest.mark.parametrize("copy_detector", [False, True])
def test_visit_image_copy_shares_only_immutable_components(copy_detector: bool) -> None:
    visit = make_visit_image()
    other = visit.copy(copy_detector=copy_detector)
    assert_same_planes(visit, other)
    for plane in ("image", "mask", "variance"):
        assert not np.shares_memory(getattr(visit, plane).array, getattr(other, plane).array)
    for name in ("psf", "obs_info", "photometric_scaling", "projection", "bounds"):
        assert getattr(other, name) is getattr(visit, name), name
    for name in ("summary_stats", "aperture_corrections", "backgrounds", "metadata"):
        assert getattr(other, name) == getattr(visit, name)
        assert getattr(other, name) is not getattr(visit, name), name
    assert (other.detector is visit.detector) is not copy_detector
    assert other.detector == visit.detector


@pytest.mark.parametrize("duplicate", [lambda v: pickle.loads(pickle.dumps(v)), copy.deepcopy, copy.copy])
def test_visit_image_pickle_and_copy_are_equal(duplicate: Any) -> None:
    visit = make_visit_image()
    other = duplicate(visit)
    assert type(other) is VisitImage
    assert_same_planes(visit, other)
    for name in NON_PIXELS:
        assert getattr(other, name) == getattr(visit, name), name
    assert other.metadata == visit.metadata


def test_visit_image_str_contains_class_and_planes() -> None:
    visit = make_visit_image()
    assert str(visit) == "VisitImage(Image([y=10:40, x=20:60], float32), ['BAD', 'SATURATED'])"
    assert repr(visit).startswith("VisitImage(Image(..., bbox=Box(") and "mask_schema=MaskSchema(" in repr(
        visit
    )


def test_as_masked_image_shares_planes() -> None:
    visit = make_visit_image()
    masked = visit.as_masked_image()
    assert type(masked) is MaskedImage and share_metadata(masked, visit)
    assert_same_planes(visit, masked)
    assert np.shares_memory(masked.image.array, visit.image.array)


# Units.


@pytest.mark.parametrize(
    ("unit", "error", "message"),
    [
        (u.ABmag, UnitConversionError, r"logarithmic unit 'mag\(AB\)'.*quantity\.to\('mag\(AB\)'\)"),
        ("ABmag", InvalidArgumentError, "'ABmag' is not a unit"),
        (None, InvalidArgumentError, "None is not a unit"),
    ],
)
def test_convert_unit_invalid_unit_raises_error(unit: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        make_visit_image().convert_unit(unit)


def test_convert_unit_scales_variance_by_square() -> None:
    visit = make_visit_image(**make_planes(BOX, unit=u.uJy), photometric_scaling=None)
    converted = visit.convert_unit(u.nJy)
    assert converted.unit == u.nJy and converted.variance.unit == u.nJy**2
    np.testing.assert_allclose(converted.image.array, visit.image.array * 1e3, rtol=1e-6)
    np.testing.assert_allclose(converted.variance.array, visit.variance.array * 1e6, rtol=1e-6)
    assert converted.image.array.dtype == np.float32
    assert converted.mask == visit.mask and not np.shares_memory(converted.mask.array, visit.mask.array)


@pytest.mark.parametrize(("scale", "divides"), [(u.nJy / u.electron, False), (u.electron / u.nJy, True)])
def test_convert_unit_multiplies_or_divides_by_scaling(scale: u.UnitBase, divides: bool) -> None:
    field = ChebyshevField(DETECTOR_BOX, np.array([[2.0, 0.1], [0.3, 0.0]]), unit=scale)
    visit = make_visit_image(photometric_scaling=field).absolute[12:30, 25:44]
    factor = field.render(visit.bbox).array
    factor = 1.0 / factor if divides else factor
    for unit, extra in ((u.nJy, 1.0), (u.uJy, 1e-3)):
        converted = visit.convert_unit(unit)
        assert converted.unit == unit and converted.bbox == visit.bbox
        np.testing.assert_allclose(converted.image.array, visit.image.array * factor * extra, rtol=1e-5)
        np.testing.assert_allclose(
            converted.variance.array, visit.variance.array * (factor * extra) ** 2, rtol=1e-5
        )
        back = converted.convert_unit(u.electron)
        np.testing.assert_allclose(back.image.array, visit.image.array, rtol=1e-5)
        assert converted.photometric_scaling is field and converted.psf is visit.psf


def test_convert_unit_copy_modes_share_as_documented() -> None:
    visit = make_visit_image()
    shared = visit.convert_unit(u.electron, copy=False)
    assert np.shares_memory(shared.image.array, visit.image.array)
    needed = visit.convert_unit(u.nJy, copy="as-needed")
    assert np.shares_memory(needed.mask.array, visit.mask.array)
    assert needed.summary_stats is visit.summary_stats and share_metadata(needed, visit)
    copied = visit.convert_unit(u.electron, copy_detector=True)
    assert copied.detector is not visit.detector and copied.summary_stats is not visit.summary_stats
    assert not np.shares_memory(copied.image.array, visit.image.array)
    assert visit.convert_unit(u.nJy).detector is visit.detector


@pytest.mark.parametrize(
    ("arguments", "error", "fragment"),
    [
        ({"copy": False}, u.UnitConversionError, "copy=False does not allow"),
        ({"copy": "perhaps"}, TypeError, "'perhaps'"),
        ({"copy": 1}, TypeError, "True, False or 'as-needed'"),
        ({"unit": u.s}, u.UnitConversionError, "even when multiplied or divided"),
    ],
)
def test_convert_unit_impossible_conversion_raises(
    arguments: Any, error: type[Exception], fragment: str
) -> None:
    visit = make_visit_image()
    with pytest.raises(error, match=fragment):
        visit.convert_unit(**arguments)
    with pytest.raises(u.UnitConversionError, match="the image does not have a photometric"):
        make_visit_image(photometric_scaling=None).convert_unit(u.nJy)


# Backgrounds.


def test_apply_background_subtracts_and_restores() -> None:
    visit = make_visit_image()
    original = visit.image.array.copy()
    variance = visit.variance.array.copy()
    for name in ("sky", "ghost", "ghost", None, "sky", None):
        visit.apply_background(name)
        rendered = 0.0 if name is None else visit.backgrounds[name].field.render(BOX).array
        np.testing.assert_allclose(visit.image.array, original - rendered, atol=2e-5)
        subtracted = visit.backgrounds.subtracted
        assert (None if subtracted is None else subtracted.name) == name
    np.testing.assert_array_equal(visit.variance.array, variance)


def test_apply_background_error_leaves_image_unchanged() -> None:
    visit = make_visit_image()
    visit.backgrounds.add("wrong", make_spline(u.s))
    visit.apply_background("sky")
    before, backgrounds = visit.image.array.copy(), visit.backgrounds
    with pytest.raises(
        KeyError, match=r"'cloud' does not exist; expected one of \['sky', 'ghost', 'wrong'\]"
    ):
        visit.apply_background("cloud")
    with pytest.raises(u.UnitConversionError):
        visit.apply_background("wrong")
    visit.image.array.flags.writeable = False
    with pytest.raises(ValueError, match="read-only"):
        visit.apply_background("ghost")
    np.testing.assert_array_equal(visit.image.array, before)
    assert visit.backgrounds is backgrounds and backgrounds.subtracted.name == "sky"


def test_apply_background_of_subimage_keeps_backgrounds_of_image() -> None:
    visit = make_visit_image()
    part = visit.absolute[12:20, 30:40]
    part.apply_background("sky")
    assert part.backgrounds.subtracted.name == "sky"
    assert visit.backgrounds.subtracted is None


def test_convert_unit_keeps_subtracted_background() -> None:
    visit = make_visit_image(
        backgrounds=BackgroundMap(
            [Background("sky", make_spline(u.electron)), Background("bare", make_spline())]
        )
    )
    original = visit.convert_unit(u.nJy).image.array
    for name in ("sky", "bare"):
        visit.apply_background(name)
        converted = visit.convert_unit(u.nJy)
        assert converted.backgrounds.subtracted.name == name
        converted.apply_background(None)
        np.testing.assert_allclose(converted.image.array, original, rtol=1e-5)


# Files.


@containers
def test_read_component_equals_attribute(extension: str, tmp_path: Path) -> None:
    visit = make_visit_image()
    path = tmp_path / f"visit{extension}"
    visit.write(path)
    whole = read(path, VisitImage)
    assert_same_planes(whole, visit)
    assert whole.metadata == visit.metadata
    with open_archive(path) as reader:
        for name in NON_PIXELS:
            assert reader.get_component(name) == getattr(whole, name) == getattr(visit, name), name
        for name in ("image", "mask", "variance"):
            plane = reader.get_component(name)
            assert plane == getattr(whole, name)
            assert plane.projection == whole.projection and plane.obs_info == whole.obs_info
        masked = reader.get_component("masked_image")
        assert type(masked) is MaskedImage and masked.metadata == whole.metadata
        assert_same_planes(masked, whole)
        assert set(reader.component_names) >= {*NON_PIXELS, "image", "mask", "variance", "masked_image"} - {
            "projection"
        }


intervals = st.tuples(st.integers(0, 38), st.integers(1, 39)).filter(lambda p: p[0] < p[1])


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("visit") / "visit.fits"
    make_visit_image().write(path)
    return path


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=intervals, columns=intervals)
def test_read_bbox_equals_slice(written: Path, rows: Any, columns: Any) -> None:
    box = Box.factory[10 + rows[0] * 3 // 4 : 11 + rows[1] * 3 // 4, 20 + columns[0] : 20 + columns[1]]
    whole = VisitImage.read(written)
    part, expected = VisitImage.read(written, bbox=box), whole[box]
    assert_same_planes(part, expected)
    for name in NON_PIXELS:
        assert getattr(part, name) == getattr(expected, name), name
    with open_archive(written) as reader:
        assert_same_planes(reader.get_component("masked_image", bbox=box), expected.as_masked_image())
        assert reader.get_component("variance", bbox=box) == expected.variance


def test_read_unknown_parameter_raises(written: Path) -> None:
    with open_archive(written) as reader:
        for name in ("psf", "bbox", "bounds", "backgrounds", "obs_info"):
            with pytest.raises(InvalidParameterError, match="bbox"):
                reader.get_component(name, bbox=BOX)
        with pytest.raises(InvalidComponentError, match="'wcs' is not recognized"):
            reader.get_component("wcs")
        with pytest.raises(BoxIndexError):
            reader.get_component("masked_image", bbox=DETECTOR_BOX)


def test_read_component_in_tree_needs_no_array(tmp_path: Path) -> None:
    constant = {"ap": ChebyshevField(BOX, np.ones((1, 1)))}
    path = tmp_path / "visit.json"
    make_visit_image(backgrounds=None, aperture_corrections=constant).write(path)
    with open_archive(path) as reader:
        tree = reader.get_tree()
    for name in NON_PIXELS:
        tree.deserialize_component(name, DetachedArchive())
    for name in ("image", "mask", "variance", "masked_image"):
        with pytest.raises(ArchiveAccessRequiredError):
            tree.deserialize_component(name, DetachedArchive())


def test_read_missing_components_return_none(tmp_path: Path) -> None:
    planes = make_planes(BOX, unit=None)
    visit = VisitImage(planes.pop("image"), **planes, allow_missing=True)
    path = tmp_path / "bare.fits"
    with pytest.warns(ImagesWarning, match="without sky_projection, psf, obs_info, detector, band"):
        visit.write(path)
    back = read(path)
    assert_same_planes(back, visit)
    with open_archive(path) as reader:
        for name in NON_PIXELS:
            assert reader.get_component(name) == getattr(back, name) == getattr(visit, name), name


def test_write_empty_bounds_round_trips(tmp_path: Path) -> None:
    corner = make_visit_image().absolute[10:11, 20:22]
    corner.write(tmp_path / "corner.json")
    assert read(tmp_path / "corner.json").bounds == corner.bounds


# Invalid fields.


def damage(tmp_path: Path, **changes: Any) -> Path:
    """Write an image to a JSON file, with fields replaced."""
    make_visit_image().write(tmp_path / "good.json")
    tree = json.loads((tmp_path / "good.json").read_text())
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps({**tree, **changes}))
    return path


STRANGE = {
    "schema_url": "https://example.org/schemas/moffat_psf-1.0.0",
    "schema_version": "1.0.0",
    "beta": 2.5,
}
NEWER = {"schema_version": "3.0.0", "min_read_version": 3}
ODD = {"schema_version": "1.0.0", "min_read_version": 1, "oddity": 1}
DAMAGES = [
    ("psf", STRANGE, UnknownSchemaError, "moffat_psf"),
    (
        "psf",
        {**STRANGE, **NEWER, "schema_url": "https://x.org/schemas/gaussian_psf-3.0.0"},
        ArchiveReadError,
        "major >= 3",
    ),
    ("psf", {**ODD, "schema_url": "https://x.org/schemas/gaussian_psf-1.0.0"}, CorruptArchiveError, "sigma"),
    ("detector", ODD, CorruptArchiveError, "attributes"),
    ("detector", NEWER, SchemaVersionError, "major >= 3"),
    ("summary_stats", {**ODD, "psfSigma": "wide"}, CorruptArchiveError, "psfSigma"),
    ("aperture_corrections", {**ODD, "fields": 3}, CorruptArchiveError, "fields"),
    ("backgrounds", {**ODD, "fields": {}, "subtracted": "sky"}, CorruptArchiveError, "sky"),
    ("photometric_scaling", {**ODD, "field_type": "FOURIER"}, UnknownSchemaError, "field_type"),
    (
        "sky_projection",
        {**ODD, "pixel_to_sky": {**ODD, "mappings": [{"ast": "nonsense"}]}},
        ArchiveReadError,
        "mapping",
    ),
    ("obs_info", {"exposure_id": "none"}, CorruptArchiveError, "exposure_id"),
    ("bounds", {"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]}, CorruptArchiveError, "valid pixels"),
]


@pytest.mark.parametrize(("name", "subtree", "error", "fragment"), DAMAGES)
def test_read_invalid_field_raises_only_when_used(
    name: str, subtree: Any, error: type[Exception], fragment: str, tmp_path: Path
) -> None:
    path = damage(tmp_path, **{name: subtree})
    good = make_visit_image()
    visit = read(path, VisitImage)
    for image in (visit, visit.absolute[12:20, 30:40], visit.copy(), pickle.loads(pickle.dumps(visit))):
        assert "VisitImage" in str(image) + repr(image)
        for _ in range(2):
            with pytest.raises(error, match=fragment):
                getattr(image, name)
    np.testing.assert_array_equal(visit.image.array, good.image.array)
    assert visit.mask == good.mask and visit.variance == good.variance
    with open_archive(path) as reader:
        assert reader.get_component("image") == good.image
        planes = reader.get_component("masked_image")
        if name in ("sky_projection", "obs_info"):
            assert planes.image == good.image and planes.mask == good.mask
            with pytest.raises(error, match=fragment):
                planes.projection.pixel_to_sky(x=20, y=30 if planes.obs_info else 0)
        else:
            assert_same_planes(planes, visit.as_masked_image())
        for other in NON_PIXELS:
            if other in (name, {"sky_projection": "projection", "obs_info": "physical_filter"}.get(name)):
                with pytest.raises(error, match=fragment):
                    reader.get_component(other)
            elif name not in ("sky_projection", "obs_info"):
                assert reader.get_component(other) == getattr(visit, other) == getattr(good, other), other


@pytest.mark.parametrize(("name", "subtree", "error", "fragment"), DAMAGES)
def test_write_invalid_field_is_unchanged(
    name: str, subtree: Any, error: type[Exception], fragment: str, tmp_path: Path
) -> None:
    visit = read(damage(tmp_path, **{name: subtree}))
    for image in (visit, visit.absolute[12:30, 25:50].copy()):
        path = tmp_path / "again.fits"
        image.write(path)
        with open_archive(path) as reader:
            assert reader.raw_tree[name] == subtree
            with pytest.raises(error, match=fragment):
                reader.get_component(name)
        path.unlink()


def test_write_invalid_field_with_array_references_raises(tmp_path: Path) -> None:
    subtree = {**STRANGE, "array": {"source": "fits:PSF", "shape": [3, 3], "datatype": "float64"}}
    visit = read(damage(tmp_path, psf=subtree))
    with pytest.raises(UnserializableTypeError, match="refers to arrays"):
        visit.write(tmp_path / "again.fits")
    assert not (tmp_path / "again.fits").exists()


def test_psf_as_error_raises_when_used_or_written(tmp_path: Path) -> None:
    visit = make_visit_image(psf=ArchiveReadError("no luck with this PSF"))
    for image in (visit, visit.copy(), visit.absolute[20:30, 30:40], visit.convert_unit(u.nJy)):
        assert "no luck" not in str(image) + repr(image)
        with pytest.raises(ArchiveReadError, match="no luck"):
            _ = image.psf
    with pytest.raises(UnserializableTypeError, match="'psf' cannot be written.*no luck"):
        visit.write(tmp_path / "visit.fits")


def test_write_psf_without_model_raises(tmp_path: Path) -> None:
    class Mine:
        """A PSF without a model."""

    with pytest.raises(TypeError, match="Mine"):
        make_visit_image(psf=Mine()).write(tmp_path / "visit.fits")
    assert list(tmp_path.iterdir()) == []


def test_write_complete_image_does_not_warn(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_visit_image().write(tmp_path / "visit.fits")


def test_write_sky_projection_alias_round_trips(tmp_path: Path) -> None:
    visit = make_visit_image()
    visit.write_fits(tmp_path / "visit.fits", image_compression=None)
    part = VisitImage.read_fits(tmp_path / "visit.fits", bbox=Box.factory[12:20, 30:40])
    assert_same_planes(part, visit.absolute[12:20, 30:40])
    with pytest.raises(InvalidParameterError, match="a VisitImage, not the requested Mask"):
        Mask.read(tmp_path / "visit.fits")


def test_read_legacy_accepts_filename_as_keyword(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_visit_like.fits"
    bbox = VisitImage.read_legacy(path, component="bbox")
    assert VisitImage.read_legacy(filename=path, component="bbox") == bbox
    with pytest.raises(TypeError, match="'uri' and 'filename'"):
        VisitImage.read_legacy(uri=path, filename=path)
