# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion to and from NDData and CCDData."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.nddata import (
    CCDData,
    FlagCollection,
    InverseVariance,
    NDDataRef,
    StdDevUncertainty,
    UnknownUncertainty,
    VarianceUncertainty,
)
from astropy.table import Table
from helpers.exposures import make_cell_coadd, make_projection, make_visit_image
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from lsst.images import (
    Box,
    GeneralFrame,
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    Projection,
    VisitImage,
)
from lsst.images.errors import GeometryError, LossyConversionWarning
from lsst.images.interop import BAD_PLANES, META_KEY, from_ccddata, to_ccddata, to_nddata

BOX = Box.factory[10:16, 20:29]
FRAME = GeneralFrame(unit=u.pix)
NAMES = ("BAD", "DETECTED", "SATURATED", "HUNGRY", "NO_DATA", *(f"MORE{n}" for n in range(70)))
EVERYTHING = [make_visit_image, make_cell_coadd]


@st.composite
def masked_images(draw: Any) -> MaskedImage:
    """Generate masked images with various units, mask types, numbers of planes and origins."""
    planes = [MaskPlane(name, f"About {name}.") for name in NAMES[: draw(st.integers(0, len(NAMES)))]]
    planes[1:1] = [None] * draw(st.integers(0, 2))
    schema = MaskSchema(planes, draw(st.sampled_from([np.uint8, np.int16, np.uint32, np.int64])))
    bbox = Box.from_shape((6, 9), start=draw(st.tuples(*[st.integers(-5000, 5000)] * 2)))
    mask = Mask(0, schema=schema, bbox=bbox)
    for name in schema.names:
        mask.set(name, draw(hnp.arrays(bool, (6, 9), fill=st.just(False))))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    unit = draw(st.sampled_from([None, u.dimensionless_unscaled, u.nJy, u.electron / u.s]))
    return MaskedImage(
        Image(rng.normal(size=(6, 9)).astype(draw(st.sampled_from(["f4", "f8"]))), bbox=bbox, unit=unit),
        mask=mask,
        variance=Image(rng.random((6, 9), np.float32), bbox=bbox),
        projection=draw(st.sampled_from([None, make_projection(FRAME)])),
        metadata=draw(st.dictionaries(st.text(min_size=1), st.integers() | st.text() | st.none())),
    )


def make(**changes: Any) -> MaskedImage:
    rng = np.random.default_rng(4)
    mask = Mask(0, schema=MaskSchema([MaskPlane(name, f"{name}!") for name in NAMES[:5]]), bbox=BOX)
    for name in mask.schema.names:
        mask.set(name, rng.random(BOX.shape) < 0.3)
    arguments = {"projection": make_projection(FRAME), "metadata": {"a": 1, "b": [2, {"c": None}]}}
    return MaskedImage(
        Image(rng.normal(size=BOX.shape), bbox=BOX, unit=u.nJy),
        mask=mask,
        variance=Image(rng.random(BOX.shape), bbox=BOX),
        **{**arguments, **changes},
    )


def make_bent_projection() -> Projection[Any]:
    """Create a projection without an exact FITS WCS."""
    ast = pytest.importorskip("starlink.Ast")
    bend = ast.MathMap(2, 2, ["u = x + 2*sin(y/9)", "v = y"], ["x = u - 2*sin(v/9)", "y = v"])
    scale = ast.ZoomMap(2, 1e-6)
    frames = ast.FrameSet(ast.Frame(2, "Domain=PIXELS"))
    frames.addframe(1, ast.CmpMap(bend, scale, True), ast.SkyFrame("System=ICRS"))
    return Projection.from_ast_frame_set(frames, FRAME)


def assert_same(a: Any, b: Any) -> None:
    assert type(a) is type(b) and a.bbox == b.bbox and a.metadata == b.metadata
    assert a.projection == b.projection and a.obs_info == b.obs_info
    assert a.image == b.image and a.image.array.dtype == b.image.array.dtype and a.unit == b.unit
    assert a.variance == b.variance and a.variance.array.dtype == b.variance.array.dtype
    assert a.mask == b.mask


