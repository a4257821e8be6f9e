# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of in-memory objects of `lsst.afw` in both directions, with fake modules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import astropy.units as u
import helpers.afw_fakes as afw
import helpers.afw_fakes_camera as afw_camera
import numpy as np
import numpy.testing as npt
import pytest
from lsst.images import (
    XY,
    YX,
    Box,
    CameraFrameSet,
    DetectorFrame,
    GeneralFrame,
    Image,
    Interval,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    ObservationSummaryStats,
    Polygon,
    Projection,
    Transform,
    VisitImage,
)
from lsst.images.cameras import Detector, DetectorType, ReadoutCorner
from lsst.images.cells import CellField, CellGrid, CellGridBounds, CellIJ, CellPointSpreadFunction
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.errors import LegacyConversionError, LossyConversionWarning, MissingOptionalDependencyError
from lsst.images.fields import (
    BaseField,
    ChebyshevField,
    ProductField,
    SplineField,
    SumField,
    aperture_corrections_from_legacy,
    aperture_corrections_to_legacy,
    field_from_legacy,
    field_from_legacy_background,
    field_from_legacy_photo_calib,
)
from lsst.images.psfs import GaussianPointSpreadFunction, KernelPointSpreadFunction, PointSpreadFunction

BOX = Box.factory[10:30, 5:45]
PIXELS = GeneralFrame(unit=u.pix)
RNG = np.random.default_rng(5)


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> None:
    afw.install(monkeypatch)


@pytest.fixture
def visit_image(shared_data: Path) -> VisitImage:
    image = VisitImage.read_legacy(shared_data / "afw" / "exposure_visit_like_kernelpsf.fits")
    assert isinstance(image, VisitImage)
    return image


def test_to_legacy_without_afw_error_names_missing_package() -> None:
    pytest.importorskip("lsst.images")
    with pytest.raises(MissingOptionalDependencyError, match=r"lsst\.geom"):
        BOX.to_legacy()


# Geometry.


def test_boxes_points_and_polygons_round_trip(stack: None) -> None:
    assert Box.from_legacy(BOX.to_legacy()) == BOX
    assert Interval.from_legacy(BOX.x.to_legacy()) == BOX.x
    point: Any = XY(np.int64(3), np.int64(4)).to_legacy_int_point()
    assert (type(point), point.x, point.y) == (afw.Point2I, 3, 4)
    extent: Any = YX(y=np.float32(1.5), x=2).to_legacy_float_extent()
    assert (type(extent), extent.x, extent.y) == (afw.Extent2D, 2.0, 1.5)
    with pytest.raises(LegacyConversionError, match="expected a pair of integers"):
        XY(1.5, 2.0).to_legacy_int_point()
    with pytest.raises(LegacyConversionError, match="exceed the 32-bit integers"):
        Box.factory[0:1, 0 : 2**40].to_legacy()
    polygon = Polygon(x_vertices=[0.0, 10.0, 10.0, 0.0], y_vertices=[0.0, 0.0, 5.0, 5.0])
    assert Polygon.from_legacy(polygon.to_legacy()) == polygon


def test_cell_grids_round_trip(stack: None) -> None:
    grid = CellGrid(Box.factory[0:20, 10:40], YX(y=10, x=15))
    assert CellGrid.from_legacy(grid.to_legacy()) == grid
    index: Any = CellIJ(2, 1).to_legacy()
    assert (index.x, index.y) == (1, 2) and CellIJ.from_legacy(index) == CellIJ(2, 1)


# Pixels.


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4", "u2", "u8"])
def test_images_share_memory_with_afw(stack: None, dtype: str) -> None:
    image = Image(np.arange(800).reshape(20, 40).astype(dtype), bbox=BOX)
    legacy = image.to_legacy()
    assert np.shares_memory(legacy.array, image.array)
    back = Image.from_legacy(legacy, unit=u.nJy)
    assert back.bbox == BOX and back.unit == u.nJy and np.shares_memory(back.array, image.array)
    copied = image.to_legacy(copy=True)
    assert not np.shares_memory(copied.array, image.array)
    npt.assert_array_equal(copied.array, image.array)


