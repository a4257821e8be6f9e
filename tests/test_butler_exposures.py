# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images, difference images and coadds through a real Butler.

Its configuration is the released one: nothing of ours is added.
"""

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
from lsst.images import Box, DifferenceImageTemplateInfo, MaskedImage, ObservationSummaryStats
from lsst.images.butler import write_config
from lsst.images.psfs import GaussianPointSpreadFunction

butler_module = pytest.importorskip("lsst.daf.butler")

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
    """Compare components of any kind."""
    assert type(found) is type(expected)
    if isinstance(expected, MaskedImage):
        for plane in ("image", "mask", "variance"):
            assert getattr(found, plane) == getattr(expected, plane)
    elif isinstance(expected, list) and expected and isinstance(expected[0], DifferenceImageTemplateInfo):
        assert [t.model_dump_json() for t in found] == [t.model_dump_json() for t in expected]
    else:
        assert found == expected


@pytest.mark.parametrize("name", TYPES)
def test_every_component_that_the_butler_declares_is_served(name: str, butler: Any) -> None:
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
def test_boxes_are_slices(name: str, butler: Any) -> None:
    obj, bbox = MAKERS[name](), BOXES[name]
    butler.put(obj, name, DATA_ID)
    parameters = {"bbox": bbox}
    whole = butler.get(name, DATA_ID, parameters=parameters)
    assert_same(whole, obj[bbox])
    assert whole.bounds == obj[bbox].bounds and whole.psf == obj[bbox].psf
    masked = butler.get(f"{name}.masked_image", DATA_ID, parameters=parameters)
    assert_same(masked, obj[bbox].as_masked_image())
    assert butler.get(f"{name}.variance", DATA_ID, parameters=parameters) == obj.variance[bbox]


def test_a_visit_image_can_be_had_as_a_masked_image(butler: Any) -> None:
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
    """Use our own configuration, which a process can load only once."""
    config = butler_module.Config()
    if datastore is not None:
        config["datastore", "cls"] = datastore
    butler_module.Butler.makeRepo(root, config=config)
    butler = butler_module.Butler.from_config(root, writeable=True, run="run")
    for storage_class in (*PARTS, *TYPES.values()):
        butler.registry.registerDatasetType(
            butler_module.DatasetType(f"a_{storage_class}", (), storage_class, universe=butler.dimensions)
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
    print("all served")


@pytest.mark.parametrize(
    "datastore",
    [None, "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"],
    ids=["files", "memory"],
)
def test_our_configuration_serves_everything(datastore: str | None, tmp_path: Path) -> None:
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
    assert result.stdout.endswith("all served\n"), result.stderr[-3000:]


def test_pixels_that_came_from_a_butler_go_back(butler: Any) -> None:
    visit = make_visit_image()
    butler.put(visit, "visit", DATA_ID)
    back = butler.get("visit", DATA_ID)
    back.apply_background("sky")
    butler.put(back, "visit", {**DATA_ID, "detector": 2})
    again = butler.get("visit", {**DATA_ID, "detector": 2})
    assert again.backgrounds.subtracted.name == "sky"
    np.testing.assert_array_equal(again.image.array, back.image.array)
    assert again.butler_dataset.id != back.butler_dataset.id


if __name__ == "__main__":
    put_and_get(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None)
