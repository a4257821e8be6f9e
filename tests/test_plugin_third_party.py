# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A third-party package that is installed and used with files, a Butler and commands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from helpers.third_party import COMMAND, EXAMPLE, install, run


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("third_party")


@pytest.fixture(scope="module")
def environment(place) -> dict[str, str]:
    """An environment in which the package is installed and configured."""
    return {**os.environ, **install(place)}


@pytest.fixture(scope="module")
def old_file(place) -> Path:
    pixels = np.random.default_rng(3).normal(size=(40, 120)).astype(np.float32)
    hdu = fits.PrimaryHDU(pixels)
    hdu.header["AMPL"], hdu.header["SEEING"] = 0.025, 3.1
    path = place / "old.fits"
    hdu.writeto(path)
    return path


@pytest.fixture(scope="module")
def stored(environment, place, old_file) -> Path:
    """The file that the example stores in a Butler repository."""
    result = subprocess.run(
        [sys.executable, str(EXAMPLE / "use_fringes.py"), str(old_file), str(place / "repo")],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return Path(result.stdout.splitlines()[-1])


def test_plugins_command_lists_hooks_of_third_party_plugin(environment):
    listed = {p["name"]: p for p in json.loads(run(environment, "plugins", "--json", "--strict"))["plugins"]}
    plugin = listed["my_survey"]
    assert (plugin["package"], plugin["version"], plugin["error"]) == ("my-survey-images", "1.0", None)
    assert {"register_datasets", "parse_bbox", "convert_from_legacy", "register_commands"} <= {
        *plugin["hooks"]
    }


def test_butler_config_contains_third_party_storage_class(environment, place):
    text = (place / "config" / "storageClasses.yaml").read_text()
    assert "FringeFrame" in text
    assert "FringeFrame" in (place / "config" / "datastores" / "fileDatastore.yaml").read_text()


def test_third_party_dataset_put_stores_pixels(stored, old_file):
    assert stored.is_file()
    with fits.open(old_file) as old:
        whole = old[0].data
    with fits.open(stored) as hdus:
        assert np.array_equal(hdus["IMAGE"].data, whole)


def test_third_party_command_is_a_subcommand(environment, stored):
    assert "fringe-amplitude" in run(environment, "--help")
    assert run(environment, "fringe-amplitude", str(stored)) == "0.025\n"


def test_describe_command_uses_third_party_description(environment, stored):
    assert "Fringes of 2.5% over" in run(environment, "describe", "--read", str(stored))


def test_read_legacy_uses_third_party_reader(environment, old_file):
    code = (
        "import sys; from lsst.images.plugins import registry; from lsst.resources import ResourcePath;"
        "from my_survey_images import FringeFrame;"
        "print(registry.read_legacy(ResourcePath(sys.argv[1]), FringeFrame).amplitude)"
    )
    assert run(environment, str(old_file), code=code) == "0.025\n"


def test_describe_command_without_plugin_names_missing_schema(environment, stored):
    alone = {**environment, "LSST_IMAGES_DISABLE_PLUGINS": "my_survey"}
    result = subprocess.run(
        [sys.executable, "-c", COMMAND, "describe", str(stored)], env=alone, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "UnknownSchemaError" in result.stdout and "my_survey.fringe_frame" in result.stdout
    assert "Traceback" not in result.stderr


def test_third_party_example_is_short():
    lines = [
        line
        for path in (EXAMPLE / "my_survey_images").glob("*.py")
        for line in path.read_text().splitlines()
        if line.strip() and not line.lstrip().startswith("#")
    ]
    assert len(lines) < 250
