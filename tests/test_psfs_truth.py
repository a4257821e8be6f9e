# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs compared with what lsst.afw and the first readers compute."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.afw_tables import read_ast, read_psf_id, read_psf_truth, read_tables
from lsst.images import XY, BoundsError, Box, GeneralFrame, Polygon, Projection, Transform
from lsst.images.errors import CorruptArchiveError
from lsst.images.fields import ChebyshevField
from lsst.images.models import GaussianPSFSerializationModel, PSFExSerializationModel
from lsst.images.psfs import (
    CoaddPointSpreadFunction,
    CoaddPsfInput,
    GaussianPointSpreadFunction,
    KernelPointSpreadFunction,
    PSFExPointSpreadFunction,
    WarpedPointSpreadFunction,
)
from lsst.images.serialization import DetachedArchive, InlineArrayModel

WIDE = Box.factory[-4000:8000, -4000:8000]
PIXELS = GeneralFrame(unit=u.pix)


def check_images(psf: Any, path: Path, *, kernel: float, image: float) -> None:
    """Compare boxes and pixels with those in the reference file."""
    samples = read_psf_truth(path)
    assert len(samples) >= 3
    for sample in samples:
        ours = psf.compute_kernel_image(x=sample["x"], y=sample["y"])
        star = psf.compute_stellar_image(x=sample["x"], y=sample["y"])
        for found, expected in ((ours, sample["kernel_bbox"]), (star, sample["image_bbox"])):
            assert (found.bbox.x.min, found.bbox.x.max) == (expected["x_min"], expected["x_max"])
            assert (found.bbox.y.min, found.bbox.y.max) == (expected["y_min"], expected["y_max"])
        np.testing.assert_allclose(ours.array, sample["kernel"], rtol=0, atol=kernel)
        np.testing.assert_allclose(star.array, sample["image"], rtol=0, atol=image)


def make_fixed_gaussian(row: dict[str, Any]) -> KernelPointSpreadFunction:
    """Return the equivalent of GaussianPsf in afw: an image shifted with a Lanczos kernel."""
    gaussian = GaussianPointSpreadFunction(row["sigma"], WIDE, row["dimensions_x"])
    return KernelPointSpreadFunction.fixed(gaussian.compute_kernel_image(x=0, y=0), WIDE)