@pytest.mark.parametrize("kind", ["read-only", "big-endian", "column-major"])
def test_image_to_legacy_unsupported_array_is_copied_if_allowed(stack: None, kind: str) -> None:
    array = RNG.normal(size=(20, 40)).astype("f4")
    if kind == "read-only":
        array.flags.writeable = False
    array = np.asfortranarray(array) if kind == "column-major" else array
    array = array.astype(">f4") if kind == "big-endian" else array
    image = Image(array, bbox=BOX)
    if image.array.flags.writeable and image.array.flags.c_contiguous and image.array.dtype.isnative:
        pytest.skip("our image is in order already")
    npt.assert_array_equal(image.to_legacy().array, array)
    with pytest.raises(TypeError, match="cannot share"):
        image.to_legacy(copy=False)


def test_image_to_legacy_unsupported_pixel_type_raises_error(stack: None) -> None:
    with pytest.raises(TypeError, match="int64"):
        Image(np.zeros((20, 40), dtype="i8"), bbox=BOX).to_legacy()


PLANES = {"SAT": MaskPlane("SATURATED", ""), "MINE": MaskPlane("MY_PLANE", "")}


def make_mask() -> Mask:
    mask = Mask(0, schema=MaskSchema(PLANES.values()), bbox=BOX)
    mask.set("SATURATED", RNG.random((20, 40)) < 0.2)
    mask.set("MY_PLANE", RNG.random((20, 40)) < 0.2)
    return mask


def test_mask_to_legacy_uses_bits_of_afw(stack: None) -> None:
    mask = make_mask()
    legacy = mask.to_legacy(plane_map=PLANES)
    assert legacy.getMaskPlaneDict()["SAT"] == 1 and legacy.getMaskPlaneDict()["MINE"] == 11
    npt.assert_array_equal(legacy.array & legacy.getPlaneBitMask("MINE") != 0, mask.get("MY_PLANE"))
    back = Mask.from_legacy(legacy, plane_map=PLANES)
    assert back == mask
    back.array[...] = 0
    assert legacy.array.any()


def test_mask_from_legacy_uses_bits_of_the_mask_including_bit_31(stack: None) -> None:
    legacy = afw.Mask(afw.Box2I(x=afw.IntervalI(min=0, max=2), y=afw.IntervalI(min=0, max=1)), {"SAT": 31})
    legacy.array[1, 2] = np.int32(-(2**31))
    mask = Mask.from_legacy(legacy)
    npt.assert_array_equal(np.argwhere(mask.get("SATURATED")), [[1, 2]])


def test_mask_from_legacy_set_plane_missing_from_plane_map_raises_error(stack: None) -> None:
    legacy = make_mask().to_legacy(plane_map=PLANES)
    with pytest.raises(RuntimeError, match="is not remapped"):
        Mask.from_legacy(legacy, plane_map={"SAT": PLANES["SAT"]})


def test_mask_to_legacy_planes_outside_plane_map_keep_their_names(stack: None) -> None:
    mask = make_mask()
    legacy = mask.to_legacy(plane_map={"SAT": PLANES["SAT"]})
    npt.assert_array_equal(legacy.array & legacy.getPlaneBitMask("MY_PLANE") != 0, mask.get("MY_PLANE"))
    npt.assert_array_equal(legacy.array & legacy.getPlaneBitMask("SAT") != 0, mask.get("SATURATED"))


def test_mask_to_legacy_too_many_planes_raises_error(stack: None) -> None:
    schema = MaskSchema([MaskPlane(f"P{n}", "") for n in range(30)])
    with pytest.raises(LegacyConversionError, match="32 planes"):
        Mask(0, schema=schema, bbox=BOX).to_legacy()


def test_masked_images_round_trip(stack: None) -> None:
    image = Image(RNG.normal(size=(20, 40)).astype("f4"), bbox=BOX, unit=u.nJy)
    variance = Image(np.ones((20, 40), dtype="f4"), bbox=BOX, unit=u.nJy**2)
    masked_image = MaskedImage(image, mask=make_mask(), variance=variance)
    legacy = masked_image.to_legacy(plane_map=PLANES)
    assert np.shares_memory(legacy.variance.array, variance.array)
    back = MaskedImage.from_legacy(legacy, unit=u.nJy, plane_map=PLANES)
    assert (back.image, back.mask, back.variance) == (masked_image.image, masked_image.mask, variance)
    wide = MaskedImage(image, mask=make_mask(), variance=variance.copy().view())
    assert wide.to_legacy(copy=True, plane_map=PLANES).variance.array.dtype == np.float32


