# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of backends, and of reading an object together with its metadata."""

from __future__ import annotations

import gzip
import io
import subprocess
import sys
import uuid
from pathlib import Path

import astropy.io.fits
import numpy as np
import pytest
from lsst.images import Box, Image, Mask, MaskPlane, MaskSchema, fits
from lsst.images.errors import ArchiveReadError, InvalidParameterError
from lsst.images.fits import FitsInputArchive
from lsst.images.serialization import Backend, backend_for_name, backend_for_path, backend_for_stream

BUTLER_INFO = {
    "dataset": {
        "id": str(uuid.UUID(int=7)),
        "datasetType": {"name": "flat", "storageClass": "Image", "dimensions": []},
        "dataId": {"dataId": {}},
        "run": "r",
    }
}


@pytest.fixture
def image() -> Image:
    return Image(np.arange(12, dtype=np.int16).reshape(3, 4), start=(5, 7), metadata={"a": 1})


def test_backend_writes_and_reads_its_container(tmp_path: Path, image: Image) -> None:
    backend = backend_for_name("fits")
    assert isinstance(backend, Backend) and backend.input_archive is FitsInputArchive
    tree = backend.write(image, tmp_path / "image.anything")
    with backend.input_archive.open(tmp_path / "image.anything") as archive:
        assert archive.schema_url == tree.schema_url
    with open(tmp_path / "image.anything", "rb") as stream:
        assert backend_for_stream(stream).name == "fits" and stream.tell() == 0


@pytest.mark.parametrize(
    ("path", "name"),
    [("a.fits", "fits"), ("b.json.gz", "json"), ("https://host/c.h5?x=1", "ndf"), ("d.sdf", "ndf")],
)
def test_backend_for_path_uses_extension(path: str, name: str) -> None:
    if name == "ndf":
        pytest.importorskip("h5py")
    assert backend_for_path(path).name == name


def test_backend_for_unknown_name_path_or_stream_raises() -> None:
    with pytest.raises(ValueError, match="Unrecognized file extension.*fits"):
        backend_for_path("x.gz")
    with pytest.raises(ValueError, match="Unrecognized format name 'tiff'"):
        backend_for_name("tiff")
    with pytest.raises(ValueError, match="Could not identify a supported format"):
        backend_for_stream(io.BytesIO(b"something else"))
    with pytest.raises(ValueError, match="decompress it before reading"):
        backend_for_stream(io.BytesIO(gzip.compress(b"SIMPLE")))
    stream = io.BytesIO(b'xx  {"a": 1}')
    stream.seek(2)
    assert backend_for_stream(stream).name == "json" and stream.tell() == 2


def test_read_fits_returns_object_and_metadata(tmp_path: Path, image: Image) -> None:
    fits.write(image, tmp_path / "a.fits", metadata={"b": 2})
    result = fits.read(Image, tmp_path / "a.fits")
    assert isinstance(result, fits.ReadResult)
    assert result.deserialized == image and result.metadata == {"a": 1, "b": 2}
    assert result.butler_info is None
    part, metadata, _ = fits.read(Image, tmp_path / "a.fits", bbox=Box.factory[6:8, 8:10], page_size=2880)
    assert np.array_equal(part.array, image.array[1:3, 1:3]) and metadata == result.metadata


def test_read_fits_returns_butler_information(tmp_path: Path, image: Image) -> None:
    butler = pytest.importorskip("lsst.daf.butler")
    fits.write(image, tmp_path / "a.fits", butler_info=BUTLER_INFO)
    info = fits.read(Image, tmp_path / "a.fits").butler_info
    assert isinstance(info.dataset, butler.SerializedDatasetRef) and info.dataset.run == "r"


def test_read_fits_other_type_or_parameter_raises(tmp_path: Path, image: Image) -> None:
    fits.write(image, tmp_path / "a.fits")
    with pytest.raises(TypeError, match="holds schema 'image'.*Mask"):
        fits.read(Mask, tmp_path / "a.fits")
    with pytest.raises(InvalidParameterError, match="slices"):
        fits.read(Image, tmp_path / "a.fits", slices=3)
    Mask(schema=MaskSchema([MaskPlane("A", "")]), bbox=image.bbox).write(tmp_path / "m.json")
    with pytest.raises(ArchiveReadError):
        fits.read(Mask, tmp_path / "m.json")


def test_fits_extension_hdu_is_astropy_class() -> None:
    assert isinstance(astropy.io.fits.BinTableHDU(), fits.ExtensionHDU)
    assert not isinstance(astropy.io.fits.PrimaryHDU(), fits.ExtensionHDU)
    assert fits.READ_CACHE_MAX_BYTES >= fits.DEFAULT_PAGE_SIZE > 0


def test_import_backends_does_not_import_containers() -> None:
    code = "import sys, lsst.images.io; print([m for m in sys.modules if m.startswith('lsst.images.fits')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