@pytest.mark.parametrize("convert", [to_nddata, to_ccddata])
@given(masked=masked_images())
def test_ccddata_round_trip_masked_image_is_equal(convert: Any, masked: MaskedImage) -> None:
    assert_same(from_ccddata(convert(masked)), masked)


@pytest.mark.parametrize("make_copy", [copy.deepcopy, lambda obj: pickle.loads(pickle.dumps(obj))])
@pytest.mark.parametrize("make_one", EVERYTHING)
def test_ccddata_round_trip_keeps_components(make_one: Any, make_copy: Any) -> None:
    whole = make_one()
    back = from_ccddata(make_copy(whole.to_ccddata()))
    assert_same(back, whole)
    assert back.psf == whole.psf and back.band == whole.band
    assert back.aperture_corrections == whole.aperture_corrections
    assert back.backgrounds == whole.backgrounds


@given(
    masked=masked_images(),
    rows=st.tuples(*[st.integers(0, 5)] * 2),
    columns=st.tuples(*[st.integers(0, 8)] * 2),
)
def test_from_ccddata_slice_with_wcs_has_bbox_of_slice(masked: MaskedImage, rows: Any, columns: Any) -> None:
    masked = MaskedImage(
        masked.image, mask=masked.mask, variance=masked.variance, projection=make_projection(FRAME)
    )
    y, x = sorted(rows), sorted(columns)
    item = slice(y[0], y[1] + 1), slice(x[0], x[1] + 1)
    for data in (masked.to_ccddata(), masked.to_nddata()):
        assert_same(from_ccddata(data[item]), masked.local[item])


@pytest.mark.parametrize("make_one", EVERYTHING)
def test_from_ccddata_slice_keeps_attachments(make_one: Any) -> None:
    whole = make_one()
    back = type(whole).from_ccddata(whole.to_ccddata()[2:9, 3:20])
    part = whole.local[2:9, 3:20]
    assert_same(back, part)
    assert back.psf == part.psf and type(back) is type(whole)


def test_from_ccddata_slice_without_wcs_requires_start() -> None:
    masked = make(projection=None)
    piece = masked.to_ccddata()[1:4, 2:5]
    with pytest.raises(GeometryError, match="give start="):
        MaskedImage.from_ccddata(piece)
    assert_same(MaskedImage.from_ccddata(piece, start=(11, 22)), masked.local[1:4, 2:5])
    with pytest.raises(GeometryError, match="not contained in"):
        MaskedImage.from_ccddata(piece, start=(14, 22))
    with pytest.raises(GeometryError, match="give start="):
        MaskedImage.from_ccddata(make().to_ccddata()[::2, ::2])


# Masks.


def test_to_ccddata_boolean_mask_combines_bad_planes() -> None:
    masked = make()
    data = masked.to_ccddata()
    expected = masked.mask.get("BAD") | masked.mask.get("SATURATED") | masked.mask.get("NO_DATA")
    assert np.array_equal(data.mask, expected) and data.mask.dtype == bool
    assert data.meta[META_KEY].mask_planes == ("BAD", "SATURATED", "NO_DATA")
    assert data.meta[META_KEY].source.mask == masked.mask
    assert not set(data.meta[META_KEY].mask_planes) - set(BAD_PLANES)


@given(names=st.sets(st.sampled_from(NAMES[:5])))
def test_to_ccddata_mask_planes_selects_planes(names: set[str]) -> None:
    masked = make()
    expected = np.zeros(BOX.shape, dtype=bool)
    for name in names:
        expected |= masked.mask.get(name)
    assert np.array_equal(masked.to_nddata(mask_planes=names).mask, expected)
    assert np.array_equal(make().to_ccddata(mask_planes="HUNGRY").mask, masked.mask.get("HUNGRY"))
    with pytest.raises(KeyError, match="FULL"):
        masked.to_ccddata(mask_planes=[*names, "FULL"])


