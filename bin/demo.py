# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Ingest a calexp into a Butler repository, read it back, and compare every pixel with astropy.

Without an argument, a simulated calexp is written first, in the file layout of ``lsst.afw``.
The repository and a quicklook image are kept in the current directory.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _make_calexp import write_calexp
from astropy.io import fits
from astropy.wcs import WCS, FITSFixedWarning, WcsError
from lsst.daf.butler import Butler, CollectionType, DatasetRef, DatasetType, FileDataset
from lsst.images import Box, Image, Mask, MaskedImage
from lsst.images.butler import image_region
from lsst.images.errors import ImagesError

FORMATTER = "lsst.images.formatters.LegacyFormatter"
DATA_ID = {"instrument": "DemoCam", "visit": 42, "detector": 12}
# Mask planes that `lsst.images` renames; all others keep their name.
RENAMED = {
    "SAT": "SATURATED",
    "INTRP": "INTERPOLATED",
    "CR": "COSMIC_RAY",
    "EDGE": "DETECTION_EDGE",
    "UNMASKEDNAN": "UNMASKED_NAN",
}


@contextmanager
def step(title: str) -> Iterator[list[str]]:
    """Print the title of a step, its wall time and its results."""
    results: list[str] = []
    begin = time.perf_counter()
    yield results
    print(f"{title:12s} {time.perf_counter() - begin:6.2f} s  {'; '.join(results)}", flush=True)


# The same file, read with astropy only.


@dataclass
class Independent:
    """Contents of a calexp as read by astropy."""

    image: np.ndarray
    mask: np.ndarray | None
    variance: np.ndarray | None
    bits: dict[str, int]
    yx0: tuple[int, int]
    header: fits.Header

    @classmethod
    def read(cls, path: Path) -> Independent:
        """Find the planes by EXTTYPE, EXTNAME, or position in the file."""
        with fits.open(path) as hdus:
            planes = [h for h in hdus if getattr(h, "is_image", False) and h.header.get("NAXIS", 0) > 0]
            roles = [h.header.get("EXTTYPE", h.header.get("EXTNAME", "")).strip().upper() for h in planes]
            if "IMAGE" in roles:
                found = [
                    planes[roles.index(r)] if r in roles else None for r in ("IMAGE", "MASK", "VARIANCE")
                ]
            else:
                found = [*planes[:3], None, None, None][:3]
            if (image := found[0]) is None:
                raise OSError(f"{str(path)!r} does not contain an image HDU.")
            arrays = [None if h is None else h.data.reshape(h.data.shape[-2:]) for h in found]
            cards = {} if found[1] is None else found[1].header
            bits = {key[3:]: int(cards[key]) for key in cards if key.startswith("MP_")}
            return cls(*arrays, bits, cls.origin(image.header), image.header)

    @staticmethod
    def origin(header: fits.Header) -> tuple[int, int]:
        """Return the (y, x) coordinates of the first pixel, from the WCS "A" or from LTV1 and LTV2."""
        if header.get("CRPIX1A", 0) == 1 and header.get("CRPIX2A", 0) == 1:
            return round(header["CRVAL2A"]), round(header["CRVAL1A"])
        return round(-header.get("LTV2", 0)), round(-header.get("LTV1", 0))

    def differences(self, mine: MaskedImage) -> list[str]:
        """Return the names of the planes of an image that differ from the file."""
        wrong = []
        y, x = (mine.bbox.start[i] - self.yx0[i] for i in (0, 1))
        window = np.s_[y : y + mine.bbox.shape[0], x : x + mine.bbox.shape[1]]
        if not np.array_equal(mine.image.array, self.image[window], equal_nan=True):
            wrong.append("image pixels")
        if self.variance is not None and not np.array_equal(
            mine.variance.array, self.variance[window], equal_nan=True
        ):
            wrong.append("variance pixels")
        return wrong + self.mask_differences(mine.mask, window)

    def mask_differences(self, mine: Mask, window: tuple[slice, slice]) -> list[str]:
        """Return the names of the mask planes that differ from the file."""
        wrong = []
        for name, bit in self.bits.items() if self.mask is not None else ():
            ours = RENAMED.get(name, name) if RENAMED.get(name) in mine.schema.names else name
            theirs = (self.mask[window].astype(np.int64) >> bit) & 1  # type: ignore[index]
            if ours not in mine.schema.names or not np.array_equal(mine.get(ours), theirs.astype(bool)):
                wrong.append(f"mask plane {name}")
        return wrong


