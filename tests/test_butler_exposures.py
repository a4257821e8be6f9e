# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Put and get visit images, difference images and coadds, with the configuration released with the Butler."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.exposures import (
    make_cell_coadd,
    make_cell_psf,
    make_detector,
    make_difference_image,
    make_kernel,
    make_provenance,
    make_spline,
    make_visit_image,
)
from lsst.daf.butler import Butler, Config, DatasetType
from lsst.images import Box, DifferenceImageTemplateInfo, MaskedImage, ObservationSummaryStats
from lsst.images.butler import write_config
from lsst.images.psfs import GaussianPointSpreadFunction

DATA_ID = {"instrument": "TestCam", "visit": 42, "detector": 1}
TYPES = {"visit": "VisitImage", "difference": "DifferenceImage", "coadd": "CellCoadd"}
MAKERS: dict[str, Any] = {
    "visit": make_visit_image,
    "difference": make_difference_image,
    "coadd": make_cell_coadd,
}
BOXES = {"visit": Box.factory[12:30, 25:50], "coadd": Box.factory[113:130, 220:240]}
BOXES["difference"] = BOXES["visit"]


@pytest.fixture
def butler(make_butler: Any) -> Any:
    return make_butler(**TYPES)


def assert_same(found: Any, expected: Any) -> None:
    """Assert that two components or images are equal."""
    assert type(found) is type(expected)
    if isinstance(expected, MaskedImage):
        for plane in ("image", "mask", "variance"):
            assert getattr(found, plane) == getattr(expected, plane)
    elif isinstance(expected, list) and expected and isinstance(expected[0], DifferenceImageTemplateInfo):
        assert [t.model_dump_json() for t in found] == [t.model_dump_json() for t in expected]
    else:
        assert found == expected


@pytest.mark.parametrize("name", TYPES)
def test_get_returns_all_components_of_the_storage_class(name: str, butler: Any) -> None:
    obj = MAKERS[name]()
    butler.put(obj, name, DATA_ID)
    storage_class = butler.get_dataset_type(name).storageClass
    components = set(storage_class.allComponents()) - {"components", "masked_image"}
    assert {"psf", "image", "unit", "bbox", "backgrounds"} <= components
    for component in components:
        assert_same(butler.get(f"{name}.{component}", DATA_ID), getattr(obj, component))
    assert_same(butler.get(f"{name}.masked_image", DATA_ID), obj.as_masked_image())
    together = butler.get(f"{name}.components", DATA_ID)
    assert together.keys() == components


@pytest.mark.parametrize("name", TYPES)
def test_get_with_bbox_equals_slice(name: str, butler: Any) -> None:
    obj, bbox = MAKERS[name](), BOXES[name]
    butler.put(obj, name, DATA_ID)
    parameters = {"bbox": bbox}
    whole = butler.get(name, DATA_ID, parameters=parameters)
    assert_same(whole, obj[bbox])
    assert whole.bounds == obj[bbox].bounds and whole.psf == obj[bbox].psf
    masked = butler.get(f"{name}.masked_image", DATA_ID, parameters=parameters)
    assert_same(masked, obj[bbox].as_masked_image())
    assert butler.get(f"{name}.variance", DATA_ID, parameters=parameters) == obj.variance[bbox]


def test_get_visit_image_as_masked_image_returns_planes(butler: Any) -> None:
    visit = make_visit_image()
    butler.put(visit, "visit", DATA_ID)
    found = butler.get("visit", DATA_ID, storageClass="MaskedImageV2")
    assert isinstance(found, MaskedImage) and found.image == visit.image


PARTS: dict[str, Any] = {
    "ConvolutionKernel": make_kernel,
    "PointSpreadFunction": lambda: GaussianPointSpreadFunction(2.0, Box.factory[0:9, 0:9], 21),
    "CellPointSpreadFunction": make_cell_psf,
    "CellCoaddProvenance": make_provenance,
    "DetectorV2": make_detector,
    "BackgroundMap": lambda: make_visit_image().backgrounds,
    "ImageField": make_spline,
    "ObservationSummaryStats": lambda: ObservationSummaryStats(psfSigma=2.5),
    "CameraFrameSet": lambda: make_detector().frames,
}


def put_and_get(root: str, datastore: str | None) -> None:
    """Put and get all storage classes; runs in a new process, because a process loads one configuration."""
    config = Config()
    if datastore is not None:
        config["datastore", "cls"] = datastore
    Butler.makeRepo(root, config=config)
    butler = Butler.from_config(root, writeable=True, run="run")
    for storage_class in (*PARTS, *TYPES.values()):
        butler.registry.registerDatasetType(
            DatasetType(f"a_{storage_class}", (), storage_class, universe=butler.dimensions)
        )
    for storage_class, make in PARTS.items():
        butler.put(make(), f"a_{storage_class}")
        assert_same(butler.get(f"a_{storage_class}"), make())
    for name, storage_class in TYPES.items():
        obj, bbox = MAKERS[name](), BOXES[name]
        butler.put(obj, f"a_{storage_class}")
        components = butler.get_dataset_type(f"a_{storage_class}").storageClass.allComponents()
        assert {"projection", "bounds", "masked_image"} <= set(components)
        for component in set(components) - {"components", "masked_image"}:
            assert_same(butler.get(f"a_{storage_class}.{component}"), getattr(obj, component))
        part = butler.get(f"a_{storage_class}.masked_image", parameters={"bbox": bbox})
        assert_same(part, obj[bbox].as_masked_image())
        assert_same(butler.get(f"a_{storage_class}", parameters={"bbox": bbox}), obj[bbox])
    print("done")


@pytest.mark.parametrize(
    "datastore",
    [None, "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"],
    ids=["files", "memory"],
)
def test_generated_configuration_serves_all_storage_classes(datastore: str | None, tmp_path: Path) -> None:
    write_config(tmp_path / "config")
    result = subprocess.run(
        [sys.executable, "-W", "ignore", __file__, str(tmp_path / "repo"), *filter(None, [datastore])],
        env={
            **os.environ,
            "DAF_BUTLER_CONFIG_PATH": str(tmp_path / "config"),
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.stdout.endswith("done\n"), result.stderr[-3000:]


def test_put_of_modified_image_that_was_read_stores_new_pixels(butler: Any) -> None:
    visit = make_visit_image()
    butler.put(visit, "visit", DATA_ID)
    back = butler.get("visit", DATA_ID)
    back.apply_background("sky")
    butler.put(back, "visit", {**DATA_ID, "detector": 2})
    stored = butler.get("visit", {**DATA_ID, "detector": 2})
    assert stored.backgrounds.subtracted.name == "sky"
    np.testing.assert_array_equal(stored.image.array, back.image.array)
    assert stored.butler_dataset.id != back.butler_dataset.id


if __name__ == "__main__":
    put_and_get(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
