# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pixels and masks of real afw files, compared with what astropy reads."""

from __future__ import annotations

import warnings
from pathlib import Path

import astropy.units as u
import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from helpers.legacy_archives import RENAMED
from lsst.images import Box, GeneralFrame, Image, Mask, MaskedImage, MaskPlane
from lsst.images.errors import (
    InvalidComponentError,
    InvalidParameterError,
    LegacyConversionError,
    NotAnArchiveError,
)
from lsst.images.legacy import open_legacy

PIXELS = GeneralFrame(unit=u.pix)

# File, number of the image HDU, origin (y, x) and shape; read off with astropy.
EXPOSURES = {
    "legacy/calexp/deblender_ticket1738.fits": 1,
    "legacy/calexp/afw_HSC-0908120-056-small.fits": 1,
    "legacy/calexp/obs_base_calexp.fits": 1,
    "legacy/calexp/piff_exp.fits": 1,
    "legacy/calexp/meas_base_calexp.fits": 1,
    "legacy/calexp/daf_butler_small.fits": 1,
    "legacy/calexp/ip_diffim_scienceMI.fits": 1,
    "legacy/calexp/afw_parent.fits": 0,
    "legacy/calexp/cfht_calexp-849375-12.fits.fz": 1,
    "legacy/calexp/obs_base_calexp_oldest.fits.gz": 1,
    "legacy/coadd/testCoaddInputs_v1.fits": 1,
    "afw/exposure_lossy.fits": 1,
    "afw/exposure_lossless.fits": 1,
    "afw/exposure_custom_planes.fits": 1,
    "afw/maskedimage_uint16.fits": 1,
    "afw/maskedimage_gzip1_tiles.fits": 1,
}


