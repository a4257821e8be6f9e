# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the command ``lsst-images`` and of the subcommands of ``butler``."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import astropy.table
import click
import pytest
import yaml
from click.testing import CliRunner, Result
from helpers.repository import (
    BOX,
    DATA_IDS,
    FULL,
    assert_same_pixels,
    make_image,
    new_repo,
    projection,
)
from lsst.daf.butler import Butler
from lsst.daf.butler.cli import butler as butler_command
from lsst.daf.butler.cli import cmd, opt
from lsst.images import Box, Image, MaskedImage
from lsst.images.butler.cli import get_cli_subcommands
from lsst.images.cli import BrokenCommand, cli
from lsst.images.cli._group import COMMANDS  # private: compared with the commands themselves
from lsst.images.plugins import hookimpl, registry

ROOT = Path(__file__).resolve().parents[1]
RESOURCES = ROOT / "python" / "lsst" / "images" / "butler" / "cli" / "resources.yaml"


def lsst_images(*arguments: object, code: int = 0) -> Result:
    """Run ``lsst-images``."""
    result = CliRunner().invoke(cli, [str(a) for a in arguments])
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


def butler(*arguments: object, code: int = 0) -> Result:
    """Run one of the subcommands of ``butler``."""
    name, *rest = map(str, arguments)
    (command,) = (c for c in get_cli_subcommands() if c.name == name)
    result = CliRunner().invoke(command, rest)
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    return result


@pytest.fixture
def file(tmp_path) -> Path:
    make_image().write(tmp_path / "image.fits")
    return tmp_path / "image.fits"


@pytest.fixture(scope="module")
def repo(tmp_path_factory) -> Path:
    """A repository that is not modified."""
    root = tmp_path_factory.mktemp("cli") / "repo"
    made = new_repo(root, mi="MaskedImageV2")
    for seed, data_id in enumerate(DATA_IDS):
        made.put(make_image(seed), "mi", data_id)
    return root


# lsst-images.


def test_help_lists_every_command():
    output = lsst_images("-h").output
    for name in ("butler-config", "describe", "plugins", "verify"):
        assert f"  {name} " in output
        assert "Usage:" in lsst_images(name, "--help").output


def test_plugins_lists_package_and_hooks():
    output = lsst_images("plugins").output
    assert "lsst.images._builtin_plugin._plugin" in output and "parse_bbox" in output
    listed = json.loads(lsst_images("plugins", "--json").output)
    assert listed["faults"] == []
    assert all(plugin["error"] is None for plugin in listed["plugins"])


def test_plugins_failed_declaration_is_listed_with_reason():
    @hookimpl
    def register_datasets():
        raise RuntimeError("no disk today")

    registry.register(SimpleNamespace(register_datasets=register_datasets), name="ailing")
    try:
        output = lsst_images("plugins", "--strict", code=1).output
    finally:
        registry.unregister("ailing")
    assert "ailing" in output and "no disk today" in output


def with_commands(function: Callable[[Any], None], action: Callable[[], None]) -> None:
    registry.register(SimpleNamespace(register_commands=hookimpl(function)), name="guest")
    try:
        action()
    finally:
        registry.unregister("guest")


def test_broken_plugin_command_prints_traceback():
    def register_commands(cli):
        raise RuntimeError("cannot import the telescope")

    def action() -> None:
        assert "cannot import the telescope" in lsst_images("--help").output
        result = CliRunner().invoke(cli, ["guest", "--any", "argument"])
        assert result.exit_code == 1
        assert "Traceback" in result.output and "cannot import the telescope" in result.output
        lsst_images("plugins")

    with_commands(register_commands, action)


