# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of a container that a plugin registers: files, Butler, ``convert`` and ingest."""

from __future__ import annotations

import gzip
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers import zip_container
from helpers.repository import BOX, DATA_ID, DATA_IDS, assert_same_pixels, make_image, new_repo
from lsst.daf.butler import Butler, Config
from lsst.images import MaskedImage, VisitImage
from lsst.images.butler import find_files, ingest_images
from lsst.images.cli import cli
from lsst.images.errors import ArchiveWriteError, UnsupportedFormatError
from lsst.images.io import open_archive, read, write
from lsst.images.plugins import registry

pytestmark = pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    registry.register(zip_container, name="zip container")
    yield
    registry.unregister("zip container")


def configured_repo(root: Path, **parameters: str) -> Butler:
    formatter = {"formatter": "lsst.images.formatters.GenericFormatter", "parameters": parameters}
    config = Config({"datastore": {"formatters": {"MaskedImageV2": formatter}}})
    return new_repo(root, config=config, mi="MaskedImageV2")


def test_write_plugin_extension_uses_plugin_container(tmp_path: Path) -> None:
    image = make_image()
    image.write(tmp_path / "image.imagezip")
    assert zipfile.is_zipfile(tmp_path / "image.imagezip")
    assert_same_pixels(MaskedImage.read(tmp_path / "image.imagezip"), image)
    (tmp_path / "image.imagezip").rename(tmp_path / "unknown.dat")
    with open_archive(tmp_path / "unknown.dat") as reader:
        assert reader.archive.CONTAINER == "zipped"


@pytest.mark.parametrize(("format", "extension"), [("zipped", ".imagezip"), ("zimage", ".zimage")])
def test_butler_put_plugin_format_is_read_back(tmp_path: Path, format: str, extension: str) -> None:
    butler, image = configured_repo(tmp_path / "repo", format=format), make_image()
    ref = butler.put(image, "mi", DATA_ID)
    uri = butler.getURI(ref)
    assert uri.getExtension() == extension and zipfile.is_zipfile(uri.ospath)
    assert_same_pixels(butler.get("mi", DATA_ID), image)
    assert_same_pixels(butler.get("mi", DATA_ID, parameters={"bbox": BOX}), image[BOX])
    assert butler.get("mi.mask", DATA_ID) == image.mask
    assert butler.get("mi", DATA_ID).butler_dataset.id == ref.id


def test_butler_put_plugin_format_with_recipe_raises(tmp_path: Path) -> None:
    butler = configured_repo(tmp_path / "repo", format="zipped", recipe="lossy16")
    with pytest.raises(Exception) as caught:
        butler.put(make_image(), "mi", DATA_ID)
    # The Butler wraps exceptions of formatters.
    (error,) = (e for e in (caught.value, caught.value.__cause__) if isinstance(e, ArchiveWriteError))
    assert "'zipped' has no compression options" in str(error)


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_ingest_plugin_container_is_read_back(tmp_path: Path, suffix: str) -> None:
    source = configured_repo(tmp_path / "source", format="zipped")
    images = [make_image(seed) for seed in range(len(DATA_IDS))]
    for image, data_id in zip(images, DATA_IDS, strict=True):
        source.put(image, "mi", data_id)
    files = find_files([source.getURI("mi", data_id) for data_id in DATA_IDS])
    folder = tmp_path / "files"
    folder.mkdir()
    for number, uri in enumerate(files):
        content = gzip.compress(uri.read()) if suffix else uri.read()
        (folder / f"{number}.imagezip{suffix}").write_bytes(content)
    (folder / "notes.txt").write_text("This file is not an image.")
    butler = new_repo(tmp_path / "target", mi="MaskedImageV2")
    report = ingest_images(butler, [folder], "mi", "u/me", transfer="copy")
    assert not report.failed and len(report.ingested) == len(images)
    for image, data_id in zip(images, DATA_IDS, strict=True):
        assert_same_pixels(butler.get("mi", data_id, collections="u/me"), image)


@pytest.mark.parametrize(("format", "extension"), [("zipped", ".imagezip"), ("zimage", ".zimage")])
def test_convert_plugin_format_writes_plugin_container(
    shared_data: Path, tmp_path: Path, format: str, extension: str
) -> None:
    arguments = ["convert", str(shared_data / "afw/exposure_bare.fits"), "-o", f"{tmp_path}/"]
    result = CliRunner().invoke(cli, [*arguments, "--format", format])
    assert result.exit_code == 0, result.output
    new = tmp_path / f"exposure_bare{extension}"
    assert zipfile.is_zipfile(new)
    assert read(new, VisitImage).image == VisitImage.read_legacy(arguments[1]).image


def test_convert_unregistered_format_raises_usage_error(shared_data: Path, tmp_path: Path) -> None:
    registry.unregister("zip container")
    arguments = ["convert", str(shared_data / "afw/exposure_bare.fits"), "-o", f"{tmp_path}/"]
    result = CliRunner().invoke(cli, [*arguments, "--format", "zipped"])
    assert result.exit_code == 2
    assert "'zipped' is not supported" in result.output and "fits" in result.output


def test_write_unregistered_container_raises(tmp_path: Path) -> None:
    registry.unregister("zip container")
    with pytest.raises(UnsupportedFormatError, match="imagezip"):
        write(make_image(), tmp_path / "image.imagezip")
    assert not list(tmp_path.iterdir())
