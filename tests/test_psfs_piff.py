# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of Piff PSFs: files, serialization, and behaviour without Piff."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.images import XY, Box
from lsst.images.errors import (
    ArchiveReadError,
    LegacyConversionError,
    MissingOptionalDependencyError,
    UnserializableTypeError,
)
from lsst.images.fits import FitsInputArchive
from lsst.images.io import open_archive, read, write
from lsst.images.models import PiffSerializationModel
from lsst.images.psfs import PiffStar, PiffWrapper
from lsst.images.psfs._piff_record import PiffRecord  # private: the parsed pickle of a PSF
from lsst.images.serialization import DetachedArchive

piff = pytest.importorskip("piff")
galsim = pytest.importorskip("galsim")

BOX = Box.factory[0:200, 0:300]


class InlineArchive(DetachedArchive):
    """Return the tree of a JSON file."""

    def get_structured_array(self, model: Any) -> Any:
        return model.inline_array()


def make_piff(*, wcs: Any = None, keys: tuple[str, ...] = ("x", "y"), pointing: Any = None) -> Any:
    """Make a PSF whose width grows with x, without fitting stars."""
    psf = piff.SimplePSF(piff.PixelGrid(scale=0.2, size=15), piff.BasisPolynomial(order=1, keys=keys))
    y, x = np.mgrid[-7:8, -7:8]
    terms = [np.exp(-0.5 * (x**2 + y**2) / 2.0**2), 1e-3 * (x**2 + y**2 < 9), 2e-4 * x * y]
    if len(keys) > 2:
        terms += [terms[2]] * (psf.interp._mask.sum() - 3)
    psf.interp.q = np.array([term.ravel() for term in terms], dtype=float).T
    wcs = galsim.PixelScale(0.2) if wcs is None else wcs
    psf.stars = [
        piff.Star.makeTarget(x=12.5, y=30.0, wcs=wcs, pointing=pointing),
        piff.Star.makeTarget(x=100.0, y=31.5, wcs=wcs, pointing=pointing, properties={"is_reserve": True}),
    ]
    psf.set_context({0: wcs}, pointing)
    return psf


def draw(psf: Any, x: float, y: float, box: Box, center: Any) -> np.ndarray:
    """Draw a star with Piff itself."""
    image = galsim.Image(box.x.size, box.y.size, xmin=box.x.min, ymin=box.y.min, dtype=float)
    array = psf.draw(x, y, center=center, image=image).array
    return np.asarray(array / array.sum())