def test_gaussian_psf_matches_afw(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_visit_like.fits"
    ((row,),) = read_tables(path)[read_psf_id(path)]
    check_images(make_fixed_gaussian(row), path, kernel=1e-15, image=1e-9)
    # A Gaussian evaluated at the star's position is not quite a shifted one.
    gaussian = GaussianPointSpreadFunction(row["sigma"], WIDE, row["dimensions_x"])
    check_images(gaussian, path, kernel=1e-15, image=1e-4)


def test_kernel_psf_matches_afw(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_visit_like_kernelpsf.fits"
    objects = read_tables(path)
    ((psf,),) = objects[read_psf_id(path)]
    ((kernel,),) = objects[psf["kernel"]]
    images = [objects[n][0][0] for n in kernel["components"]]
    basis = np.stack([i["image"].reshape(i["dimensions_y"], i["dimensions_x"]) for i in images])
    weights = []
    for n in kernel["spatialfunctions"]:
        # The order of terms is 1, x, y.
        constant, slope_x, slope_y = objects[n][0][0]["coefficients"]
        weights.append(ChebyshevField.from_power_series(WIDE, [[constant, slope_x], [slope_y, 0.0]]))
    ours = KernelPointSpreadFunction(
        basis, weights, WIDE, center_y=kernel["center_y"], center_x=kernel["center_x"]
    )
    check_images(ours, path, kernel=1e-15, image=1e-9)


def read_psfex(path: Path) -> PSFExPointSpreadFunction:
    (numbers,), (arrays,) = read_tables(path)[read_psf_id(path)]
    width, height, terms = arrays["_size"]
    return PSFExPointSpreadFunction(
        arrays["_comp"].reshape(terms, height, width),
        WIDE,
        pixel_step=numbers["_pixstep"],
        degree=np.atleast_1d(arrays["degree"]),
        offsets=arrays["_context_first"],
        scales=arrays["_context_second"],
        average=XY(numbers["averagePosition_x"], numbers["averagePosition_y"]),
        group=arrays["group"],
        basis=arrays["basis"],
        coeff=arrays["coeff"],
    )


def test_psfex_psf_matches_afw(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_visit_like_psfex.fits"
    # Bit by bit, but for what afw's sine leaves of zeros of the resampling.
    check_images(read_psfex(path), path, kernel=1e-20, image=1e-20)


def test_psfex_area_matches_file(shared_data: Path) -> None:
    path = shared_data / "legacy" / "calexp" / "cfht_calexp-849375-12.fits.fz"
    psf = read_psfex(path)
    # The pipeline evaluated it in the middle of the image.
    image = psf.compute_kernel_image(x=1023.5, y=2305.5).array
    assert image.sum() / (image**2).sum() == pytest.approx(100.15443724175336, rel=1e-12)


def test_psfex_scratch_values_are_polynomial_terms(shared_data: Path) -> None:
    psf = read_psfex(shared_data / "afw" / "exposure_visit_like_psfex.fits")
    # PSFEx stores the terms of the position that was evaluated last.
    assert len(psf.basis) == len(psf.parameters) == 6
    assert psf.basis[0] == 1.0
    assert psf.basis[4] == pytest.approx(psf.basis[1] * psf.basis[3])


@pytest.mark.parametrize("transposed", [False, True])
def test_psfex_context_accepts_transposed_array(shared_data: Path, transposed: bool) -> None:
    psf = read_psfex(shared_data / "afw" / "exposure_visit_like_psfex.fits")
    context = np.array([psf.offsets, psf.scales]).T
    model = PSFExSerializationModel(
        average_x=psf.average.x,
        average_y=psf.average.y,
        pixel_step=psf.pixel_step,
        degree=list(psf.degree),
        basis=list(psf.basis),
        coeff=list(psf.coeff),
        parameters=InlineArrayModel.from_array(psf.parameters),
        context=context.T if transposed else context,
        bounds=psf.bounds.serialize(),
    )

    class Archive(DetachedArchive):
        def get_array(self, model: Any, *, slices: Any = ...) -> Any:
            return model.to_array()

    assert model.deserialize(Archive()) == psf
    assert "group" not in model.model_dump()


def test_warped_psf_matches_afw(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_warpedpsf.fits"
    objects = read_tables(path)
    ((row,),) = objects[read_psf_id(path)]
    ((control,),) = objects[row["controlIndex"]]
    order = objects[control["warpingKernelIndex"]][0][0]["order"]
    forward = read_ast(objects[row["transformIndex"]][0][0]["bytes"])
    psf = WarpedPointSpreadFunction(
        make_fixed_gaussian(objects[row["psfIndex"]][0][0]),
        Transform(PIXELS, PIXELS, forward).inverted(),
        Box.factory[2000:2400, 1000:1512],
        warping_kernel=f"lanczos{order}",
    )
    # afw takes its kernel from a table with steps of 1e-4 pixels.
    check_images(psf, path, kernel=2e-6, image=2e-6)


@pytest.fixture(scope="module")
def coadd(shared_data: Path) -> tuple[CoaddPointSpreadFunction, Path]:
    """A coadd PSF that afw wrote."""
    path = shared_data / "afw" / "exposure_coadd.fits"
    objects = read_tables(path)
    (head,), rows = objects[read_psf_id(path)]

    def project(number: int) -> Projection[Any]:
        return Projection.from_ast_frame_set(read_ast(objects[number][0][0]["wcs"]), PIXELS)

    inputs = []
    for row in rows:
        vertices = objects[row["validPolygon"]][0]
        polygon = Polygon(
            x_vertices=[v["vertices_x"] for v in vertices], y_vertices=[v["vertices_y"] for v in vertices]
        )
        box = Box.from_shape(
            (row["bbox_max_y"] - row["bbox_min_y"] + 1, row["bbox_max_x"] - row["bbox_min_x"] + 1),
            start=(row["bbox_min_y"], row["bbox_min_x"]),
        )
        gaussian = make_fixed_gaussian(objects[row["psf"]][0][0])
        inputs.append(CoaddPsfInput(gaussian, project(row["wcs"]), box.intersection(polygon), row["weight"]))
    psf = CoaddPointSpreadFunction(
        inputs, project(head["coaddwcs"]), WIDE, warping_kernel=head["warpingkernelname"]
    )
    return psf, path


def test_coadd_psf_matches_afw(coadd: tuple[CoaddPointSpreadFunction, Path]) -> None:
    psf, path = coadd
    check_images(psf, path, kernel=2e-6, image=2e-6)


def test_coadd_psf_uses_only_inputs_that_contain_position(
    coadd: tuple[CoaddPointSpreadFunction, Path],
) -> None:
    psf, _ = coadd
    counts = {len(psf.covering(x=x, y=y)) for x in range(-1000, 3000, 60) for y in (1700, 2200, 2700)}
    assert counts >= {0, 1, 3}
    with pytest.raises(BoundsError, match="none of the 3 input images"):
        psf.compute_kernel_image(x=-3000, y=-3000)
    with pytest.raises(BoundsError, match="none of the 3 input images"):
        psf.compute_kernel_images(x=[1256, -3000], y=[2200, -3000])


# Files of the first readers.


def test_gaussian_psf_of_file_matches_truth(shared_data: Path) -> None:
    path = shared_data / "examples" / "visit_image.json"
    tree = json.loads(path.read_text())["psf"]
    truth = json.loads(path.with_suffix(".json.truth.json").read_text())["psf"]
    psf = GaussianPSFSerializationModel.model_validate(tree).deserialize(DetachedArchive())
    with np.load(path.with_suffix(".json.truth.npz")) as images:
        for point in truth["points"]:
            star = psf.compute_stellar_image(x=point["x"], y=point["y"])
            kernel = psf.compute_kernel_image(x=point["x"], y=point["y"])
            np.testing.assert_allclose(star.array, images[point["stellar"]["npz"]], rtol=1e-13)
            np.testing.assert_allclose(kernel.array, images[point["kernel"]["npz"]], rtol=1e-13)
            assert [star.bbox.y.start, star.bbox.y.stop] == point["stellar"]["bbox"]["y"]
            assert [star.bbox.x.start, star.bbox.x.stop] == point["stellar"]["bbox"]["x"]


def test_gaussian_psf_model_invalid_values_raise() -> None:
    model = GaussianPSFSerializationModel(sigma=-1.0, stamp_size=21, bounds=WIDE)
    with pytest.raises(CorruptArchiveError, match="sigma must be positive"):
        model.deserialize(DetachedArchive())