@given(boolean=hnp.arrays(bool, BOX.shape))
def test_from_ccddata_changed_boolean_mask_updates_planes(boolean: Any) -> None:
    masked = make()
    data = masked.to_ccddata(mask_planes=["BAD", "HUNGRY"])
    explained = data.mask.copy()
    data.mask = boolean
    back = MaskedImage.from_ccddata(data)
    for name in ("DETECTED", "SATURATED", "NO_DATA"):
        assert np.array_equal(back.mask.get(name), masked.mask.get(name))
    for name in ("BAD", "HUNGRY"):
        assert np.array_equal(back.mask.get(name), masked.mask.get(name) & boolean)
    added = boolean & ~explained
    assert ("MASKED" in back.mask.schema) == added.any()
    if added.any():
        assert np.array_equal(back.mask.get("MASKED"), added)
    assert np.array_equal(back.to_ccddata(mask_planes=["BAD", "HUNGRY"]).mask, boolean & explained)


def test_from_ccddata_without_boolean_mask_keeps_planes() -> None:
    data = make().to_ccddata()
    data.mask = None
    assert MaskedImage.from_ccddata(data).mask == make().mask


def test_from_ccddata_mask_is_a_copy() -> None:
    masked = make()
    MaskedImage.from_ccddata(masked.to_ccddata()).mask.clear()
    assert masked.mask == make().mask


# Values.


def test_to_ccddata_shares_pixels_and_variance() -> None:
    masked = make()
    data = masked.to_ccddata()
    assert np.shares_memory(data.data, masked.image.array)
    assert isinstance(data.uncertainty, VarianceUncertainty) and data.uncertainty.unit == u.nJy**2
    assert np.shares_memory(data.uncertainty.array, masked.variance.array)


def test_from_ccddata_uses_values_and_unit_of_data() -> None:
    data = make().to_ccddata().multiply(2.0 * u.s)
    data.meta = make().to_ccddata().meta
    back = MaskedImage.from_ccddata(data)
    assert back.unit == u.nJy * u.s and back.variance.unit == (u.nJy * u.s) ** 2
    assert np.allclose(back.image.array, 2.0 * make().image.array)
    assert np.allclose(back.variance.array, 4.0 * make().variance.array)
    assert back.mask == make().mask


def test_ccddata_round_trip_without_unit_has_no_unit() -> None:
    image = Image(np.arange(6.0).reshape(2, 3), start=(4, 5), metadata={"k": "v"})
    data = image.to_ccddata()
    assert data.unit == u.dimensionless_unscaled and data.mask is None and data.uncertainty is None
    back = Image.from_ccddata(data)
    assert back == image and back.unit is None and back.metadata == image.metadata
    assert type(from_ccddata(image.to_nddata())) is Image
    assert image.to_nddata().unit is None


@pytest.mark.parametrize(
    ("kind", "variance"), [(StdDevUncertainty, 9.0), (VarianceUncertainty, 3.0), (InverseVariance, 1.0 / 3.0)]
)
def test_from_ccddata_uncertainty_types_are_converted_to_variance(kind: Any, variance: float) -> None:
    data = CCDData(np.ones((2, 3)), unit="nJy", uncertainty=kind(np.full((2, 3), 3.0)))
    found = MaskedImage.from_ccddata(data).variance
    assert np.allclose(found.array, variance) and found.unit == u.nJy**2


def test_from_ccddata_uncertainty_unit_is_converted() -> None:
    uncertainty = VarianceUncertainty(np.ones((2, 3)), unit=u.uJy**2)
    found = MaskedImage.from_ccddata(CCDData(np.ones((2, 3)), unit="nJy", uncertainty=uncertainty)).variance
    assert np.allclose(found.array, 1e6) and found.unit == u.nJy**2


def test_from_ccddata_unknown_uncertainty_raises() -> None:
    data = NDDataRef(np.ones((2, 3)), uncertainty=UnknownUncertainty(np.ones((2, 3))))
    with pytest.raises(TypeError):
        MaskedImage.from_ccddata(data)


def test_to_ccddata_psf_is_kernel_at_center() -> None:
    visit = make_visit_image()
    box = visit.bbox
    kernel = visit.psf.compute_kernel_image(x=(box.x.min + box.x.max) / 2, y=(box.y.min + box.y.max) / 2)
    assert np.array_equal(visit.to_ccddata(psf=True).psf, kernel.array)
    assert visit.to_ccddata().psf is None
    with pytest.raises(TypeError, match="requires a PSF"):
        make().to_ccddata(psf=True)