@pytest.mark.parametrize("stamp_size", [21, 20, 1])
def test_piff_images_match_piff(stamp_size: int) -> None:
    impl = make_piff()
    psf = PiffWrapper(impl, BOX, stamp_size)
    assert psf.piff_psf is impl
    first = -(stamp_size // 2)
    assert psf.kernel_bbox == Box.from_shape((stamp_size, stamp_size), start=(first, first))
    kernel = psf.compute_kernel_image(x=77.3, y=31.8)
    np.testing.assert_allclose(kernel.array, draw(impl, 77.3, 31.8, kernel.bbox, (0.0, 0.0)), atol=1e-7)
    star = psf.compute_stellar_image(x=77.3, y=31.8)
    assert star.bbox == psf.compute_stellar_bbox(x=77.3, y=31.8)
    assert star.bbox.start == (32 + first, 77 + first)
    np.testing.assert_allclose(star.array, draw(impl, 77.3, 31.8, star.bbox, None), atol=1e-7)
    assert star.array.sum() == pytest.approx(1.0)


def test_piff_many_positions_match_single_positions() -> None:
    psf = PiffWrapper(make_piff(), BOX, 21)
    stack = psf.compute_kernel_images(x=[3.0, 250.5], y=7.5)
    np.testing.assert_array_equal(stack[1], psf.compute_kernel_image(x=250.5, y=7.5).array)
    assert abs(stack[0] - stack[1]).max() > 1e-5


def test_piff_stars_are_summarized() -> None:
    psf = PiffWrapper(make_piff(), BOX, 21)
    assert psf.stars == (PiffStar(XY(12.5, 30.0)), PiffStar(XY(100.0, 31.5), is_reserve=True))


@pytest.mark.parametrize("extension", ["json", "fits"])
def test_piff_round_trip_preserves_value(extension: str, tmp_path: Path) -> None:
    psf = PiffWrapper(make_piff(), BOX, 21)
    path = tmp_path / f"psf.{extension}"
    write(psf, path)
    back = read(path, PiffWrapper)
    assert back == psf
    assert back.stars == psf.stars
    mine, theirs = (p.compute_stellar_image(x=7.3, y=5.1) for p in (psf, back))
    np.testing.assert_allclose(theirs.array, mine.array, rtol=0, atol=1e-15)
    write(back, tmp_path / f"again.{extension}")
    assert read(tmp_path / f"again.{extension}", PiffWrapper) == psf


def test_piff_read_twice_from_one_archive(tmp_path: Path) -> None:
    path = tmp_path / "psf.fits"
    write(PiffWrapper(make_piff(), BOX, 21), path)
    with open_archive(path, PiffWrapper) as reader:
        images = [reader.read().compute_kernel_image(x=3, y=4).array for _ in range(2)]
    np.testing.assert_array_equal(*images)


@pytest.mark.parametrize("extension", ["json", "fits", "sdf"])
def test_piff_component_piff_is_read_as_record(extension: str, tmp_path: Path) -> None:
    psf = PiffWrapper(make_piff(), BOX, 21)
    write(psf, tmp_path / f"psf.{extension}")
    with open_archive(tmp_path / f"psf.{extension}", PiffWrapper) as reader:
        assert reader.get_component("piff") == psf.record


def test_piff_tree_matches_published_schema(tmp_path: Path, shared_data: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    write(PiffWrapper(make_piff(), BOX, 21), tmp_path / "psf.json")
    document = shared_data.parent / "spec" / "schemas" / "piff_psf" / "piff_psf-1.0.0.json"
    validator = jsonschema.Draft202012Validator(json.loads(document.read_text()))
    validator.validate(json.loads((tmp_path / "psf.json").read_text()))


@pytest.mark.parametrize("duplicate", [copy.copy, copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))])
@pytest.mark.parametrize("from_record", [False, True])
def test_piff_copies_are_equal(duplicate: Any, from_record: bool) -> None:
    psf = PiffWrapper(make_piff(), BOX, 21)
    if from_record:
        psf = PiffWrapper.from_record(psf.record, BOX, 21, stars=psf.stars)
    other = duplicate(psf)
    assert other == psf
    np.testing.assert_array_equal(
        other.compute_kernel_image(x=3, y=4).array, psf.compute_kernel_image(x=3, y=4).array
    )
    assert other != PiffWrapper(make_piff(), BOX, 23)


@pytest.mark.parametrize(
    ("size", "x", "y", "offset"),
    [
        (21, 40.3, 51.8, (0.0, 0.0)),
        # Exactly between two pixels, the box and an odd stamp are rounded in different directions.
        (21, 40.5, 51.8, (1.0, 0.0)),
        (21, 41.5, 50.5, (1.0, 1.0)),
        (20, 40.5, 50.5, (0.0, 0.0)),
        (20, 40.3, 50.5, (0.0, 0.0)),
    ],
)
def test_piff_stellar_image_position_matches_piff(
    size: int, x: float, y: float, offset: tuple[float, float]
) -> None:
    psf = PiffWrapper(make_piff(), BOX, size)
    star = psf.compute_stellar_image(x=x, y=y)
    assert star.bbox == psf.compute_stellar_bbox(x=x, y=y)
    columns, rows = star.bbox.meshgrid()
    kernel = psf.compute_kernel_image(x=x, y=y)
    center = [float((grid * kernel.array).sum()) for grid in kernel.bbox.meshgrid()]
    # The profile has long wings, of which the box holds a little less on one side.
    assert float((columns * star.array).sum()) - center[0] == pytest.approx(x + offset[0], abs=0.05)
    assert float((rows * star.array).sum()) - center[1] == pytest.approx(y + offset[1], abs=0.05)