def check_file(calexp: Path) -> str:
    """Raise an error for an unreadable file, before a new run is created."""
    for plane in ("image", "mask"):
        MaskedImage.read_legacy(calexp, component=plane)  # type: ignore[call-overload]
    return f"{calexp.name} is readable"


# Butler operations.


def open_repository(root: Path) -> Butler:
    """Open the repository; create it and its dimension records if it does not exist."""
    if root.exists() and not (root / "butler.yaml").is_file():
        raise FileExistsError(f"{root} exists, but is not a Butler repository; move or remove it.")
    if not root.exists():
        # Create under a temporary name and rename, so that no incomplete repository remains.
        partial = tempfile.mkdtemp(prefix=f"{root.name}_", dir=root.parent)
        Butler.makeRepo(partial)
        Path(partial).rename(root)
    butler = Butler.from_config(str(root), writeable=True)
    instrument = {"instrument": "DemoCam"}
    records: dict[str, dict[str, Any]] = {
        "instrument": {"name": "DemoCam", "visit_max": 1000, "exposure_max": 1000, "detector_max": 100},
        "physical_filter": {**instrument, "name": "r_demo", "band": "r"},
        "day_obs": {**instrument, "id": 20260102},
        "detector": {**instrument, "id": 12, "full_name": "R00_S12"},
        "visit": {**instrument, "id": 42, "name": "42", "physical_filter": "r_demo", "day_obs": 20260102},
    }
    with butler.transaction():
        for dimension, record in records.items():
            butler.registry.insertDimensionData(dimension, record, skip_existing=True)
    return butler


def ingest(butler: Butler, calexp: Path) -> DatasetRef:
    """Ingest the file in place into a new run."""
    dataset_type = DatasetType("calexp", set(DATA_ID), "MaskedImageV2", universe=butler.dimensions)
    butler.registry.registerDatasetType(dataset_type)
    previous = butler.collections.query("demo/run-*")
    run = f"demo/run-{1 + max((int(name.rpartition('-')[2]) for name in previous), default=0)}"
    butler.collections.register(run)
    ref = DatasetRef(dataset_type, butler.registry.expandDataId(DATA_ID), run=run)
    butler.ingest(FileDataset(str(calexp), ref, formatter=FORMATTER), transfer="direct")
    butler.collections.register("demo", CollectionType.CHAINED)
    butler.collections.redefine_chain("demo", [run])
    insert_regions(butler, ref)
    return ref


def insert_regions(butler: Butler, ref: DatasetRef) -> None:
    """Insert the sky region of the image, by which queries and pipelines find it."""
    projection, bbox = (butler.get(ref.makeComponentRef(name)) for name in ("sky_projection", "bbox"))
    region = None if projection is None else image_region(projection, bbox)
    if region is None:
        return
    (visit,) = butler.query_dimension_records("visit", instrument="DemoCam", visit=42)
    with butler.transaction():
        row = {**DATA_ID, "region": region}
        butler.registry.insertDimensionData("visit_detector_region", row, replace=True)
        butler.registry.insertDimensionData("visit", {**visit.toDict(), "region": region}, replace=True)


def quicklook(image: Image, path: Path) -> None:
    """Plot an image in its pixel coordinates."""
    import matplotlib

    matplotlib.use("Agg")
    from astropy.visualization import simple_norm
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 6), layout="constrained")
    box = image.bbox
    extent = (box.x.start - 0.5, box.x.stop - 0.5, box.y.start - 0.5, box.y.stop - 0.5)
    finite = np.nan_to_num(image.array.astype(np.float64), posinf=0, neginf=0)
    norm = simple_norm(finite, "asinh", percent=99.5)
    drawn = axes.imshow(image.array, origin="lower", extent=extent, norm=norm, cmap="gray")
    figure.colorbar(drawn, ax=axes, label=str(image.unit or "pixel value"))
    axes.set(title=f"calexp {box}", xlabel="x", ylabel="y")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