# WCS.


def separations(image: MaskedImage, wcs: Any) -> Any:
    """Return the largest deviation of a WCS from the projection, in arcsec."""
    y, x = np.mgrid[0 : image.bbox.y.size, 0 : image.bbox.x.size]
    expected = image.projection.pixel_to_sky(x=x + image.bbox.x.start, y=y + image.bbox.y.start)
    return wcs.pixel_to_world(x, y).separation(expected).arcsec


@pytest.mark.parametrize("convert", [to_nddata, to_ccddata])
def test_to_ccddata_exact_fits_wcs_is_used(convert: Any) -> None:
    assert separations(make(), convert(make()).wcs).max() < 1e-9


def test_to_ccddata_projection_without_fits_wcs_is_approximated() -> None:
    masked = make(projection=make_bent_projection())
    assert masked.fits_wcs is None
    assert separations(masked, masked.to_nddata().wcs).max() < 1e-9
    data = masked.to_ccddata()
    assert 0.0 < separations(masked, data.wcs).max() < 0.01
    assert_same(from_ccddata(data[2:, 3:]), masked.local[2:, 3:])


def test_from_ccddata_replaced_wcs_becomes_projection() -> None:
    data = make().to_ccddata()
    data.wcs.wcs.crval = [46.0, 31.0]
    back = MaskedImage.from_ccddata(data)
    assert separations(back, data.wcs).max() < 1e-9 and back.bbox == BOX
    data.wcs = None
    assert MaskedImage.from_ccddata(data).projection is None


# Data of other packages.


def test_from_ccddata_other_data_keeps_mask_flags_and_metadata() -> None:
    flags = FlagCollection(shape=(2, 3))
    flags["hot"] = np.array([[True, False, False], [False, False, True]])
    boolean = np.array([[False, True, False], [False, False, True]])
    data = CCDData(np.ones((2, 3)), unit="adu", mask=boolean, flags=flags, meta={"AIRMASS": 1.5})
    back = MaskedImage.from_ccddata(data)
    assert list(back.mask.schema.names) == ["MASKED", "hot"]
    assert np.array_equal(back.mask.get("MASKED"), boolean)
    assert np.array_equal(back.mask.get("hot"), flags["hot"])
    assert back.metadata == {"AIRMASS": 1.5} and back.bbox == Box.from_shape((2, 3))
    assert np.array_equal(back.to_ccddata().mask, boolean)


def test_from_ccddata_flag_named_masked_is_combined_with_mask() -> None:
    boolean = np.ones((3, 4), dtype=bool)
    boolean[1, 2] = boolean[0, 0] = False
    flags = FlagCollection(shape=(3, 4))
    flags["MASKED"] = np.zeros((3, 4), dtype=bool)
    flags["MASKED"][1, 2] = True
    flags["hot"] = boolean
    back = MaskedImage.from_ccddata(CCDData(np.zeros((3, 4)), unit="adu", mask=boolean, flags=flags))
    assert list(back.mask.schema.names) == ["MASKED", "hot"]
    assert np.array_equal(back.mask.get("MASKED"), boolean | flags["MASKED"])
    assert np.array_equal(back.mask.get("hot"), boolean)
    alone = MaskedImage.from_ccddata(CCDData(np.zeros((3, 4)), unit="adu", flags=flags))
    assert np.array_equal(alone.mask.get("MASKED"), flags["MASKED"])


@given(hnp.scalar_dtypes().flatmap(lambda dtype: hnp.arrays(dtype, ())))
def test_from_ccddata_numpy_scalar_becomes_python_value(array: np.ndarray) -> None:
    value = array[()]
    meta = {"scalar": value, "list": [value], "dict": {"key": value}, "array": np.array([value, value])}
    got = Image.from_ccddata(CCDData(np.zeros((2, 3)), unit="adu", meta=meta)).metadata
    kinds = {"b": bool, "i": int, "u": int, "f": float}
    kind = kinds.get(array.dtype.kind, str)
    with np.errstate(over="ignore"):
        wanted = kind(value)
    for found in (got["scalar"], got["list"][0], got["dict"]["key"]):
        assert type(found) is kind
        assert found == wanted or (found != found and wanted != wanted)
    assert [type(item) for item in got["array"]] == [kind, kind] or array.dtype.kind in "cSmM"