def test_piff_without_stars_can_be_written(tmp_path: Path) -> None:
    impl = make_piff()
    del impl.stars
    write(PiffWrapper(impl, BOX, 21), tmp_path / "psf.json")
    assert read(tmp_path / "psf.json", PiffWrapper).stars == ()
    assert not hasattr(impl, "stars")


def test_piff_write_does_not_modify_piff_object() -> None:
    impl = make_piff()
    assert PiffWrapper(impl, BOX, 21).record.structs["piff"]["type"] == "Simple"
    assert len(impl.stars) == 2


@pytest.mark.parametrize(
    "missing",
    [
        ["chisq", "last_delta_chisq", "dof", "nremoved", "niter"],
        ["pointing", "outliers", "last_delta_chisq", "niter"],
    ],
)
def test_piff_object_of_older_piff_can_be_written(missing: list[str], tmp_path: Path) -> None:
    impl = make_piff()
    expected = PiffWrapper(impl, BOX, 21).compute_kernel_image(x=30.0, y=40.0)
    for name in missing:
        vars(impl).pop(name, None)
    write(PiffWrapper(impl, BOX, 21), tmp_path / "psf.fits")
    psf = read(tmp_path / "psf.fits", PiffWrapper)
    found = psf.compute_kernel_image(x=30.0, y=40.0)
    np.testing.assert_allclose(found.array, expected.array, rtol=0.0, atol=1e-15)
    assert not vars(impl).keys() & set(missing)


def test_piff_single_outlier_rejection_of_older_piff_can_be_written(tmp_path: Path) -> None:
    impl = make_piff()
    impl.outliers = piff.outliers.MADOutliers(nmad=5.0)
    write(PiffWrapper(impl, BOX, 21), tmp_path / "psf.fits")
    assert len(read(tmp_path / "psf.fits", PiffWrapper).piff_psf.outliers) == 1


def test_piff_colour_dependent_psf_raises() -> None:
    with pytest.raises(LegacyConversionError, match="colour"):
        PiffWrapper(make_piff(keys=("x", "y", "colorValue")), BOX, 21)


@pytest.mark.parametrize(
    "changes",
    [
        {"wcs": galsim.JacobianWCS(0.2, 0.0, 0.01, 0.2)},
        {"pointing": galsim.CelestialCoord(0 * galsim.degrees, 0 * galsim.degrees)},
    ],
    ids=["wcs", "pointing"],
)
def test_piff_unsupported_coordinates_can_be_evaluated_but_not_written(changes: Any, tmp_path: Path) -> None:
    if "pointing" in changes:
        # Piff requires a celestial WCS for a pointing only in evaluations.
        impl = make_piff()
        impl.pointing = changes["pointing"]
    else:
        impl = make_piff(**changes)
        assert PiffWrapper(impl, BOX, 21).compute_kernel_image(x=3, y=4).array.sum() == pytest.approx(1.0)
    with pytest.raises(UnserializableTypeError, match="Only Piff PSFs of one chip"):
        write(PiffWrapper(impl, BOX, 21), tmp_path / "psf.json")
    assert not (tmp_path / "psf.json").exists()


def test_piff_with_bandpass_cannot_be_written(tmp_path: Path) -> None:
    impl = make_piff()
    impl.bandpass = galsim.Bandpass(lambda wave: 1.0, "nm", blue_limit=400, red_limit=500)
    with pytest.raises(UnserializableTypeError, match="bandpass"):
        write(PiffWrapper(impl, BOX, 21), tmp_path / "psf.json")


def test_piff_invalid_stamp_size_raises() -> None:
    with pytest.raises(ValueError, match="stamp_size must be positive"):
        PiffWrapper(make_piff(), BOX, 0)


def test_piff_invalid_values_raise_read_error_on_use() -> None:
    psf = PiffWrapper.from_record(PiffRecord(structs={"piff": {"type": "Nonsense"}}), BOX, 21)
    assert psf.kernel_bbox == Box.factory[-10:11, -10:11]
    with pytest.raises(ArchiveReadError, match="cannot create a PSF.*Nonsense"):
        psf.compute_kernel_image(x=3, y=4)