def test_plugin_command_with_existing_name_is_broken():
    def register_commands(cli):
        cli.add_command(click.Command("describe"))
        cli.add_command(click.Command("fine", callback=lambda: click.echo("fine")))

    def action() -> None:
        assert lsst_images("fine").output == "fine\n"
        context = click.Context(cli)
        assert isinstance(cli.get_command(context, "guest:describe"), BrokenCommand)
        assert not isinstance(cli.get_command(context, "describe"), BrokenCommand)

    with_commands(register_commands, action)


def test_describe_shows_schema_type_and_metadata(file):
    output = lsst_images("describe", file).output
    for fact in ("masked_image 1.0.0", "lsst.images.MaskedImage", str(FULL), "nJy", "airmass"):
        assert fact in output
    assert "object " in lsst_images("describe", "--read", file).output


def test_describe_legacy_file_shows_planes(shared_data):
    output = lsst_images("describe", shared_data / "afw" / "exposure_visit_like.fits").output
    assert "lsst.afw" in output and "IMAGE, MASK, VARIANCE" in output


@pytest.mark.parametrize("command", ["describe", "verify"])
def test_command_missing_file_fails_without_traceback(command, tmp_path):
    assert "absent.fits" in lsst_images(command, tmp_path / "absent.fits", code=1).output


def test_verify_counts_damaged_files(file, tmp_path):
    assert "good" in lsst_images("verify", file).output
    bad = tmp_path / "bad.fits"
    bad.write_bytes(file.read_bytes()[:-2880])
    output = lsst_images("verify", file, bad, code=1).output
    assert "1 of 2 files is damaged" in output


def test_butler_config_writes_directory_or_repository(tmp_path):
    assert "DAF_BUTLER_CONFIG_PATH" in lsst_images("butler-config", tmp_path / "config").output
    assert (tmp_path / "config" / "storageClasses.yaml").is_file()
    new_repo(tmp_path / "repo")
    assert "butler.yaml" in lsst_images("butler-config", tmp_path / "repo").output
    lsst_images("butler-config", code=2)


# butler.


