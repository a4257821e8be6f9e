# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Ingest files with their dimension records into repositories that do not have any."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy
from astropy.wcs import WCS
from helpers.exposures import make_cell_coadd, make_obs_info, make_visit_image
from helpers.repository import DATA_IDS, DETECTORS, FULL, INSTRUMENT, add_records, make_image, register
from lsst.daf.butler import Butler, CollectionType, DatasetType
from lsst.images import Box, DetectorFrame, Projection, VisitImage
from lsst.images.butler import IngestReport, ingest_images
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.resources import ResourcePath
from lsst.sphgeom import LonLat, UnitVector3d

DAY_OBS = 20260102
RECORD_ELEMENTS = ("instrument", "physical_filter", "day_obs", "detector", "visit", "visit_detector_region")


def make_wcs() -> WCS:
    """Return the WCS of pixels whose origin is that of the first detector, in the manner of astropy."""
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.1, -27.8]
    wcs.wcs.crpix = [80.0, 60.0]
    wcs.wcs.cd = np.array([[-5.5e-5, 1e-6], [1e-6, 5.5e-5]])
    wcs.wcs.set()
    return wcs


def make_detector_image(seed: int, **facts: Any) -> VisitImage:
    """Make the image of a detector that has the values of all dimensions."""
    y0, x0 = FULL.start
    box = Box.factory[y0 : y0 + 160, x0 + 500 * seed : x0 + 500 * seed + 170]
    planes = make_image(seed, box)
    frame = DetectorFrame(instrument="TestCam", visit=42, detector=DETECTORS[seed], bbox=box)
    wanted = {"detector_num": DETECTORS[seed], "observing_day": DAY_OBS, **facts}
    return make_visit_image(
        image=planes.image,
        mask=planes.mask,
        variance=planes.variance,
        psf=GaussianPointSpreadFunction(2.0 + seed, box, 21),
        projection=Projection.from_fits_wcs(make_wcs(), frame, x0=x0, y0=y0),
        obs_info=make_obs_info(**wanted),
        bounds=None,
        photometric_scaling=None,
        aperture_corrections=None,
        backgrounds=None,
    )


def true_corners(seed: int) -> np.ndarray:
    """Return right ascension and declination of the corners of a detector, by astropy."""
    x = 500 * seed + np.array([-0.5, 169.5, 169.5, -0.5])
    return np.stack(make_wcs().pixel_to_world_values(x, [-0.5, -0.5, 159.5, 159.5]), axis=-1)


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Path:
    """A repository without dimension records; copying it is faster than making another one."""
    root = tmp_path_factory.mktemp("template") / "repo"
    Butler.makeRepo(str(root))
    register(Butler.from_config(str(root), writeable=True), calexp="VisitImage")
    return root


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> list[ResourcePath]:
    """One file for each detector."""
    directory = tmp_path_factory.mktemp("visit")
    for seed, detector in enumerate(DETECTORS):
        make_detector_image(seed).write(directory / f"detector{detector}.fits")
    return [ResourcePath(directory / f"detector{detector}.fits") for detector in DETECTORS]


@pytest.fixture
def butler(tmp_path, template) -> Butler:
    shutil.copytree(template, tmp_path / "repo")
    return Butler.from_config(str(tmp_path / "repo"), writeable=True)


def ingest(butler: Butler, files: Any, **options: Any) -> IngestReport:
    arguments = {"transfer": "copy", "transfer_dimensions": True, **options}
    return ingest_images(butler, files, "calexp", "u/me", **arguments)


def records(butler: Butler) -> dict[str, list[Any]]:
    return {e: butler.query_dimension_records(e, explain=False) for e in RECORD_ELEMENTS}


def find_at(butler: Butler, element: str, ra: float, dec: float) -> list[int]:
    """Return the detectors of the images whose region contains a position."""
    where = f"{element}.region OVERLAPS POINT({ra}, {dec}) AND instrument = 'TestCam'"
    refs = butler.query_datasets("calexp", "u/me", where=where, explain=False)
    return sorted(ref.dataId["detector"] for ref in refs)


# Dimension records.


def test_ingest_images_band_and_filter_come_from_file(butler, files):
    assert not ingest(butler, files).failed
    (physical_filter,) = records(butler)["physical_filter"]
    assert (physical_filter.name, physical_filter.band) == ("r_03", "r")