# Coordinates.


def test_projections_round_trip_with_frames_and_approximation(stack: None, visit_image: VisitImage) -> None:
    projection = visit_image.projection
    assert projection is not None
    projection = projection.with_fits_approximation(projection.fit_fits_approximation(visit_image.bbox))
    frame = projection.pixel_frame
    back: Projection[Any] = Projection.from_legacy(projection.to_legacy(), frame)
    assert back.fits_approximation is not None
    x, y = np.array([10.0, 300.0]), np.array([20.0, 200.0])
    for ours, theirs in ((projection, back), (projection.fits_approximation, back.fits_approximation)):
        assert ours is not None
        found, expected = theirs.pixel_to_sky(x=x, y=y), ours.pixel_to_sky(x=x, y=y)
        assert found.separation(expected).arcsec.max() < 1e-9
    legacy = projection.to_legacy()
    point, sky = legacy.pixelToSky(10.0, 20.0), projection.pixel_to_sky(x=10.0, y=20.0)
    assert point[0].asDegrees() % 360 == pytest.approx(sky.ra.deg)


def test_transforms_round_trip(stack: None) -> None:
    transform = Transform.affine(PIXELS, PIXELS, [[1.0, 0.5], [0.0, 2.0]])
    back = Transform.from_legacy(transform.to_legacy(), PIXELS, PIXELS)
    assert back.apply_forward(x=3.0, y=4.0) == transform.apply_forward(x=3.0, y=4.0)


# Fields.


def chebyshev(**options: Any) -> ChebyshevField:
    return ChebyshevField(BOX, [[1.5, 0.2, -0.1], [0.1, 0.05, 0.0]], **options)


def test_fields_round_trip(stack: None) -> None:
    field = chebyshev()
    assert field_from_legacy(field.to_legacy()) == field
    assert ChebyshevField.from_legacy(field.to_legacy(), unit=u.nJy) == chebyshev(unit=u.nJy)
    product = ProductField([field, ChebyshevField(BOX, [[2.0, 1.0]])])
    assert field_from_legacy(product.to_legacy()) == product
    assert not np.shares_memory(field.to_legacy()._coefficients, field.coefficients)
    with pytest.raises(ValueError, match="must be that of the Chebyshev field"):
        ChebyshevField.from_legacy(field.to_legacy(), bounds=Box.factory[0:5, 0:5])
    with pytest.raises(TypeError, match="is converted to a ChebyshevField"):
        ProductField.from_legacy(field.to_legacy())
    with pytest.raises(NotImplementedError):
        SumField([field]).to_legacy()


def test_functions_round_trip_with_equal_values(stack: None) -> None:
    field = ChebyshevField(BOX, [[1.5, 0.2, -0.1], [0.1, 0.05, 0.0], [0.3, 0.0, 0.0]])
    legacy = field.to_legacy_function2()
    assert legacy.getParameters() == [1.5, 0.2, 0.1, -0.1, 0.05, 0.3]
    assert ChebyshevField.from_legacy_function2(legacy) == field


@pytest.mark.parametrize("varies", [False, True])
def test_calibrations_round_trip(stack: None, varies: bool) -> None:
    unit = u.nJy / u.electron
    field = chebyshev(unit=unit) if varies else ChebyshevField(BOX, [[0.7]], unit=unit)
    legacy = field.to_legacy_photo_calib(u.electron)
    assert legacy._isConstant is not varies
    back = field_from_legacy_photo_calib(legacy, BOX)
    assert back is not None and back.unit == unit
    npt.assert_allclose(back(x=[5.0, 40.0], y=[12.0, 29.0]), field(x=[5.0, 40.0], y=[12.0, 29.0]), rtol=1e-14)
    assert field_from_legacy_photo_calib(BaseField.make_legacy_photo_calib(u.nJy), BOX) is None
    assert BaseField.make_legacy_photo_calib(u.Jy).getCalibrationMean() == pytest.approx(1e9)
    with pytest.raises(ValueError, match="cannot be converted to nJy without a photometric scaling"):
        BaseField.make_legacy_photo_calib(u.adu)


def test_aperture_corrections_round_trip(stack: None) -> None:
    corrections: dict[str, BaseField] = {"b": chebyshev(), "a": ChebyshevField(BOX, [[2.0]])}
    assert aperture_corrections_from_legacy(aperture_corrections_to_legacy(corrections)) == corrections