class Truth:
    """Pixels that astropy reads."""

    def __init__(self, path: Path, first: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with fits.open(path) as hdus:
                planes = hdus[first : first + 3]
                self.image, self.mask, self.variance = (plane.data for plane in planes)
                self.header = planes[0].header
                cards = planes[1].header
                self.bits = {key[3:]: cards[key] for key in cards if key.startswith("MP_")}
        self.start = (int(self.header.get("CRVAL2A", 0)), int(self.header.get("CRVAL1A", 0)))

    def plane(self, name: str) -> np.ndarray:
        return (self.mask.astype(np.int64) >> self.bits[name] & 1).astype(bool)


@pytest.fixture(scope="module", params=EXPOSURES, ids=lambda name: name.rpartition("/")[2])
def exposure(request, shared_data) -> tuple[Path, Truth]:
    path = shared_data / request.param
    return path, Truth(path, EXPOSURES[request.param])


def test_read_legacy_pixels_planes_and_origin_equal_astropy(exposure):
    path, truth = exposure
    masked_image = MaskedImage.read_legacy(path)
    assert tuple(masked_image.bbox.start) == truth.start
    np.testing.assert_array_equal(masked_image.image.array, truth.image)
    np.testing.assert_array_equal(masked_image.variance.array, truth.variance)
    for name in truth.bits:
        ours = RENAMED.get(name, name)
        if ours in masked_image.mask.schema:
            np.testing.assert_array_equal(masked_image.mask.get(ours), truth.plane(name), err_msg=name)
        else:
            assert not truth.plane(name).any(), f"{name} was lost"


@hypothesis.given(data=st.data())
@hypothesis.settings(max_examples=8, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_read_legacy_box_equals_slice_of_whole(exposure, data):
    path, _ = exposure
    with open_legacy(path) as reader:
        whole = reader.read()
        y = sorted(
            data.draw(st.tuples(*[st.integers(0, whole.bbox.shape.y)] * 2).filter(lambda t: t[0] != t[1]))
        )
        x = sorted(
            data.draw(st.tuples(*[st.integers(0, whole.bbox.shape.x)] * 2).filter(lambda t: t[0] != t[1]))
        )
        part = reader.read(bbox=whole.local[slice(*y), slice(*x)].bbox)
    expected = whole.local[slice(*y), slice(*x)]
    assert part.image == expected.image
    assert part.mask == expected.mask
    assert part.variance == expected.variance
    assert part.projection == expected.projection


@pytest.mark.parametrize("component, pytype", [("image", Image), ("mask", Mask), ("variance", Image)])
def test_read_legacy_component_equals_plane_of_whole(exposure, component, pytype):
    path, _ = exposure
    plane = MaskedImage.read_legacy(path, component=component)
    assert isinstance(plane, pytype)
    assert plane == getattr(MaskedImage.read_legacy(path), component)


def test_read_legacy_with_frame_reads_header_wcs(shared_data):
    path = shared_data / "legacy/calexp/afw_HSC-0908120-056-small.fits"
    truth = Truth(path, 1)
    masked_image = MaskedImage.read_legacy(path, fits_wcs_frame=PIXELS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(truth.header)
    y, x = np.mgrid[0:200:20, 0:200:20]
    sky = masked_image.projection.pixel_to_sky(x=x + truth.start[1], y=y + truth.start[0])
    expected = wcs.pixel_to_world(x, y).icrs
    assert sky.separation(expected).to_value("arcsec").max() < 1e-9 * 3600
    assert MaskedImage.read_legacy(path).projection is None


def test_read_legacy_set_plane_missing_from_plane_map_raises_error(shared_data):
    path = shared_data / "afw/exposure_custom_planes.fits"
    with pytest.raises(LegacyConversionError, match="is not remapped"):
        MaskedImage.read_legacy(path, plane_map={"BAD": MaskPlane("BAD", "Bad.")})


def test_read_legacy_unknown_planes_keep_name_and_pixels(shared_data):
    path = shared_data / "afw/exposure_custom_planes.fits"
    truth = Truth(path, 1)
    mask = MaskedImage.read_legacy(path, component="mask")
    for name in ("CUSTOM_A", "INJECTED", "SUSPECT2"):
        assert truth.plane(name).any()
        np.testing.assert_array_equal(mask.get(name), truth.plane(name))


def test_read_legacy_single_images_and_masks_are_read(shared_data):
    image = Image.read_legacy(shared_data / "afw/imageF.fits")
    with fits.open(shared_data / "afw/imageF.fits") as hdus:
        np.testing.assert_array_equal(image.array, hdus[0].data)
    mask = Mask.read_legacy(shared_data / "afw/mask_many_planes.fits")
    with fits.open(shared_data / "afw/mask_many_planes.fits") as hdus:
        pixels, bits = hdus[0].data.astype(np.int64), hdus[0].header
        for name in ("MY_PLANE_C", "FILL_3"):
            np.testing.assert_array_equal(mask.get(name), pixels >> bits[f"MP_{name}"] & 1 != 0)


def test_preserve_quantization_is_written_bit_by_bit(shared_data, tmp_path):
    path = shared_data / "afw/maskedimage_lossy.fits"
    masked_image = MaskedImage.read_legacy(path, preserve_quantization=True)
    assert not masked_image.image.array.flags.writeable
    masked_image.write_fits(tmp_path / "new.fits")
    with (
        fits.open(path, disable_image_compression=True) as old,
        fits.open(tmp_path / "new.fits", disable_image_compression=True) as new,
    ):
        for plane in ("IMAGE", "VARIANCE"):
            number = {"IMAGE": 1, "VARIANCE": 3}[plane]
            # Only the old name of the codec changes.
            assert new[plane].header["ZCMPTYPE"] == old[number].header["ZCMPTYPE"].replace("ONE", "1")
            for a, b in zip(
                old[number].data["COMPRESSED_DATA"], new[plane].data["COMPRESSED_DATA"], strict=True
            ):
                np.testing.assert_array_equal(a, b)
    back = MaskedImage.read_fits(tmp_path / "new.fits")
    np.testing.assert_array_equal(back.image.array, masked_image.image.array)
    np.testing.assert_array_equal(back.variance.array, masked_image.variance.array)


def test_preserve_quantization_pixels_are_read_only(shared_data):
    for name in ("maskedimage_lossy", "maskedimage_gzip1_tiles", "maskedimage"):
        kept = MaskedImage.read_legacy(shared_data / f"afw/{name}.fits", preserve_quantization=True)
        for plane in (kept.image, kept.variance):
            assert not plane.array.flags.writeable
            assert plane.copy().array.flags.writeable


def test_write_converted_image_keeps_unknown_cards(shared_data, tmp_path):
    path = shared_data / "legacy/calexp/afw_HSC-0908120-056-small.fits"
    MaskedImage.read_legacy(path).write_fits(tmp_path / "new.fits")
    old, new = fits.getheader(path), fits.getheader(tmp_path / "new.fits")
    kept = [key for key in ("EXPTIME", "INSTRUME", "FILTER", "OBJECT", "OBSERVAT") if key in old]
    assert kept
    assert {key: new.get(key) for key in kept} == {key: old[key] for key in kept}
    assert "AR_HDU" not in new


def test_butler_ingested_calexp_is_read_as_types_of_this_package(shared_data, make_butler):
    butler_module = pytest.importorskip("lsst.daf.butler")
    path = shared_data / "legacy/calexp/deblender_ticket1738.fits"
    truth = Truth(path, 1)
    butler = make_butler(calexp="MaskedImageV2")
    data_id = {"instrument": "TestCam", "visit": 42, "detector": 1}
    ref = butler_module.DatasetRef(
        butler.get_dataset_type("calexp"), butler.registry.expandDataId(data_id), run="run"
    )
    dataset = butler_module.FileDataset(str(path), ref, formatter="lsst.images.formatters.LegacyFormatter")
    butler.ingest(dataset, transfer="direct")
    whole = butler.get("calexp", data_id)
    np.testing.assert_array_equal(whole.image.array, truth.image)
    box = Box.from_shape((40, 30), start=(truth.start[0] + 100, truth.start[1] + 70))
    part = butler.get("calexp", data_id, parameters={"bbox": box})
    assert part.image == whole.image[box]
    mask = butler.get("calexp.mask", data_id, parameters={"bbox": box})
    assert mask == whole.mask[box]
    assert butler.get("calexp.bbox", data_id) == whole.bbox
    assert butler.get("calexp.unit", data_id) == whole.unit
    found = butler.get("calexp.components", data_id, parameters={"components": ["image", "bbox"]})
    assert found["image"] == whole.image
    for obj in (whole, part, mask, found["image"]):
        assert obj.butler_dataset.id == ref.id
        assert obj.butler_provenance.inputs == []


@pytest.mark.parametrize(
    "parameters, error, fragment",
    [
        ({"component": "psf"}, InvalidComponentError, "'psf' is not recognized"),
    ],
)
def test_read_legacy_invalid_arguments_raise_named_error(shared_data, parameters, error, fragment):
    path = shared_data / "legacy/calexp/deblender_ticket1738.fits"
    with pytest.raises(error, match=fragment):
        MaskedImage.read_legacy(path, **parameters)


def test_get_component_unsupported_parameter_raises_error(shared_data):
    with open_legacy(shared_data / "legacy/calexp/deblender_ticket1738.fits") as reader:
        with pytest.raises(InvalidParameterError, match="does not take"):
            reader.get_component("unit", bbox=Box.factory[0:1, 0:1])


def test_read_legacy_other_file_raises_not_an_archive_error(tmp_path):
    path = tmp_path / "text.fits"
    path.write_text("This is not a FITS file, despite its name.")
    with pytest.raises(NotAnArchiveError, match=r"text\.fits"):
        MaskedImage.read_legacy(path)
