# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The FITS container against the contract of all containers, and its layout."""

from __future__ import annotations

import json

import astropy.units as u
import numpy as np
import pytest
import starlink.Ast
from astropy.io import fits
from lsst.images import Box, Image, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import ArchiveWriteError, InvalidArgumentError, LossyConversionWarning
from lsst.images.fits import ExtensionKey, FitsCompressionOptions, FitsQuantizationOptions
from lsst.images.io import read, write
from lsst.images.tests import ContainerConformance

LOSSY = FitsCompressionOptions.LOSSY


class TestFits(ContainerConformance):
    container = "fits"
    extension = ".fits"
    allows_odd_names = False


@pytest.fixture
def masked_image() -> MaskedImage:
    rng = np.random.default_rng(11)
    image = Image(rng.normal(100, 3, (70, 90)).astype(np.float32), start=(5, -7), unit=u.nJy)
    planes = [MaskPlane(f"P{n}", f"Plane number {n}.") for n in range(40)]
    masked_image = MaskedImage(image, mask_schema=MaskSchema([planes[0], None, *planes[1:]]))
    for plane in planes:
        masked_image.mask.set(plane.name, rng.random(image.bbox.shape) < 0.1)
    return masked_image


def test_write_layout_has_expected_hdus(masked_image, tmp_path):
    write(masked_image, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits", disable_image_compression=True) as hdus:
        assert [h.name for h in hdus] == ["PRIMARY", "IMAGE", "MASK", "MASK", "VARIANCE", "JSON", "INDEX"]
        primary = hdus[0].header
        assert list(primary)[4:9] == ["FMTVER", "INDXADDR", "INDXSIZE", "JSONADDR", "JSONSIZE"]
        assert primary["DATAMODL"] == "https://images.lsst.io/schemas/masked_image-1.0.0"
        assert primary["INDXADDR"] == primary["JSONADDR"] + primary["JSONSIZE"]
        assert primary["INDXADDR"] + primary["INDXSIZE"] == (tmp_path / "a.fits").stat().st_size
        assert all("DATE" in hdu.header for hdu in hdus)
        for row, hdu in zip(hdus["INDEX"].data, hdus, strict=False):
            info = hdu.fileinfo()
            assert (row["HDRADDR"], row["DATADDR"]) == (info["hdrLoc"], info["datLoc"])
            assert row["DATSIZE"] == info["datSpan"]
            assert row["EXTNAME"] == ("" if hdu.name == "PRIMARY" else hdu.name)


def test_write_mask_planes_are_named_in_cards(masked_image, tmp_path):
    write(masked_image, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        first, second = hdus[2], hdus[3]
        assert (first.header["MSKN0000"], first.header["MSKN0030"]) == ("P0", "P30")
        assert second.header["EXTVER"] == 2
        assert (second.header["MSKN0000"], second.header["MSKM0008"]) == ("P31", 256)
        assert "MSKN0031" not in first.header
        expected = masked_image.mask.get("P33")
        np.testing.assert_array_equal(second.data & second.header["MSKM0002"] != 0, expected)


def test_write_units_and_origin_are_read_by_astropy(masked_image, tmp_path):
    write(masked_image, tmp_path / "a.fits")
    with fits.open(tmp_path / "a.fits") as hdus:
        header = hdus["VARIANCE"].header
        assert u.Unit(header["BUNIT"]) == u.nJy**2
        assert (header["CTYPE1A"], header["CRVAL1A"], header["CRVAL2A"]) == ("LINEAR", -7.0, 5.0)


def test_write_checksums_are_verified_by_astropy(masked_image, tmp_path):
    fitsio = pytest.importorskip("fitsio")
    write(masked_image, tmp_path / "a.fits")
    with fitsio.FITS(str(tmp_path / "a.fits")) as file:
        hdus = list(file)
        # Other readers copy unknown cards of the primary header to files that they write.
        assert hdus[0].read_header().get("CHECKSUM") is None
        for hdu in hdus[1:]:
            hdu.verify_checksum()
    assert len(hdus) == 7
    with fits.open(tmp_path / "a.fits", checksum=True, disable_image_compression=True) as hdus:
        primary = (tmp_path / "a.fits").read_bytes()[: hdus[1].fileinfo()["hdrLoc"]]
        words = int(np.frombuffer(primary, ">u4").sum(dtype="u8"))
        assert hdus["INDEX"].header["PRIMSUM"] == (words - 1) % 0xFFFFFFFF + 1


def test_write_seeds_increment_and_wrap(masked_image, tmp_path):
    write(
        masked_image,
        tmp_path / "a.fits",
        compression_options={"image": LOSSY, "mask": LOSSY, "variance": LOSSY},
        compression_seed=9999,
    )
    with fits.open(tmp_path / "a.fits", disable_image_compression=True) as hdus:
        assert hdus["IMAGE"].header["ZDITHER0"] == 9999
        # Two integer mask HDUs use up a seed each.
        assert hdus["VARIANCE"].header["ZDITHER0"] == 2


def test_write_lossy_options_without_seed_raises(masked_image, tmp_path):
    with pytest.raises(ArchiveWriteError, match="No quantization seed provided"):
        write(masked_image, tmp_path / "a.fits", compression_options={"image": LOSSY})
    assert list(tmp_path.iterdir()) == []


def test_write_option_for_unknown_array_raises(masked_image, tmp_path):
    with pytest.raises(InvalidArgumentError, match="imgae"):
        write(masked_image, tmp_path / "a.fits", compression_options={"imgae": None})
    assert list(tmp_path.iterdir()) == []


def test_compression_options_unknown_field_raises():
    with pytest.raises(ValueError, match="tile_shap"):
        FitsCompressionOptions.model_validate({"tile_shap": [10, 10]})
    with pytest.raises(ValueError, match="seed"):
        FitsQuantizationOptions(dither="NO_DITHER", level=4.0, seed=20000)


@pytest.mark.parametrize(
    "options",
    [None, FitsCompressionOptions(tile_shape=(1, 90)), FitsCompressionOptions(algorithm="GZIP_1")],
    ids=["plain", "rows", "gzip1"],
)
def test_read_box_equals_slice_for_every_storage(masked_image, tmp_path, options):
    write(masked_image, tmp_path / "a.fits", compression_options=dict.fromkeys(("image", "mask"), options))
    box = Box.factory[11:52, 3:60]
    part = read(tmp_path / "a.fits", MaskedImage, bbox=box)
    assert part.image == masked_image.image[box]
    assert part.mask == masked_image.mask[box]
    assert part.variance == masked_image.variance[box]


def test_write_boolean_image_is_read_as_boolean(tmp_path):
    image = Image(np.arange(12).reshape(3, 4) % 3 == 0)
    write(image, tmp_path / "a.fits")
    back = read(tmp_path / "a.fits")
    assert back.array.dtype == bool
    assert back == image


def test_update_header_adds_primary_cards_except_date(masked_image, tmp_path):
    def update(header):
        header["OBSERVER"] = "A. Nonym"
        header["DATE"] = "1999-12-31"

    write(masked_image, tmp_path / "a.fits", update_header=update)
    header = fits.getheader(tmp_path / "a.fits")
    assert header["OBSERVER"] == "A. Nonym"
    assert not header["DATE"].startswith("1999")


def test_extension_key_converts_to_source_string():
    assert str(ExtensionKey("MASK", 2)) == "fits:MASK,2"
    assert ExtensionKey.from_str("fits:PSF/PARAMETERS[3]") == ExtensionKey("PSF/PARAMETERS")


@pytest.fixture
def distorted(shared_data) -> Image:
    """An image on a projection that FITS cards can only approximate."""
    from lsst.images import GeneralFrame, Projection

    text = json.loads((shared_data / "examples/sky_projection.json").read_text())
    exact = Projection.from_ast_frame_set(
        text["pixel_to_sky"]["mappings"][0]["ast"], GeneralFrame(unit=u.pix)
    )
    bump = starlink.Ast.MathMap(
        2, 2, ["u=x+0.3*sin(y/40)", "v=y"], ["x=u-0.3*sin(v/40)", "y=v"], "SimpFI=1,SimpIF=1"
    )
    frame_set = exact.pixel_to_sky_transform.ast_mapping.ast_object
    frame_set.remapframe(starlink.Ast.BASE, bump)
    wavy = Projection.from_ast_frame_set(frame_set, GeneralFrame(unit=u.pix))
    wavy = wavy.with_fits_approximation(wavy.fit_fits_approximation(Box.factory[0:200, 0:200], order=2))
    return Image(np.zeros((200, 200), dtype=np.float32), projection=wavy)


def test_write_approximate_wcs_records_error_and_warns(distorted, tmp_path):
    with pytest.warns(LossyConversionWarning, match="arcsec"):
        distorted.write_fits(tmp_path / "a.fits")
    header = fits.getheader(tmp_path / "a.fits", "IMAGE")
    expected = distorted.projection.fits_wcs_error(distorted.bbox)
    assert header["WCSMAXER"] == pytest.approx(expected.max)
    assert header["WCSRMSER"] == pytest.approx(expected.rms)
    # The projection itself lost nothing.
    back = Image.read_fits(tmp_path / "a.fits")
    point = {"x": 33.0, "y": 91.5}
    assert (
        back.projection.pixel_to_sky(**point).separation(distorted.projection.pixel_to_sky(**point))
        < 1e-9 * u.arcsec
    )
