# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images from HDU lists of cutouts."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import numpy.testing as npt
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from lsst.images import GeneralFrame, Image, MaskedImage, TractFrame, VisitImage
from lsst.images.io import write

PIXELS = GeneralFrame(unit=u.pix)


def cut(path: Path, *, y: slice, x: slice) -> fits.HDUList:
    """Return a cutout of three planes, like that of a cutout service."""
    with warnings.catch_warnings(), fits.open(path) as hdus:
        warnings.simplefilter("ignore")
        result = fits.HDUList([fits.PrimaryHDU(header=hdus[0].header)])
        for name in ("IMAGE", "MASK", "VARIANCE"):
            hdu = hdus[name]
            header = hdu.header.copy()
            for axis, part in ((1, x), (2, y)):
                for key in (f"CRPIX{axis}", f"LTV{axis}"):
                    if key in header:
                        header[key] -= part.start
                if f"CRVAL{axis}A" in header:
                    header[f"CRVAL{axis}A"] += part.start
            result.append(fits.ImageHDU(hdu.data[..., y, x].copy(), header=header, name=name))
    return result


@pytest.fixture
def ours(shared_data: Path) -> tuple[fits.HDUList, Any]:
    """A cutout of a file of this package, and the same part of the image."""
    path = shared_data / "examples" / "masked_image.fits"
    hdus = cut(path, y=slice(5, 40), x=slice(10, 60))
    whole = MaskedImage.read(path)
    return hdus, whole.local[5:40, 10:60]


@pytest.fixture
def afw(shared_data: Path) -> tuple[fits.HDUList, Any]:
    """A cutout of a file of afw, and the same part of the image."""
    path = shared_data / "afw" / "exposure_lossless.fits"
    hdus = cut(path, y=slice(20, 60), x=slice(30, 90))
    whole = MaskedImage.read_legacy(path, fits_wcs_frame=PIXELS)
    return hdus, whole.local[20:60, 30:90]


@pytest.mark.parametrize("kind", ["ours", "afw"])
def test_from_hdu_list_cutout_equals_part_of_whole(kind: str, request: pytest.FixtureRequest) -> None:
    hdus, part = request.getfixturevalue(kind)
    found = MaskedImage.from_hdu_list(hdus)
    assert type(found) is MaskedImage and found.bbox == part.bbox
    npt.assert_array_equal(found.image.array, part.image.array)
    npt.assert_array_equal(found.variance.array, part.variance.array)
    assert (found.unit, found.variance.unit) == (part.unit, part.variance.unit)
    for name in part.mask.schema.names:
        if part.mask.get(name).any():
            npt.assert_array_equal(found.mask.get(name), part.mask.get(name), err_msg=name)
    assert found.mask.schema.dtype == np.uint8
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wcs = WCS(hdus["IMAGE"].header)
    if wcs.has_celestial:
        y, x = np.mgrid[0:30:10, 0:30:10]
        sky = found.projection.pixel_to_sky(x=x + found.bbox.x.start, y=y + found.bbox.y.start)
        assert sky.separation(wcs.pixel_to_world(x, y).icrs).arcsec.max() < 1e-6
    assert MaskedImage.from_hdu_list(hdus, fits_wcs_frame=None).projection is None


def test_from_hdu_list_single_image_is_read(afw: Any) -> None:
    hdus, part = afw
    found = Image.from_hdu_list(fits.HDUList(hdus[:2]))
    assert found.bbox == part.bbox and found.unit == part.unit
    npt.assert_array_equal(found.array, part.image.array)


def test_from_hdu_list_uses_requested_type_and_frame(afw: Any) -> None:
    hdus, part = afw
    frame = TractFrame(skymap="sky", tract=1, bbox=part.bbox)
    found = VisitImage.from_hdu_list(hdus, fits_wcs_frame=frame)
    assert isinstance(found, VisitImage) and found.psf is None
    assert found.projection is not None and found.projection.pixel_frame == frame


def test_from_hdu_list_keeps_mask_plane_cards_with_new_bits(afw: Any, tmp_path: Path) -> None:
    hdus, _ = afw
    found = MaskedImage.from_hdu_list(hdus)
    write(found, tmp_path / "new.fits")
    header = fits.getheader(tmp_path / "new.fits", "MASK")
    names = list(found.mask.schema.names)
    assert header["MP_SAT"] == names.index("SATURATED")
    assert header["MP_CR"] == names.index("COSMIC_RAY")
    primary = fits.getheader(tmp_path / "new.fits")
    assert primary["MYFLOAT"] == hdus[0].header["MYFLOAT"]


def test_from_hdu_list_does_not_change_hdus(afw: Any) -> None:
    hdus, _ = afw
    before = [hdu.header.tostring() for hdu in hdus]
    MaskedImage.from_hdu_list(hdus)
    assert [hdu.header.tostring() for hdu in hdus] == before


def test_from_hdu_list_missing_parts_raise_named_error(afw: Any) -> None:
    hdus, _ = afw
    twice = fits.HDUList([*hdus, fits.ImageHDU(hdus["MASK"].data, name="MASK")])
    with pytest.raises(ValueError, match="supports only a single MASK extension"):
        MaskedImage.from_hdu_list(twice)
    with pytest.raises(ValueError, match="VARIANCE"):
        MaskedImage.from_hdu_list(fits.HDUList(hdus[:3]))
    for key in [key for key in hdus["MASK"].header if key.startswith("MP_")]:
        del hdus["MASK"].header[key]
    with pytest.raises(ValueError, match="cannot reconstruct the mask schema"):
        MaskedImage.from_hdu_list(hdus)
    bare = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.zeros((3, 4)), name="IMAGE")])
    with pytest.raises(ValueError, match="neither LTV1/LTV2 cards"):
        Image.from_hdu_list(bare)
