# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Repositories with a small survey in them, for tests of the Butler."""

from __future__ import annotations

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
BOX = Box.factory[130:170, 240:300]

RECORDS = {
    "instrument": [{"name": "TestCam", "visit_max": 1000, "exposure_max": 1000, "detector_max": 100}],
    "physical_filter": [{**INSTRUMENT, "name": "r_test", "band": "r"}],
    "day_obs": [{**INSTRUMENT, "id": 20260102}],
    "detector": [{**INSTRUMENT, "id": n, "full_name": f"D{n}"} for n in DETECTORS],
    "visit": [{**INSTRUMENT, "id": 42, "name": "42", "physical_filter": "r_test", "day_obs": 20260102}],
}


def add_records(butler: Butler) -> None:
    """Insert an instrument with four detectors, a visit, and where these look."""
    for dimension, rows in RECORDS.items():
        butler.registry.insertDimensionData(dimension, *rows, skip_existing=True)
    regions = [{**data_id, "region": outline()} for data_id in DATA_IDS]
    butler.registry.insertDimensionData("visit_detector_region", *regions, skip_existing=True)


@functools.cache
def outline() -> ConvexPolygon:
    """Return the part of the sky that all images show."""
    y, x = (np.array([n.start, n.stop, n.stop, n.start]) for n in (FULL.y, FULL.x))
    corners = projection().pixel_to_sky(x=x[[0, 0, 1, 1]], y=y)
    return ConvexPolygon([UnitVector3d(*point) for point in corners.cartesian.xyz.value.T])


def register(butler: Butler, **types: str) -> None:
    """Register dataset types: name and storage class."""
    for name, storage_class in types.items():
        butler.registry.registerDatasetType(
            DatasetType(name, DIMENSIONS, storage_class, universe=butler.dimensions)
        )


@functools.cache
def _template() -> Path:
    """Make a repository once; copies are much faster."""
    root = Path(tempfile.mkdtemp(prefix="images-template-")) / "repo"
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True)
    add_records(butler)
    return root


def new_repo(root: Path, *, config: Any = None, **types: str) -> Butler:
    """Make a repository with records and dataset types."""
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
    """Return a tangential projection around a field of the southern sky."""
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


def assert_same_pixels(a: MaskedImage, b: MaskedImage) -> None:
    """Compare three planes and where they are."""
    assert a.bbox == b.bbox
    assert a.image == b.image
    assert a.mask == b.mask
    assert a.variance == b.variance