def test_butler_command_lists_subcommands():
    code = "import sys; from lsst.daf.butler.cli.butler import main; sys.exit(main())"
    path = os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    try:
        points = importlib.metadata.distribution("lsst-images").entry_points
        installed = any(point.group == "butler.cli" for point in points)
    except importlib.metadata.PackageNotFoundError:
        installed = False
    if not installed:
        # As with EUPS. Subcommands that are found twice would be an error.
        environment["DAF_BUTLER_PLUGINS"] = str(RESOURCES)
    result = subprocess.run(
        [sys.executable, "-c", code, "--help"], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    for command in get_cli_subcommands():
        assert command.name in result.stdout


def test_eups_resources_list_the_same_subcommands():
    content = yaml.safe_load(RESOURCES.read_text())["cmd"]
    assert sorted(content["commands"]) == sorted(command.name for command in get_cli_subcommands())
    for name in content["commands"]:
        function = butler_command.ButlerCLI._cmdNameToFuncName(name)
        assert function in sys.modules[content["import"]].__all__


def test_butler_subcommand_options_have_butler_names():
    decorators = [value for name, value in vars(opt).items() if name.endswith("_option")]
    own = {option for decorator in decorators for option in decorator.opts()}
    own |= {o for name in cmd.__all__ for p in getattr(cmd, name).params for o in p.opts}
    new = {
        "--overwrite",
        "--position",
        "--radius",
        "--table",
        "--bbox",
        "--component",
        "--list",
        "--storage-class",
        "--json",
    }
    for command in get_cli_subcommands():
        for parameter in command.params:
            for option in parameter.opts:
                if option.startswith("--"):
                    assert option in own | new, f"{option} of {command.name}"


def test_register_image_dataset_types_lists_and_registers_presets(tmp_path):
    new_repo(tmp_path / "repo")
    assert (
        "deep_coadd: CellCoadd" in butler("register-image-dataset-types", tmp_path / "repo", "--list").output
    )
    first = butler("register-image-dataset-types", tmp_path / "repo", "template_detector").output
    again = butler("register-image-dataset-types", tmp_path / "repo", "template_detector").output
    assert "registered" in first and "identical" in again
    assert "nonsense" in butler("register-image-dataset-types", tmp_path / "repo", "nonsense", code=1).output


def test_ingest_images_dry_run_ingest_and_repeat(tmp_path, repo):
    source = Butler.from_config(str(repo))
    source.retrieveArtifacts(source.query_datasets("mi", "run"), f"{tmp_path}/files/", transfer="copy")
    new_repo(tmp_path / "repo", mi="MaskedImageV2")
    command = [
        "ingest-images",
        tmp_path / "repo",
        "mi",
        tmp_path / "files",
        "--output-run",
        "u/me",
        "-t",
        "copy",
    ]
    dry = butler(*command, "--dry-run").output
    assert "4 would be ingested" in dry and "'detector': 3" in dry
    assert "4 ingested, 0 already exist, 0 failed" in butler(*command).output
    assert "0 ingested, 4 already exist, 0 failed" in butler(*command, "-j", "2").output
    made = Butler.from_config(str(tmp_path / "repo"), collections="u/me")
    assert_same_pixels(made.get("mi", DATA_IDS[1]), make_image(1))


def test_ingest_images_calexp_with_dimension_records(tmp_path, shared_data):
    Butler.makeRepo(str(tmp_path / "repo"))
    calexp = shared_data / "legacy" / "calexp" / "cfht_calexp-849375-12.fits.fz"
    command = [
        "ingest-images",
        tmp_path / "repo",
        "template_detector",
        calexp,
        "--output-run",
        "u/me",
        "-t",
        "direct",
    ]
    options = ["--register-dataset-types", "--transfer-dimensions"]
    assert "band" in butler(*command, *options, code=1).output
    assert "1 ingested" in butler(*command, *options, "--data-id", "band=r").output


def test_ingest_images_dry_run_and_errors_are_grouped(tmp_path, shared_data):
    Butler.makeRepo(str(tmp_path / "repo"))
    for number in range(3):
        make_image(number).write(tmp_path / f"image{number}.fits")
    files = [tmp_path / f"image{number}.fits" for number in range(3)]
    command = ["ingest-images", tmp_path / "repo", "template_detector", *files, "--output-run", "u/me"]
    command += ["-t", "copy", "--register-dataset-types"]
    for options in (["--dry-run"], []):
        output = butler(*command, *options, code=1).output
        assert output.count("Cannot determine the value of") == 1
        assert "3 files: InvalidArgumentError" in output and all(str(file) in output for file in files)
        assert "3 files could not be ingested" in output
    assert "1 file could not be ingested" in butler(*command[:4], *command[6:], code=1).output
    assert "u/me" not in Butler.from_config(str(tmp_path / "repo")).collections.query("*")


def test_image_cutouts_box_position_and_table(tmp_path, repo):
    y, x = BOX.y.start + 20, BOX.x.start + 30
    place = projection().pixel_to_sky(x=float(x), y=float(y))
    ra, dec = place.icrs.ra.deg, place.icrs.dec.deg
    astropy.table.Table({"ra": [ra, 0.0], "dec": [dec, 0.0]}).write(tmp_path / "places.ecsv")
    box = f"y={BOX.y.start}:{BOX.y.stop},x={BOX.x.start}:{BOX.x.stop}"
    result = butler(
        "image-cutouts", repo, tmp_path / "out", "-d", "mi", "--bbox", box, "--position", ra, dec,
        "--table", tmp_path / "places.ecsv", "--radius", 1,
        "--where", "detector=2 AND instrument='TestCam'",
        "--component", "image",
    )  # fmt: skip
    # The position is also in the table; both are written to the same file.
    assert "outside" in result.output
    files = sorted((tmp_path / "out").glob("*.fits"))
    assert len(files) == 2
    truth = make_image(1).image
    for path in files:
        cut = Image.read(path)
        assert cut == truth[cut.bbox]
        assert cut.butler_dataset.run == "run"
    assert any(Image.read(path).bbox == BOX for path in files)


def test_image_cutouts_where_region_overlaps_point(tmp_path, repo):
    where = "visit_detector_region.region OVERLAPS POINT(53.1, -27.8) AND instrument='TestCam'"
    options = ["-d", "mi", "--collections", "run", "--bbox", "130:170,240:300"]
    assert (
        "4 cutouts written"
        in butler("image-cutouts", repo, tmp_path / "out", *options, "--where", where).output
    )
    assert_same_pixels(MaskedImage.read(next((tmp_path / "out").glob("*_1_*"))), make_image(0)[BOX])
    nowhere = where.replace("53.1", "153.1")
    assert (
        "no datasets"
        in butler("image-cutouts", repo, tmp_path / "no", *options, "--where", nowhere, code=1).output
    )


def test_image_cutouts_malformed_box_shows_expected_format(tmp_path, repo):
    output = butler("image-cutouts", repo, tmp_path / "out", "-d", "mi", "--bbox", "here", code=2).output
    assert "y=START:STOP" in output
    assert "No region is given" in butler("image-cutouts", repo, tmp_path / "out", "-d", "mi", code=2).output


def test_describe_image_describes_every_dataset(repo):
    output = butler("describe-image", repo, "-d", "mi", "--collections", "run").output
    assert output.count("masked_image 1.0.0") == len(DATA_IDS)
    assert "in run 'run'" in output


def test_verify_images_counts_damaged_datasets(tmp_path):
    made = new_repo(tmp_path / "repo", mi="MaskedImageV2")
    for data_id in DATA_IDS[:2]:
        made.put(make_image(), "mi", data_id)
    assert "2 of 2 datasets are good" in butler("verify-images", tmp_path / "repo", "-d", "mi").output
    Path(made.getURI("mi", DATA_IDS[0]).ospath).unlink()
    output = butler("verify-images", tmp_path / "repo", "-d", "mi", code=1).output
    assert "1 of 2 datasets is good" in output and "'detector': 1" in output


# Many files and datasets, of which some are damaged.


@pytest.fixture
def mixed(tmp_path) -> Path:
    """A directory with good files and a damaged one."""
    directory = tmp_path / "mixed"
    directory.mkdir()
    for seed in range(2):
        make_image(seed).write(directory / f"good{seed}.fits")
    (directory / "bad.fits").write_bytes((directory / "good0.fits").read_bytes()[:4000])
    return directory


def test_help_lines_equal_those_of_commands():
    for name, (_, text) in COMMANDS.items():
        assert cli.get_command(click.Context(cli), name).get_short_help_str(200) == text


def test_help_imports_no_butler_and_no_astropy():
    code = "import sys; from lsst.images.cli import cli\ncli(['--help'], standalone_mode=False)\n"
    code += "print([name for name in ('lsst.daf.butler', 'astropy', 'numpy') if name in sys.modules])"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]", result.stderr


