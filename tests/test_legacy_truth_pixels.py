# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pixels and cards of files of `lsst.afw`, compared with the values it reads.

`test_legacy_truth_types` compares the other parts; here is the list of all.
"""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.testing as npt
import pytest
from astropy.io import fits
from helpers.legacy_archives import RENAMED
from lsst.images import Box, Image, Mask, MaskedImage, VisitImage

ROOT = Path(__file__).resolve().parents[1].parent / "shared" / "data" / "afw"
TRUTHS = sorted(path.stem for path in ROOT.glob("*.json") if path.stem != "objects_truth")

pytestmark = pytest.mark.skipif(not TRUTHS, reason=f"the real files are not at {ROOT}")
truths = pytest.mark.parametrize("name", TRUTHS or ["none"])

KINDS: dict[str, type] = {
    "image": Image,
    "mask": Mask,
    "masked_image": MaskedImage,
    "exposure": VisitImage,
    "cell_coadd_stitched_exposure": VisitImage,
}

COMPARED = {
    # Compared in this module.
    *("file", "kind", "bbox", "xy0", "type", "dtype", "lossy", "afw_readback_exact", "id", "metadata"),
    *("mask_plane_dict", "mask_plane_dict_readback", "extra"),
    # Compared in test_legacy_truth_types.
    *("pixels", "wcs", "psf", "photoCalib", "apCorrMap", "visitInfo", "detector", "validPolygon", "filter"),
    *("summaryStats", "has", "cells", "grid", "visit_polygons", "band", "units"),
    # Compared as records in test_legacy_archive_truth: this package has no such type.
    "transmissionCurve",
}


def truth_of(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / f"{name}.json").read_text())
    return found


def read(name: str) -> Any:
    kind: Any = KINDS[truth_of(name)["kind"]]
    return kind.read_legacy(ROOT / f"{name}.fits")


def readable(name: str) -> str:
    if truth_of(name)["kind"] not in KINDS:
        pytest.skip("cells are compared in test_legacy_truth_types")
    return name


@truths
def test_truth_files_are_all_compared(name: str) -> None:
    assert truth_of(name).keys() <= COMPARED


@truths
def test_read_legacy_pixels_equal_afw(name: str) -> None:
    image, truth = read(readable(name)), truth_of(name)
    box = truth["bbox"]
    assert image.bbox == Box.factory[box["y_min"] : box["y_max"] + 1, box["x_min"] : box["x_max"] + 1]
    assert [image.bbox.x.start, image.bbox.y.start] == truth["xy0"]
    if not (ROOT / f"{name}.npz").exists():
        pytest.skip("this file has no arrays")
    with np.load(ROOT / f"{name}.npz") as arrays:
        for plane in ("image", "mask", "variance"):
            if plane not in arrays:
                continue
            expected = arrays.get(f"{plane}_afw_readback", arrays[plane])
            if plane == "mask":
                compare_mask(image if isinstance(image, Mask) else image.mask, truth, expected)
                continue
            found = (image if isinstance(image, Image) else getattr(image, plane)).array
            assert found.dtype == expected.dtype
            # afw reads NaN where the variance was infinite.
            same = (found == expected) | (np.isnan(expected) & ~np.isfinite(found.astype("f8")))
            assert same.all(), plane


def compare_mask(mask: Mask, truth: dict[str, Any], expected: np.ndarray) -> None:
    planes = truth.get("mask_plane_dict_readback", truth["mask_plane_dict"])
    for legacy, bit in planes.items():
        ours, set_there = RENAMED.get(legacy, legacy), (expected.view(np.uint32) >> np.uint32(bit)) & 1
        if ours in mask.schema:
            npt.assert_array_equal(mask.get(ours), set_there.astype(bool), err_msg=legacy)
        else:
            assert not set_there.any(), legacy


@truths
def test_read_legacy_keeps_header_cards(name: str, tmp_path: Path) -> None:
    truth = truth_of(name)
    if not truth.get("metadata"):
        pytest.skip("this file has no cards of its own")
    assert read(readable(name)).metadata.get("id") == truth.get("id")
    # The cards are kept for all exposures.
    image = MaskedImage.read_legacy(ROOT / f"{name}.fits")
    assert isinstance(image, MaskedImage)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        image.write(tmp_path / "new.fits")
        header = fits.getheader(tmp_path / "new.fits")
    for keyword, value, _ in truth["metadata"]:
        if keyword == "BUNIT" or keyword.startswith("LSST BUTLER"):
            continue
        found = header[keyword]
        if isinstance(value, str):
            # Trailing blanks of a card are not significant.
            found, value = found.rstrip(), value.rstrip()
        assert (None if isinstance(found, fits.card.Undefined) else found) == value, keyword