def test_ingest_images_regions_equal_astropy_footprints(butler, files):
    assert len(ingest(butler, files).ingested) == len(DETECTORS)
    found = {r.detector: r.region for r in records(butler)["visit_detector_region"]}
    assert found.keys() == set(DETECTORS)
    (visit,) = records(butler)["visit"]
    for seed, detector in enumerate(DETECTORS):
        vertices = np.array([list(v) for v in found[detector].getVertices()])
        corners = np.array([list(UnitVector3d(LonLat.fromDegrees(*c))) for c in true_corners(seed)])
        distances = np.linalg.norm(vertices[:, None] - corners, axis=-1)
        assert distances.min(axis=0).max() < 1e-12  # radians: every corner is a vertex
        assert visit.region.contains(found[detector])


def test_ingest_images_overlaps_point_finds_datasets(butler, files):
    ingest(butler, files)
    for seed, detector in enumerate(DETECTORS):
        ra, dec = true_corners(seed).mean(axis=0)
        assert find_at(butler, "visit_detector_region", ra, dec) == [detector]
        assert find_at(butler, "visit", ra, dec) == list(DETECTORS)
    assert find_at(butler, "visit_detector_region", ra + 1, dec) == []
    # Between detectors there is the visit, but no detector.
    ra, dec = (true_corners(0).mean(axis=0) + true_corners(1).mean(axis=0)) / 2
    assert find_at(butler, "visit_detector_region", ra, dec) == []
    assert find_at(butler, "visit", ra, dec) == list(DETECTORS)


def test_ingest_images_one_by_one_enlarges_region_of_visit(butler, files):
    for file in files:
        assert not ingest(butler, [file]).failed
    (visit,) = records(butler)["visit"]
    assert all(visit.region.contains(r.region) for r in records(butler)["visit_detector_region"])
    ra, dec = true_corners(3).mean(axis=0)
    assert find_at(butler, "visit", ra, dec) == list(DETECTORS)


def test_ingest_images_defined_visit_keeps_its_region(butler, files):
    add_records(butler)
    before = records(butler)
    facts = {"physical_filter": "r_test", "observing_day": DAY_OBS}
    make_detector_image(1, **facts).write(files[0].dirname().join("defined.fits").ospath, overwrite=True)
    assert not ingest(butler, [files[0].dirname().join("defined.fits")]).failed
    assert records(butler) == before


def test_ingest_images_again_adds_missing_regions(butler, files):
    rows = {
        "instrument": {"name": "TestCam"},
        "physical_filter": {**INSTRUMENT, "name": "r_03", "band": "r"},
        "day_obs": {**INSTRUMENT, "id": DAY_OBS},
        "visit": {**INSTRUMENT, "id": 42, "name": "42", "physical_filter": "r_03", "day_obs": DAY_OBS},
    }
    for element, row in rows.items():
        butler.registry.insertDimensionData(element, row)
    for detector in DETECTORS:
        butler.registry.insertDimensionData(
            "detector", {**INSTRUMENT, "id": detector, "full_name": f"D{detector}"}
        )
    assert len(ingest(butler, files, transfer_dimensions=False).ingested) == len(files)
    assert not records(butler)["visit_detector_region"]
    assert len(ingest(butler, files).skipped) == len(files)
    ra, dec = true_corners(2).mean(axis=0)
    assert find_at(butler, "visit_detector_region", ra, dec) == [DETECTORS[2]]
    assert find_at(butler, "visit", ra, dec) == list(DETECTORS)


# Facts and contradictions.


def test_ingest_images_given_value_contradicts_file_fails(butler, files):
    report = ingest(butler, files, data_id={"detector": 3})
    assert [file.uri for file in report.ingested] == [files[2]]
    reason = report.failed[files[0]]
    assert "detector=3 is given, but the file has 1" in reason
    report = ingest(butler, files[:1], data_id={"band": "g"})
    assert "band='g' is given, but the file has 'r'" in report.failed[files[0]]