def make_background(style: int, approximation: int) -> Any:
    grid = Image(RNG.normal(size=(4, 5)).astype("f4")).to_legacy()
    mask = afw.Mask(grid.getBBox())
    variance = Image(np.ones((4, 5), dtype="f4")).to_legacy()
    stats = afw.MaskedImage(grid, mask, variance, dtype=np.dtype("f4"))
    return (afw.BackgroundMI(BOX.to_legacy(), stats), style, 0, approximation, 2, 2, False)


def test_background_from_legacy_converts_by_style(stack: None) -> None:
    spline, smooth = make_background(5, -1), make_background(2, 0)
    # The order is background, interpolation, undersampling, approximation.
    field = field_from_legacy_background(afw.BackgroundList([spline, smooth]), unit=u.nJy)
    assert isinstance(field, SumField)
    assert [type(operand) for operand in field.operands] == [SplineField, ChebyshevField]
    first = field.operands[0]
    assert isinstance(first, SplineField) and first.unit == u.nJy and first.bounds == BOX
    npt.assert_array_equal(first.data, spline[0].getStatsImage().image.array)
    npt.assert_allclose(first.x, [8.5, 16.5, 24.5, 32.5, 40.5])
    assert first.convention == "afw"
    with pytest.raises(TypeError, match="cannot be converted to a field"):
        field_from_legacy_background(make_background(2, -1))


# Kernels and PSFs.


def test_kernels_round_trip(stack: None) -> None:
    kernel = ImageBasisConvolutionKernel(
        RNG.normal(size=(2, 5, 7)),
        [chebyshev_triangle(), ChebyshevField(BOX, [[0.5]])],
        center_y=1,
        center_x=4,
    )
    back = ImageBasisConvolutionKernel.from_legacy(kernel.to_legacy())
    assert back.center == kernel.center
    npt.assert_array_equal(back.basis, kernel.basis)
    npt.assert_allclose(
        back.compute_kernel_images(x=9.0, y=20.0), kernel.compute_kernel_images(x=9.0, y=20.0)
    )


def chebyshev_triangle() -> ChebyshevField:
    return ChebyshevField(BOX, [[1.0, 0.2], [0.1, 0.0]])


def test_psf_to_legacy_kernel_psf_is_converted(stack: None) -> None:
    gaussian: Any = GaussianPointSpreadFunction(2.0, BOX, 21).to_legacy()
    assert type(gaussian) is afw.GaussianPsf
    image = GaussianPointSpreadFunction(2.0, BOX, 21).compute_kernel_image(x=10, y=20)
    fixed: Any = KernelPointSpreadFunction.fixed(image, BOX).to_legacy()
    assert type(fixed) is afw.KernelPsf and type(fixed.getKernel()) is afw.FixedKernel
    basis = np.stack([image.array, image.array.T])
    varying: Any = KernelPointSpreadFunction(basis, [chebyshev_triangle()] * 2, BOX).to_legacy()
    assert type(varying.getKernel()) is afw.LinearCombinationKernel


def test_psf_from_legacy_other_class_is_evaluated_by_afw(stack: None) -> None:
    legacy = afw.GaussianPsf(21, 21, 2.0)
    psf = PointSpreadFunction.from_legacy(legacy, BOX)
    ours = GaussianPointSpreadFunction(2.0, BOX, 21)
    for method in ("compute_kernel_image", "compute_stellar_image"):
        found, expected = (getattr(p, method)(x=10.3, y=20.6) for p in (psf, ours))
        assert found.bbox == expected.bbox
        npt.assert_allclose(found.array, expected.array, atol=1e-15)
    assert psf.to_legacy() is legacy and psf.kernel_bbox == ours.kernel_bbox
    with pytest.raises(LegacyConversionError, match="Expected a PSF"):
        PointSpreadFunction.from_legacy(object(), BOX)


def test_psf_from_legacy_is_read_from_its_persisted_record(stack: None, shared_data: Path) -> None:
    class PsfexPsf(afw.GaussianPsf):
        def writeFits(self, path: str) -> None:
            data = (shared_data / "legacy/psf/psfKernel0.fits").read_bytes()
            Path(path).write_bytes(data)

    psf = PointSpreadFunction.from_legacy(PsfexPsf(21, 21, 2.0), BOX)
    assert isinstance(psf, KernelPointSpreadFunction)


