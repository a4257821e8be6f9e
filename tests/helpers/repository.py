# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Butler repositories with the dimension records of a small survey."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.wcs import WCS
from lsst.daf.butler import Butler, DatasetType
from lsst.images import Box, GeneralFrame, Image, Mask, MaskedImage, MaskPlane, MaskSchema, Projection
from lsst.sphgeom import ConvexPolygon, UnitVector3d

INSTRUMENT = {"instrument": "TestCam"}
DETECTORS = (1, 2, 3, 4)
DATA_ID = {**INSTRUMENT, "visit": 42, "detector": 1}
DATA_IDS = [{**DATA_ID, "detector": n} for n in DETECTORS]
DIMENSIONS = ("instrument", "visit", "detector")
FULL = Box.factory[100:260, 200:370]
"""Bounding box of the example images."""

BOX = Box.factory[130:170, 240:300]
"""Part of an example image."""

RECORDS = {
    "instrument": [{"name": "TestCam", "visit_max": 1000, "exposure_max": 1000, "detector_max": 100}],
    "physical_filter": [{**INSTRUMENT, "name": "r_test", "band": "r"}],
    "day_obs": [{**INSTRUMENT, "id": 20260102}],
    "detector": [{**INSTRUMENT, "id": n, "full_name": f"D{n}"} for n in DETECTORS],
    "visit": [{**INSTRUMENT, "id": 42, "name": "42", "physical_filter": "r_test", "day_obs": 20260102}],
}


def add_records(butler: Butler) -> None:
    """Insert the records of an instrument with four detectors and of a visit with its sky regions."""
    for dimension, rows in RECORDS.items():
        butler.registry.insertDimensionData(dimension, *rows, skip_existing=True)
    regions = [{**data_id, "region": sky_region()} for data_id in DATA_IDS]
    butler.registry.insertDimensionData("visit_detector_region", *regions, skip_existing=True)


@functools.cache
def sky_region() -> ConvexPolygon:
    """Return the sky region of the example images."""
    y, x = (np.array([n.start, n.stop, n.stop, n.start]) for n in (FULL.y, FULL.x))
    corners = projection().pixel_to_sky(x=x[[0, 0, 1, 1]], y=y)
    return ConvexPolygon([UnitVector3d(*point) for point in corners.cartesian.xyz.value.T])


def register(butler: Butler, **types: str) -> None:
    """Register dataset types, given the storage class by name."""
    for name, storage_class in types.items():
        butler.registry.registerDatasetType(
            DatasetType(name, DIMENSIONS, storage_class, universe=butler.dimensions)
        )


@functools.cache
def _template() -> Path:
    """Create a repository once per process; copying it is much faster than creating another one."""
    directory = tempfile.mkdtemp(prefix="images-template-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    root = Path(directory) / "repo"
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True)
    add_records(butler)
    return root


def new_repo(root: Path, *, config: Any = None, **types: str) -> Butler:
    """Create a repository with dimension records and dataset types; return a writeable Butler."""
    if config is None:
        shutil.copytree(_template(), root)
    else:
        Butler.makeRepo(str(root), config=config)
    butler = Butler.from_config(str(root), writeable=True, run="run")
    if config is not None:
        add_records(butler)
    register(butler, **types)
    return butler


@functools.cache
def projection() -> Projection:
    """Return a tangent-plane projection."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.1, -27.8]
    wcs.wcs.crpix = [80.0, 60.0]
    wcs.wcs.cd = np.array([[-5.5e-5, 1e-6], [1e-6, 5.5e-5]])
    wcs.wcs.set()
    return Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix), x0=200, y0=100)


def make_image(seed: int = 7, box: Box = FULL) -> MaskedImage:
    """Make a masked image; different seeds give different pixels."""
    rng = np.random.default_rng(seed)
    planes = [MaskPlane(name, f"The {name.lower()} pixels.") for name in ("BAD", "CR", "EDGE")]
    mask = Mask(0, schema=MaskSchema(planes), bbox=box)
    for plane in planes:
        mask.set(plane.name, rng.random(box.shape) < 0.05)
    image = rng.normal(100, 5, box.shape).astype(np.float32)
    variance = rng.normal(25, 1, box.shape).astype(np.float32)
    return MaskedImage(
        Image(image, bbox=box, unit=u.nJy, projection=projection()),
        mask=mask,
        variance=Image(variance, bbox=box, unit=u.nJy**2),
        metadata={"airmass": 1.25, "seed": seed},
    )


def put_images(butler: Butler, name: str) -> None:
    """Put an image for each detector; the seed of each is its index in `DATA_IDS`."""
    for seed, data_id in enumerate(DATA_IDS):
        butler.put(make_image(seed), name, data_id)


def assert_served(butler: Butler, name: str, data_id: Any, expected: MaskedImage) -> None:
    """Assert that a Butler returns an image whole, by box and by component."""
    assert_same_pixels(butler.get(name, data_id), expected)
    assert_same_pixels(butler.get(name, data_id, parameters={"bbox": BOX}), expected[BOX])
    assert butler.get(f"{name}.mask", data_id, parameters={"bbox": BOX}) == expected.mask[BOX]


def assert_same_pixels(a: MaskedImage, b: MaskedImage) -> None:
    """Assert that bounding boxes, images, masks and variances are equal."""
    assert a.bbox == b.bbox
    assert a.image == b.image
    assert a.mask == b.mask
    assert a.variance == b.variance
