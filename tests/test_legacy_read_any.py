# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""``lsst.images.read`` of files of `lsst.afw`, as the type of their content."""

from __future__ import annotations

from pathlib import Path

import lsst.images
import numpy as np
import pytest
from astropy.io import fits
from lsst.images import DifferenceImage, Image, Mask, MaskedImage, VisitImage
from lsst.images.cells import CellCoadd
from lsst.images.errors import InvalidParameterError, NotAnArchiveError

FILES = {
    "afw/imageF.fits": Image,
    "afw/mask_many_planes.fits": Mask,
    "afw/maskedimage.fits": MaskedImage,
    "afw/exposure_visit_like_psfex.fits": VisitImage,
    "afw/cell_coadd_small.fits": CellCoadd,
    "legacy/calexp/obs_base_calexp_oldest.fits.gz": VisitImage,
    "legacy/calexp/cfht_calexp-849375-12.fits.fz": VisitImage,
}


@pytest.mark.filterwarnings("ignore::lsst.images.errors.LossyConversionWarning")
@pytest.mark.parametrize("name", FILES)
def test_read_returns_type_of_content(name: str, shared_data: Path) -> None:
    path = shared_data / name
    found = lsst.images.read(path)
    assert type(found) is FILES[name]
    expected = FILES[name].read_legacy(path)
    for plane in ("image", "variance"):
        if hasattr(found, plane):
            np.testing.assert_array_equal(getattr(found, plane).array, getattr(expected, plane).array)
    if name.endswith(".fits"):
        with path.open("rb") as stream:
            assert type(lsst.images.read(stream)) is FILES[name]


def test_read_of_a_box_of_an_afw_file(shared_data: Path) -> None:
    whole = lsst.images.read(shared_data / "afw/maskedimage.fits")
    box = whole.local[3:20, 5:50].bbox
    part = lsst.images.read(shared_data / "afw/maskedimage.fits", bbox=box)
    assert part.image == whole.image[box]
    assert part.mask == whole.mask[box]
    assert part.variance == whole.variance[box]
    with pytest.raises((InvalidParameterError, TypeError), match="nonsense"):
        lsst.images.read(shared_data / "afw/maskedimage.fits", nonsense=3)


def test_read_of_other_fits_files_and_of_a_wrong_type_is_refused(shared_data: Path, tmp_path: Path) -> None:
    fits.writeto(tmp_path / "plain.fits", np.ones((4, 5)))
    for source in (tmp_path / "plain.fits", (tmp_path / "plain.fits").open("rb")):
        with pytest.raises(NotAnArchiveError, match="not an archive of lsst.images"):
            lsst.images.read(source)
    with pytest.raises(NotAnArchiveError):
        DifferenceImage.read(shared_data / "afw/imageF.fits")