def test_piff_psfs_round_trip(stack: None) -> None:
    pytest.importorskip("piff")

    class Impl:
        interp_property_names = ("x", "y")
        stars: tuple[Any, ...] = ()

    impl = Impl()
    psf: Any = PointSpreadFunction.from_legacy(afw.PiffPsf(25, 25, impl), BOX)
    assert psf.piff_psf is impl and psf.stamp_size == 25
    assert psf.to_legacy()._piffResult is impl


def test_cell_psfs_and_corrections_round_trip(stack: None) -> None:
    grid = CellGrid(Box.factory[0:20, 0:30], YX(y=10, x=10))
    bounds = CellGridBounds(grid, grid.bbox, frozenset({CellIJ(1, 0)}))
    array = RNG.random((2, 3, 5, 5))
    array[1, 0] = np.nan
    psf = CellPointSpreadFunction(array, bounds)
    assert CellPointSpreadFunction.from_legacy(psf.to_legacy()) == psf
    field = CellField(bounds, RNG.random((2, 3)))
    assert CellField.from_legacy_aperture_correction(field.to_legacy_aperture_correction(), bounds) == field


# Cameras.


@pytest.mark.parametrize("kind", [*DetectorType, *ReadoutCorner])
def test_enumerations_round_trip(stack: None, kind: Any) -> None:
    assert type(kind).from_legacy(kind.to_legacy()) is kind


def test_detectors_round_trip(stack: None, visit_image: VisitImage) -> None:
    detector = visit_image.detector
    assert detector is not None
    legacy = detector.to_legacy()
    back = Detector.from_legacy(legacy, instrument=detector.instrument, visit=detector.visit)
    for name in ("name", "id", "serial", "bbox", "pixel_size", "physical_type", "type"):
        assert getattr(back, name) == getattr(detector, name), name
    assert back.amplifiers == detector.amplifiers
    assert back.frame == detector.frame
    x, y = np.array([3.0, 400.0]), np.array([50.0, 300.0])
    # The fake detector ignores pitch and roll, which are small.
    npt.assert_allclose(
        back.to_focal_plane.apply_forward(x=x, y=y),
        detector.to_focal_plane.apply_forward(x=x, y=y),
        atol=1e-4,
    )
    camera = afw_camera.Camera({detector.name: legacy})
    camera.name, camera.transforms = detector.instrument, legacy.getTransformMap()
    frames = CameraFrameSet.from_legacy(camera)
    assert (frames.instrument, frames.detector_ids) == (detector.instrument, (detector.id,))
    assert frames.detector(detector.id).bbox == detector.bbox


# Exposures.


def simple(image: VisitImage) -> VisitImage:
    """Return the statistics that the fake class has."""
    parts = image._component_values()
    stats = ObservationSummaryStats(psfSigma=1.5, nPsfStar=12, raCorners=(1.0, 2.0, 3.0, 4.0))
    parts["summary_stats"] = stats
    result = image._assemble(
        image.image, image.mask, image.variance, metadata=image.metadata, components=parts
    )
    result._attachments = image._attachments
    return result


def test_exposure_round_trips(stack: None, visit_image: VisitImage) -> None:
    image = simple(visit_image)
    image.metadata["tool"] = "mine"
    legacy = image.to_legacy()
    assert legacy.info.getId() == image.metadata["id"] and legacy.metadata["BUNIT"] == "adu"
    back = VisitImage.from_legacy(legacy)
    assert np.shares_memory(back.image.array, image.image.array)
    assert back.mask == image.mask and back.unit == image.unit
    assert (back.band, back.physical_filter) == (image.band, image.physical_filter)
    assert back.metadata.native == image.metadata.native and back.bounds == image.bounds
    assert back.aperture_corrections == image.aperture_corrections
    assert back.summary_stats == image.summary_stats
    assert back.projection is not None and image.projection is not None
    assert back.projection.pixel_frame == image.projection.pixel_frame
    assert isinstance(back.projection.pixel_frame, DetectorFrame)
    found, expected = (
        p.pixel_to_sky(x=[5.0, 500.0], y=[9.0, 300.0]) for p in (back.projection, image.projection)
    )
    assert found.separation(expected).arcsec.max() < 1e-9
    assert back.photometric_scaling is not None and image.photometric_scaling is not None
    assert back.photometric_scaling(x=7, y=8) == pytest.approx(image.photometric_scaling(x=7, y=8))
    for name in ("exposure_time", "object", "exposure_id", "instrument", "boresight_airmass", "detector_num"):
        assert getattr(back.obs_info, name) == getattr(image.obs_info, name), name
    assert abs((back.obs_info.datetime_begin - image.obs_info.datetime_begin).sec) < 1e-6