@pytest.mark.parametrize("form", ["directory", "pattern", "files"])
def test_describe_and_verify_bad_file_continues(mixed, form):
    inputs = {"directory": [mixed], "pattern": [mixed / "*.fits"], "files": sorted(mixed.glob("*.fits"))}[
        form
    ]
    output = lsst_images("describe", *inputs, code=1).output
    assert output.count("masked_image 1.0.0") == 2 and "error" in output
    assert "1 of 3 files could not be described" in output
    output = lsst_images("verify", *inputs, code=1).output
    assert output.count("good\n") == 2 and "1 of 3 files is damaged" in output


def test_describe_and_verify_json_lists_every_file(mixed):
    described = json.loads(lsst_images("describe", "--json", mixed, code=1).stdout)
    assert [Path(item["file"].removeprefix("file://")).name for item in described] == [
        "bad.fits",
        "good0.fits",
        "good1.fits",
    ]
    assert ["error" in item for item in described] == [True, False, False]
    verified = json.loads(lsst_images("verify", "--json", mixed, code=1).stdout)
    assert [bool(item["problems"]) for item in verified] == [True, False, False]


def test_describe_pattern_without_match_fails(tmp_path):
    assert "does not match any file" in lsst_images("describe", tmp_path / "*.nothing", code=2).output