def test_piff_not_installed_only_evaluation_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(PiffWrapper(make_piff(), BOX, 21), tmp_path / "psf.fits")
    monkeypatch.setitem(sys.modules, "piff", None)
    psf = read(tmp_path / "psf.fits", PiffWrapper)
    assert psf.bounds == BOX
    assert psf.compute_stellar_bbox(x=3, y=4) == Box.factory[-6:15, -7:14]
    write(psf, tmp_path / "again.fits")
    assert read(tmp_path / "again.fits", PiffWrapper) == psf
    with pytest.raises(MissingOptionalDependencyError, match="'piff'"):
        psf.compute_kernel_image(x=3, y=4)


# Files of the pipelines.


def test_piff_of_file_is_readable_with_current_piff(shared_data: Path) -> None:
    path = shared_data / "images" / "visit_image-1.0.0-dp1.json"
    tree = json.loads(path.read_text())["psf"]
    psf = PiffSerializationModel.model_validate(tree).deserialize(InlineArchive())
    assert psf.stars == (PiffStar(XY(2036.0, 2000.0)),)
    image = psf.compute_kernel_image(x=2036, y=2000)
    assert image.bbox == Box.factory[-12:13, -12:13]
    # The grid of the model has the pixels of the detector.
    column = tree["piff"]["objects"]["piff"]["objects"]["interp"]["tables"]["solution"]["table"]["columns"][0]
    grid = np.array(column["data"]["data"]).reshape(25, 25)
    np.testing.assert_allclose(image.array, grid / grid.sum(), atol=2e-5)


def test_piff_of_file_tree_round_trips(shared_data: Path, tmp_path: Path) -> None:
    path = shared_data / "images" / "visit_image-1.0.0-dp1.json"
    tree = json.loads(path.read_text())["psf"]
    psf = PiffSerializationModel.model_validate(tree).deserialize(InlineArchive())
    write(psf, tmp_path / "psf.json")
    written = json.loads((tmp_path / "psf.json").read_text())
    assert written == tree


def test_piff_of_file_matches_truth(shared_data: Path) -> None:
    path = shared_data / "examples" / "visit_image_piff.fits"
    truth = json.loads(path.with_suffix(".fits.truth.json").read_text())["psf"]
    with FitsInputArchive.open(path) as archive:
        model = PiffSerializationModel.model_validate(archive.get_raw_tree()["psf"])
        psf = model.deserialize(archive)
    with np.load(path.with_suffix(".fits.truth.npz")) as images:
        for point in truth["points"]:
            kernel = psf.compute_kernel_image(x=point["x"], y=point["y"])
            star = psf.compute_stellar_image(x=point["x"], y=point["y"])
            np.testing.assert_allclose(kernel.array, images[point["kernel"]["npz"]], atol=1e-12)
            assert [star.bbox.y.start, star.bbox.y.stop] == point["stellar"]["bbox"]["y"]
            assert [star.bbox.x.start, star.bbox.x.stop] == point["stellar"]["bbox"]["x"]
            # One is between two pixels, where box and stamp round differently.
            np.testing.assert_allclose(star.array, images[point["stellar"]["npz"]], atol=1e-12)


def test_piff_celestial_wcs_star_uses_local_wcs_of_its_position() -> None:
    # Scale and orientation change over the field, as in a distorted camera.
    u, v = "0.2*x + 4e-6*x**2 + 2e-6*x*y", "0.2*y - 3e-6*x**2 + 5e-6*y**2"
    distorted = galsim.UVFunction(u, v)
    center = galsim.CelestialCoord(53.1 * galsim.degrees, -27.8 * galsim.degrees)
    tan = galsim.TanWCS(galsim.AffineTransform(0.2, 0.01, -0.01, 0.2), center)
    for wcs, keys in ((tan, ("x", "y")), (distorted, ("x", "y"))):
        pointing = center if wcs is tan else None
        impl = make_piff(wcs=wcs, keys=keys, pointing=pointing)
        star = PiffWrapper(impl, Box.factory[0:4000, 0:4000], 21).compute_stellar_image(x=3500.3, y=2800.8)
        expected = draw(impl, 3500.3, 2800.8, star.bbox, None)
        np.testing.assert_allclose(star.array, expected, rtol=0, atol=1e-9 * expected.max())