def test_exposure_without_components_round_trips(stack: None) -> None:
    array = np.zeros((20, 40), dtype="f4")
    planes = MaskedImage(Image(array, bbox=BOX), mask=make_mask()).to_legacy(plane_map=PLANES)
    image = VisitImage.from_legacy(afw.Exposure(planes, dtype=np.dtype("f4")))
    assert (image.projection, image.psf, image.detector, image.obs_info, image.unit, image.band) == (
        None,
    ) * 6
    assert image.bounds == BOX and "MINE" in image.mask.schema


def test_exposure_from_legacy_contradicting_arguments_raise_error(
    stack: None, visit_image: VisitImage
) -> None:
    legacy = simple(visit_image).to_legacy()
    with pytest.raises(ValueError, match="BUNIT value .* disagrees with given unit"):
        VisitImage.from_legacy(legacy, unit=u.nJy)
    with pytest.raises(ValueError, match="does not match"):
        VisitImage.from_legacy(legacy, visit=3)


def test_summary_stats_to_legacy_unsupported_statistic_raises_error_if_set(stack: None) -> None:
    assert ObservationSummaryStats(psfSigma=2.0).to_legacy().psfSigma == 2.0
    with pytest.raises(ValueError, match="not supported by this version"):
        ObservationSummaryStats(psfArea=2.0).to_legacy()


def test_visit_image_metadata_round_trips_through_property_list(stack: None, visit_image: VisitImage) -> None:
    legacy = visit_image.to_legacy()
    legacy.metadata.set("ARRAY", [1, 2, 3], "three values")
    legacy.metadata.set("EMPTY", None, "undefined")
    legacy.metadata.set("NOTNUM", float("nan"))
    with pytest.warns(LossyConversionWarning, match=r"\['NOTNUM'\]"):
        image = VisitImage.from_legacy(legacy)
    again = image.to_legacy().metadata
    assert again["ARRAY"] == [1, 2, 3] and again.getComment("ARRAY") == "three values"
    assert again["EMPTY"] is None and again.getComment("EMPTY") == "undefined"


def test_visit_image_own_metadata_of_any_type_is_converted(stack: None, visit_image: VisitImage) -> None:
    visit_image.metadata.clear()
    visit_image.metadata.update(
        flag=np.True_, number=np.int64(3), real=np.float32(0.5), size=3 * u.m, deep={"a": [1, [2]]}
    )
    with pytest.warns(LossyConversionWarning, match="'size', of type Quantity"):
        found = visit_image.to_legacy().metadata
    values = {found[f"LSST IMAGES KEY {n}"]: found[f"LSST IMAGES VALUE {n}"] for n in range(1, 6)}
    assert values == {
        "flag": True,
        "number": 3,
        "real": 0.5,
        "size": '{"value": 3.0, "unit": "m"}',
        "deep": '{"a": [1, [2]]}',
    }


@pytest.mark.parametrize(
    "text, unit", [("ADU", u.adu), ("counts", u.count), ("electrons", u.electron), ("e-", u.electron)]
)
def test_visit_image_from_legacy_reads_old_spellings_of_units(
    stack: None, visit_image: VisitImage, text: str, unit: u.UnitBase
) -> None:
    legacy = visit_image.to_legacy()
    legacy.metadata["BUNIT"] = text
    legacy.metadata.pop("LSST ISR UNITS", None)
    image = VisitImage.from_legacy(legacy)
    assert image.unit == unit and image.variance.unit == unit**2


def test_image_to_legacy_one_column_in_fortran_order_is_copied(stack: None) -> None:
    column = np.asfortranarray(np.arange(12.0).reshape(4, 3))[:, 1:2]
    legacy = Image(column).to_legacy()
    npt.assert_array_equal(legacy.array, column)