def central_box(full: Box) -> Box:
    """Return the central part of a box, at most 300 pixels wide and high."""
    (y0, x0), (ny, nx) = full.start, full.shape
    hy, hx = min(300, (ny + 1) // 2), min(300, (nx + 1) // 2)
    y, x = y0 + (ny - hy) // 2, x0 + (nx - hx) // 2
    return Box.factory[y : y + hy, x : x + hx]


def position_report(mine: MaskedImage, truth: Independent) -> str:
    """Compare the sky position of the centre of the box with astropy."""
    try:
        wcs = WCS(truth.header, fix=False).celestial
    except (KeyError, ValueError, WcsError):
        wcs = None
    if mine.astropy_wcs is None or wcs is None or not wcs.has_celestial:
        return "the file has no celestial WCS to compare with"
    y, x = ((n - 1) / 2 for n in mine.bbox.shape)
    ours = mine.astropy_wcs.pixel_to_world(x, y)
    dy, dx = (mine.bbox.start[i] - truth.yx0[i] for i in (0, 1))
    apart = ours.separation(wcs.pixel_to_world(x + dx, y + dy)).to_value("mas")
    return f"centre at {ours.to_string('hmsdms', precision=1)}, {apart:.2f} mas from that of astropy"


def run(calexp: Path, root: Path, png: Path) -> list[str]:
    """Ingest, read and compare; return the differences."""
    with step("file") as results:
        results.append(check_file(calexp))
    with step("repository") as results:
        butler = open_repository(root)
        results.append(f"{root} (SQLite)")
    with step("ingest") as results:
        ref = ingest(butler, calexp)
        results.append(f"calexp {dict(ref.dataId.required)} ingested in place into run {ref.run!r}")
    butler = Butler.from_config(str(root), collections="demo")
    with step("bbox") as results:
        full = butler.get("calexp.bbox", DATA_ID)
        results.append(str(full))
    box = central_box(full)
    with step("box") as results:
        cutout = butler.get("calexp", DATA_ID, parameters={"bbox": box})
        results.append(f"{cutout}")
    with step("component") as results:
        mask = butler.get("calexp.mask", DATA_ID, parameters={"bbox": box})
        image = butler.get("calexp.image", DATA_ID, parameters={"bbox": box})
        results.append(f"mask with {len(mask.schema.names)} planes, and image, of the same box")
    with step("whole") as results:
        whole = butler.get("calexp", DATA_ID)
        results.append(f"{whole.bbox.shape[1]} x {whole.bbox.shape[0]} pixels, three planes")
    with step("astropy") as results:
        truth = Independent.read(calexp)
        results.append("the same file, read with astropy")
    with step("check") as results:
        wrong = [f"box: {d}" for d in truth.differences(cutout)]
        wrong += [f"whole: {d}" for d in truth.differences(whole)]
        if tuple(whole.bbox.start) != truth.yx0 or tuple(whole.bbox.shape) != truth.image.shape:
            wrong.append(f"bounding box {whole.bbox}, but the origin in the file is (y, x) = {truth.yx0}")
        wrong += [
            f"component {d}"
            for d in truth.differences(MaskedImage(image, mask=mask, variance=cutout.variance))
        ]
        wrong += [
            f"provenance of {name}"
            for name, obj in (("box", cutout), ("mask", mask), ("image", image), ("whole", whole))
            if obj.butler_dataset is None or obj.butler_dataset.id != ref.id
        ]
        results.append(
            f"pixels, {len(truth.bits)} mask planes, origin, provenance: {'NOT ' * bool(wrong)}identical"
        )
    print(f"{'sky position':22s} {position_report(cutout, truth)}")
    print(f"{'provenance':22s} {cutout.butler_dataset and cutout.butler_dataset.id} in {ref.run!r}")
    with step("quicklook") as results:
        quicklook(cutout.image, png)
        results.append(str(png))
    return wrong


def main() -> None:
    """Parse the command line and run."""
    parser = argparse.ArgumentParser(prog="bin/demo", description=__doc__)
    parser.add_argument(
        "calexp", nargs="?", type=Path, help="a calexp in FITS; a simulated one is written by default"
    )
    calexp = parser.parse_args().calexp
    warnings.simplefilter("ignore", FITSFixedWarning)
    here = Path.cwd()
    if calexp is None:
        calexp = here / "demo_calexp.fits"
        if not calexp.exists():
            with step("calexp") as results:
                write_calexp(calexp)
                results.append(f"{calexp}, {calexp.stat().st_size / 1e6:.1f} MB")
    elif not calexp.is_file():
        sys.exit(f"bin/demo: {str(calexp)!r} does not exist or is not a file.")
    try:
        wrong = run(calexp.absolute(), here / "demo_repo", here / "demo_quicklook.png")
    except (ImagesError, OSError, ValueError) as err:
        # The Butler wraps exceptions of formatters.
        cause = err.__cause__ if isinstance(err.__cause__, ImagesError | OSError) else err
        if not isinstance(cause, ImagesError | OSError):
            raise
        sys.exit(f"bin/demo: {type(cause).__name__}: {cause}")
    if wrong:
        sys.exit("bin/demo: these differ from astropy:\n  " + "\n  ".join(wrong))
    print(f"\nTo continue:  Butler({str(here / 'demo_repo')!r}, collections='demo').get('calexp', {DATA_ID})")


if __name__ == "__main__":
    main()
