# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the serialization models of images with real files of every release."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from lsst.images import Box, Image, Mask, MaskedImage
from lsst.images.io import read

ROOT = Path(__file__).resolve().parents[2] / "shared" / "data" / "examples"

OLD_FILES = sorted(ROOT.glob("old_versions/*/masked_image.*[!n]"))
OLD_FILES = [path for path in OLD_FILES if path.suffix in (".fits", ".json", ".sdf")]


def sha256(array: np.ndarray) -> str:
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest()


@pytest.mark.skipif(not OLD_FILES, reason="the real files are not beside the repository")
@pytest.mark.parametrize("path", OLD_FILES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_read_real_files_of_every_release(path: Path) -> None:
    truth = json.loads(path.with_name(f"{path.name}.truth.json").read_text())
    masked = MaskedImage.read(path)
    (y0, y1), (x0, x1) = truth["bbox"]
    assert masked.bbox == Box.factory[y0:y1, x0:x1] and masked.unit == u.Unit(truth["unit"])
    assert sha256(masked.image.array) == truth["image_sha256_le"]
    assert sha256(masked.variance.array) == truth["variance_sha256_le"]
    assert sha256(masked.mask.array) == truth["mask"]["array_sha256_le"]
    planes = [None if p is None else [p.name, p.description] for p in masked.mask.schema]
    assert planes == [None if t is None else t[:2] for t in truth["mask"]["planes"]]
    for name, _, n_set in filter(None, truth["mask"]["planes"]):
        assert masked.mask.get(name).sum() == n_set
    assert masked.metadata == truth["metadata"]
    window = Box.factory[y0 + 3 : y1 - 5, x0 + 7 : x1 - 2]
    part = MaskedImage.read(path, bbox=window)
    assert part.image == masked.image[window] and part.mask == masked.mask[window]
    # Early releases stored it with the planes, later ones once, or not at all.
    release = path.parent.name
    visit = 2025052000177 if release in ("30.0.4", "30.0.6", "seed", "w.2026.20") else None
    assert (masked.obs_info and masked.obs_info.visit_id) == visit
    assert (masked.projection is None) == (not truth.get("sky_points"))


@pytest.mark.parametrize(
    "name", ["image", "image_uint16_uncompressed", "mask", "masked_image", "masked_image_rice", "color_image"]
)
def test_read_real_files_equal_truth(name: str, shared_data: Path) -> None:
    path = shared_data / "examples" / f"{name}.fits"
    truth = json.loads(path.with_name(f"{path.name}.truth.json").read_text())
    arrays = np.load(path.with_name(f"{path.name}.truth.npz"))
    obj = read(path)
    assert type(obj).__name__ == truth["python_type"] and obj.metadata == truth["metadata"]
    planes = {"image": obj, "mask": obj} if isinstance(obj, Image | Mask) else {}
    records = {**truth, **truth.get("channels", {})}
    found = 0
    for plane in ("image", "variance", "mask", "red", "green", "blue"):
        if not isinstance(record := records.get(plane), dict):
            continue
        part = planes.get(plane) or getattr(obj, plane)
        record = {**record, **record.get("array", {})}
        np.testing.assert_array_equal(part.array, arrays[record["npz"]])
        assert str(part.array.dtype) == record["dtype"]
        if plane == "mask":
            for n, key in enumerate(truth["mask"]["planes_order"]):
                np.testing.assert_array_equal(part.get(key), arrays[truth["mask"]["npz_planes"]][n])
        found += 1
    assert found in (1, 3)


def test_read_real_butler_file_has_dataset_reference(shared_data: Path) -> None:
    butler = pytest.importorskip("lsst.daf.butler")
    path = shared_data / "examples" / "masked_image_butler.fits"
    truth = json.loads(path.with_name(f"{path.name}.truth.json").read_text())["butler_info"]
    masked = MaskedImage.read_fits(path)
    for part in (masked, masked.local[:3, :3], masked.copy()):
        assert part.butler_dataset == butler.SerializedDatasetRef.model_validate(truth["dataset"])
        assert part.butler_provenance == butler.DatasetProvenance.model_validate(truth["provenance"])
