# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Repositories with a PostgreSQL registry."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.butler_servers import postgres
from helpers.repository import (
    BOX,
    DATA_ID,
    DATA_IDS,
    assert_same_pixels,
    assert_served,
    make_image,
    new_repo,
    put_images,
    sky_region,
)
from lsst.daf.butler import Butler, Config
from lsst.images.butler import read_cutouts
from lsst.images.butler.cli import get_cli_subcommands
from lsst.sphgeom import LonLat
from test_pipelines import fill_inputs, run_pipeline


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def root(server, tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("postgres") / "repo"
    config = Config()
    config["registry", "db"] = server
    config["registry", "namespace"] = "images"
    butler = new_repo(root, config=config, mi="MaskedImageV2")
    fill_inputs(butler)
    put_images(butler, "mi")
    return root


@pytest.fixture
def butler(root) -> Butler:
    return Butler.from_config(str(root), writeable=True, run="run")


def test_get_returns_whole_box_and_component(butler):
    assert_served(butler, "mi", DATA_ID, make_image(0))


def test_query_by_sky_position_finds_images_for_cutouts(butler):
    center = LonLat(sky_region().getCentroid())
    point = f"POINT({center.getLon().asDegrees()}, {center.getLat().asDegrees()})"
    query = f"visit_detector_region.region OVERLAPS {point}"
    refs = butler.query_datasets("mi", where=f"{query} AND instrument='TestCam'")
    assert len(refs) == len(DATA_IDS)
    for cutout, image in zip(
        read_cutouts(butler, [(r, BOX) for r in sorted(refs)]), map(make_image, range(4)), strict=True
    ):
        assert_same_pixels(cutout.image, image[BOX])


def put_one(arguments: tuple[str, int]) -> None:
    """Put an image; runs in a worker process."""
    root, seed = arguments
    butler = Butler.from_config(root, writeable=True, run="many")
    butler.put(make_image(seed), "mi", DATA_IDS[seed])


def test_put_from_several_processes_stores_all_images(root, butler):
    butler.collections.register("many")
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        list(pool.map(put_one, [(str(root), seed) for seed in range(len(DATA_IDS))]))
    for seed, data_id in enumerate(DATA_IDS):
        assert_same_pixels(butler.get("mi", data_id, collections="many"), make_image(seed))


def test_pipeline_with_postgresql_registry_writes_all_outputs(root):
    assert run_pipeline(str(root)) == len(DATA_IDS) + 1


def run_command(name: str, *arguments: object) -> str:
    """Run a subcommand of ``butler``, and return its output."""
    (command,) = (command for command in get_cli_subcommands() if command.name == name)
    result = CliRunner().invoke(command, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


def test_all_commands_on_empty_repository_with_postgresql_registry(server, tmp_path, shared_data):
    config = Config()
    config["registry", "db"] = server
    config["registry", "namespace"] = "empty"
    root = tmp_path / "repo"
    Butler.makeRepo(str(root), config=config)
    calexp = shared_data / "legacy" / "calexp" / "cfht_calexp-849375-12.fits.fz"
    run_command("register-image-dataset-types", root, "template_detector")
    ingest = ["ingest-images", root, "template_detector", calexp, "--output-run", "u/me", "-t", "direct"]
    ingest += ["--transfer-dimensions", "--data-id", "band=r"]
    assert "1 would be ingested" in run_command(*ingest, "--dry-run")
    assert "1 ingested, 0 already exist, 0 failed" in run_command(*ingest)
    assert "0 ingested, 1 already exists, 0 failed" in run_command(*ingest)
    (record,) = Butler.from_config(str(root)).query_dimension_records("visit_detector_region")
    center = LonLat(record.region.getCentroid())
    ra, dec = center.getLon().asDegrees(), center.getLat().asDegrees()
    where = [
        "--where",
        f"visit_detector_region.region OVERLAPS POINT({ra}, {dec}) AND instrument='MegaPrime'",
    ]
    select = ["-d", "template_detector", "--collections", "u/me", *where]
    place = ["--position", ra, dec, "--radius", 2]
    assert "1 cutout" in run_command("image-cutouts", root, tmp_path / "out", *select, *place)
    assert "MegaPrime" in run_command("describe-image", root, *select)
    assert "1 of 1 dataset" in run_command("verify-images", root, *select)