def test_cutouts_bad_file_continues_and_existing_files_are_skipped(mixed, tmp_path):
    command = ["cutouts", mixed, "-o", tmp_path / "out", "--bbox", "130:170,240:300", "--component", "image"]
    output = lsst_images(*command, code=1).output
    assert "2 cutouts written" in output and "1 cutout could not be read" in output and "bad" in output
    (first, second) = sorted((tmp_path / "out").glob("*.fits"))
    assert Image.read(first) == make_image(0).image[BOX] and Image.read(second) == make_image(1).image[BOX]
    assert "0 cutouts written, 2 files already exist" in lsst_images(*command, code=1).output
    assert "2 cutouts written" in lsst_images(*command, "--overwrite", code=1).output


def test_cutouts_legacy_file_equals_component(shared_data, tmp_path):
    file = shared_data / "afw" / "exposure_visit_like.fits"
    bbox = MaskedImage.read_legacy(file, component="bbox")
    box = Box.factory[bbox.y.start + 1 : bbox.y.start + 9, bbox.x.start + 2 : bbox.x.start + 8]
    text = f"{box.y.start}:{box.y.stop},{box.x.start}:{box.x.stop}"
    assert "1 cutout written" in lsst_images("cutouts", file, "-o", tmp_path / "out", "--bbox", text).output
    (path,) = (tmp_path / "out").glob("*.fits")
    cut, truth = MaskedImage.read(path), MaskedImage.read_legacy(file)[box]
    assert cut.image == truth.image and cut.variance == truth.variance


@pytest.fixture
def damaged_repo(tmp_path) -> Path:
    """A repository in which one dataset is truncated and one has no file."""
    made = new_repo(tmp_path / "repo", mi="MaskedImageV2")
    for seed, data_id in enumerate(DATA_IDS):
        made.put(make_image(seed), "mi", data_id)
    truncated = Path(made.getURI("mi", DATA_IDS[0]).ospath)
    truncated.write_bytes(truncated.read_bytes()[:4000])
    Path(made.getURI("mi", DATA_IDS[1]).ospath).unlink()
    return tmp_path / "repo"


def test_image_cutouts_damaged_datasets_continue_and_existing_files_are_skipped(damaged_repo, tmp_path):
    command = ["image-cutouts", damaged_repo, tmp_path / "out", "-d", "mi", "--bbox", "130:170,240:300"]
    output = butler(*command, code=1).output
    assert "2 cutouts written" in output and "2 cutouts could not be read" in output
    assert output.count("Error: ") >= 2
    assert "0 cutouts written, 2 files already exist" in butler(*command, code=1).output
    assert "2 cutouts written" in butler(*command, "--overwrite", code=1).output
    # Boxes with the same start are different cutouts.
    command[-1] = "130:160,240:300"
    assert "2 cutouts written" in butler(*command, code=1).output


def test_describe_image_and_verify_images_damaged_datasets_json(damaged_repo):
    for name, failed in (("describe-image", "files"), ("verify-images", "problems")):
        result = butler(name, damaged_repo, "-d", "mi", "--json", code=1)
        rows = json.loads(result.stdout)
        assert [row["data_id"]["detector"] for row in rows] == [1, 2, 3, 4]
        bad = ["error" in str(row["files"]) if failed == "files" else bool(row["problems"]) for row in rows]
        assert bad == [True, True, False, False]
        assert "2 of 4 datasets" in result.stderr or "2 datasets are damaged" in result.stderr