def test_ingest_images_numpy_scalars_are_accepted(butler, tmp_path):
    make_image().write(tmp_path / "plain.fits")
    register(butler, plain="MaskedImageV2")
    given = {
        "instrument": np.str_("TestCam"),
        "visit": np.int64(7),
        "detector": np.int16(1),
        "physical_filter": np.str_("r_test"),
        "band": np.str_("r"),
        "day_obs": np.uint32(DAY_OBS),
        "exposure_time": np.float64(30.0),
    }
    report = ingest_images(
        butler, [tmp_path / "plain.fits"], "plain", "u/me", data_id=given, transfer_dimensions=True
    )
    assert len(report.ingested) == 1, report.failed
    (visit,) = records(butler)["visit"]
    assert visit.exposure_time == 30.0
    assert all(type(value) in (int, str) for value in report.ingested[0].data_id.mapping.values())


def test_ingest_images_cell_coadd_takes_data_id_from_object(butler, tmp_path):
    coadd = make_cell_coadd()
    coadd.write(tmp_path / "coadd.fits")
    dimensions = ("band", "skymap", "tract", "patch")
    coadds = DatasetType("coadd", dimensions, "CellCoadd", universe=butler.dimensions)
    butler.registry.registerDatasetType(coadds)
    (reason,) = ingest_images(butler, [tmp_path / "coadd.fits"], "coadd", "u/me").failed.values()
    assert "sky map" in reason
    tract = {"skymap": coadd.skymap, "tract": coadd.tract}
    skymap = {"name": coadd.skymap, "hash": b"0", "tract_max": 2**20, "patch_nx_max": 9, "patch_ny_max": 9}
    patch = {**tract, "id": coadd.patch.id, "cell_x": coadd.patch.index.x, "cell_y": coadd.patch.index.y}
    for element, row in (
        ("instrument", {"name": "TestCam"}),
        ("physical_filter", {**INSTRUMENT, "name": "r", "band": coadd.band}),
        ("skymap", skymap),
        ("tract", {"skymap": coadd.skymap, "id": coadd.tract}),
        ("patch", patch),
    ):
        butler.registry.insertDimensionData(element, row)
    report = ingest_images(butler, [tmp_path / "coadd.fits"], "coadd", "u/me", transfer="copy")
    (file,) = report.ingested
    assert dict(file.data_id.required) == {"band": coadd.band, **tract, "patch": coadd.patch.id}
    assert butler.get("coadd.bbox", file.data_id, collections="u/me") == coadd.bbox


# Dry runs and failed runs.


def outcome(report: IngestReport) -> Any:
    ingested = [(file.uri, dict(file.data_id.mapping), file.formatter) for file in report.ingested]
    return ingested, [file.uri for file in report.skipped], report.failed, report.orphans


def test_ingest_images_dry_run_equals_real_run_and_writes_nothing(butler, files, tmp_path):
    bad = tmp_path / "bad.fits"
    bad.write_bytes(b"SIMPLE  = nonsense")
    make_detector_image(1).write(tmp_path / "twin.fits")
    make_detector_image(2, observing_day=None).write(tmp_path / "nodate.fits")
    everything = [*files[:2], bad, tmp_path / "twin.fits", tmp_path / "nodate.fits"]
    dry = ingest(butler, everything, dry_run=True)
    assert "u/me" not in butler.collections.query("*")
    assert not any(records(butler).values())
    real = ingest(butler, everything)
    assert outcome(real) == outcome(dry)
    assert (len(real.ingested), len(real.failed)) == (1, 4)
    assert "day_obs" in real.failed[ResourcePath(tmp_path / "nodate.fits")]
    again = ingest(butler, everything, dry_run=True)
    assert [file.uri for file in again.skipped] == [file.uri for file in real.ingested]


def test_ingest_images_failed_run_leaves_no_collection(butler, tmp_path):
    bad = tmp_path / "bad.fits"
    bad.write_bytes(b"SIMPLE  = nonsense")
    assert ingest(butler, [bad]).failed
    assert "u/me" not in butler.collections.query("*")
    make_detector_image(0).write(tmp_path / "good.fits")
    # The file passes all checks, but the Butler cannot ingest it.
    report = ingest(butler, [tmp_path / "good.fits"], transfer=None)
    assert report.failed and not report.ingested
    assert "u/me" not in butler.collections.query("*")
    assert not any(records(butler).values())