def test_from_ccddata_other_data_start_sets_origin() -> None:
    data = CCDData(np.ones((2, 3)), unit="adu", meta={"LTV1": -7.0, "LTV2": -5.0})
    assert type(from_ccddata(data)) is Image
    assert from_ccddata(data).bbox == Box.from_shape((2, 3), start=(5, 7))
    assert Image.from_ccddata(data, start=(1, 2)).bbox == Box.from_shape((2, 3), start=(1, 2))


def test_from_ccddata_lossy_conversion_warns() -> None:
    data = CCDData(np.ones((2, 3)), unit="adu", flags=np.ones((2, 3), dtype=int))
    with pytest.warns(LossyConversionWarning, match="not a FlagCollection"):
        MaskedImage.from_ccddata(data)
    with pytest.warns(LossyConversionWarning, match="mask is discarded"):
        Image.from_ccddata(make().to_ccddata())
    with pytest.raises(TypeError, match="not made from a VisitImage"):
        VisitImage.from_ccddata(CCDData(np.ones((2, 3)), unit="adu"))
    with pytest.raises(GeometryError, match="two-dimensional"):
        from_ccddata(NDDataRef(np.ones(3)))
    with pytest.raises(TypeError, match="got a Mask"):
        to_ccddata(make().mask)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=META_KEY):
        make(metadata={META_KEY: 1}).to_ccddata()


def test_to_ccddata_result_is_writable_to_fits(tmp_path: Any) -> None:
    masked = make(metadata={"AIRMASS": 1.5})
    masked.to_ccddata().write(tmp_path / "plain.fits")
    data = CCDData.read(tmp_path / "plain.fits", format="fits")
    assert np.array_equal(data.data, masked.image.array)
    assert np.array_equal(data.mask, masked.to_ccddata().mask)
    assert np.array_equal(data.uncertainty.array, masked.variance.array)
    assert separations(masked, data.wcs).max() < 1e-9
    assert data.meta[META_KEY] == str(masked.to_ccddata().meta[META_KEY])
    assert MaskedImage.from_ccddata(data, start=BOX.start).image == masked.image


@pytest.mark.parametrize("make_one", EVERYTHING)
def test_photutils_image_psf_accepts_kernel_image(make_one: Any) -> None:
    pytest.importorskip("photutils")
    image = make_one()
    box = image.bbox if isinstance(image, VisitImage) else image.psf.bounds.bbox
    if not isinstance(image, VisitImage):
        box = Box.factory[box.y.stop - 8 : box.y.stop - 2, box.x.start + 2 : box.x.start + 8]
    model = image.psf.to_gridded(2, bbox=box)
    kernel = image.psf.compute_kernel_image(x=box.x.min, y=box.y.min).array
    assert np.allclose(model.data[0], kernel)


def test_photutils_photometry_with_kernel_image_finds_star() -> None:
    psf_module = pytest.importorskip("photutils.psf")
    visit = make_visit_image()
    model = visit.psf.to_gridded(3, bbox=visit.bbox)
    origin = (visit.bbox.x.start, visit.bbox.y.start)
    meta = {"grid_xypos": model.grid_xypos - origin, "oversampling": 1}
    model = psf_module.GriddedPSFModel(NDDataRef(model.data, meta=meta))
    sky = Image(np.zeros(visit.bbox.shape), bbox=visit.bbox)
    star = visit.psf.compute_stellar_image(x=41.3, y=24.6)
    seen = star.bbox.intersection(visit.bbox)
    sky[seen].array += 1000.0 * star[seen].array
    photometry = psf_module.PSFPhotometry(model, fit_shape=(11, 11), aperture_radius=5)
    found = photometry(sky.array, init_params=Table({"x": [21.0], "y": [15.0]}))
    assert found["x_fit"][0] == pytest.approx(41.3 - origin[0], abs=0.01)
    assert found["y_fit"][0] == pytest.approx(24.6 - origin[1], abs=0.01)
    assert found["flux_fit"][0] == pytest.approx(1000.0, rel=0.01)