def test_ingest_images_into_chain_is_refused(butler, files):
    butler.collections.register("u/me", CollectionType.CHAINED)
    for dry_run in (True, False):
        with pytest.raises(ValueError, match="CHAINED"):
            ingest(butler, files, dry_run=dry_run)


# Killed processes.


def ingest_and_die(root: Path, files: list[ResourcePath], statements: int, transfer: str) -> bool:
    """Ingest in a child process that is killed before an SQL statement; return whether it was killed."""
    if (pid := os.fork()) == 0:
        try:
            count = 0

            def before_statement(*arguments: Any) -> None:
                nonlocal count
                count += 1
                if count > statements:
                    os.kill(os.getpid(), signal.SIGKILL)

            butler = Butler.from_config(str(root), writeable=True)
            for event in ("before_cursor_execute", "commit"):
                sqlalchemy.event.listen(sqlalchemy.Engine, event, before_statement)
            ingest(butler, files, transfer=transfer, workers=1)
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(pid, 0)[1])


@pytest.mark.parametrize(("transfer", "step"), [("copy", 13), ("move", 29), ("direct", 37)])
def test_ingest_images_killed_completes_when_repeated(tmp_path, template, files, transfer, step):
    killed, statements = True, 1
    while killed:
        root = tmp_path / f"killed{statements}"
        root.mkdir()
        sources = [ResourcePath(root / uri.basename()) for uri in files]
        for source, uri in zip(sources, files, strict=True):
            source.transfer_from(uri, transfer="hardlink")
        butler_root = root / "repo"
        shutil.copytree(template, butler_root)
        killed = ingest_and_die(butler_root, sources, statements, transfer)
        butler = Butler.from_config(str(butler_root), writeable=True)
        left = [source for source in sources if source.exists()]
        report = ingest(butler, left, transfer=transfer)
        assert not report.failed and not report.orphans
        assert len(butler.query_datasets("calexp", "u/me")) == len(files)
        assert len(records(butler)["visit_detector_region"]) == len(files)
        statements += step
    assert statements > 3 * step


def test_ingest_images_half_registered_run_is_repaired(butler, files, tmp_path):
    butler.collections.register("u/me")
    with sqlite3.connect(tmp_path / "repo" / "gen3.sqlite3") as database:
        # The Butler registers a run in two transactions; a process was killed between them.
        database.execute("DELETE FROM run")
    report = ingest(butler, files)
    assert (len(report.ingested), report.failed) == (len(files), {})
    assert len(butler.query_datasets("calexp", "u/me")) == len(files)


def test_ingest_images_unregistered_copy_is_reported(butler, files):
    ingest(butler, files[:1])
    copy = butler.getURI("calexp", DATA_IDS[0], collections="u/me")
    left = copy.dirname().join("left.fits")
    left.transfer_from(copy, transfer="copy")
    assert ingest(butler, files[1:]).orphans == [left]


def test_ingest_images_registered_file_without_artifact_is_reported(butler, files):
    ingest(butler, files)
    artifact = butler.getURI("calexp", DATA_IDS[0], collections="u/me")
    artifact.remove()
    report = ingest(butler, files)
    assert (len(report.skipped), list(report.failed)) == (3, files[:1])
    assert str(artifact) in report.failed[files[0]]


def test_ingest_images_move_removes_sources(butler, tmp_path):
    make_detector_image(0).write(tmp_path / "moved.fits")
    assert len(ingest(butler, [tmp_path / "moved.fits"], transfer="move").ingested) == 1
    assert not (tmp_path / "moved.fits").exists()
    assert butler.get("calexp.bbox", DATA_IDS[0], collections="u/me") == make_detector_image(0).bbox


def test_get_file_of_another_repository_with_same_run_and_data_id(butler, files, template, tmp_path):
    ingest(butler, files[:1])
    butler.collections.register("u/put")
    butler.put(make_detector_image(0), "calexp", DATA_IDS[0], run="u/put")
    written = butler.getURI("calexp", DATA_IDS[0], collections="u/put")
    shutil.copytree(template, tmp_path / "other")
    other = Butler.from_config(str(tmp_path / "other"), writeable=True)
    report = ingest_images(other, [written], "calexp", "u/put", transfer="copy", transfer_dimensions=True)
    assert not report.failed
    assert other.get("calexp.bbox", DATA_IDS[0], collections="u/put") == make_detector_image(0).bbox
