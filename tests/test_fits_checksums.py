# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the checksums that are compared when an archive is read."""

from __future__ import annotations

import io
import random
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np
import pytest
from helpers.exposures import make_visit_image
from helpers.servers import CountingServer
from lsst.images import Image
from lsst.images.errors import ChecksumWarning, CorruptArchiveError, ImagesError
from lsst.images.fits import FitsFile, verify
from lsst.images.io import open_archive, read

N_FLIPS = 150
"""Number of flipped bits of each test; 150 bits find a defect of one bit in fifty with 95%."""


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a visit image with PSF, backgrounds and aperture corrections."""
    path = tmp_path_factory.mktemp("checksums") / "visit.fits"
    make_visit_image().write(path)
    return path.read_bytes()


def flips(content: bytes, seed: int, names: tuple[str, ...] = ()) -> Iterator[bytes]:
    """Return files with one flipped bit in a header, the tree or the index."""
    ranges = []
    for hdu in FitsFile.open(content):
        if not names or hdu.name in names:
            is_block = hdu.name in ("JSON", "INDEX")
            ranges.append(range(hdu.header_address, hdu.stop if is_block else hdu.data_address))
    rng = random.Random(seed)
    for _ in range(N_FLIPS):
        damaged = bytearray(content)
        damaged[rng.choice(rng.choice(ranges))] ^= 1 << rng.randrange(8)
        yield bytes(damaged)


def read_all(content: bytes, path: Path) -> str:
    """Return the text of all values of a file, which is that of the same object in a JSON file."""
    read(io.BytesIO(content)).write(path, overwrite=True)
    return path.read_text()


def read_components(content: bytes) -> tuple[str, bytes]:
    with open_archive(io.BytesIO(content)) as reader:
        return repr(reader.get_component("psf")), reader.get_component("image").array.tobytes()


def is_reported(function: Any, *args: Any, expected: Any) -> bool:
    """Return whether a call warns, raises an error of the package, or returns the expected value."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            found = function(*args)
        except ImagesError:
            return True
    return found == expected or any(issubclass(w.category, ChecksumWarning) for w in caught)


def test_read_flipped_bit_is_reported_or_has_no_effect(content: bytes, tmp_path: Path) -> None:
    expected = read_all(content, tmp_path / "a.json")
    for damaged in flips(content, 1):
        assert is_reported(read_all, damaged, tmp_path / "b.json", expected=expected)


def test_get_component_flipped_bit_is_reported_or_has_no_effect(content: bytes) -> None:
    expected = read_components(content)
    for damaged in flips(content, 2):
        assert is_reported(read_components, damaged, expected=expected)


def test_verify_flipped_bit_is_reported(content: bytes) -> None:
    assert verify(content).good
    for names in ((), ("JSON",), ("INDEX",)):
        for damaged in flips(content, 3, names):
            assert not verify(damaged).good


def test_read_valid_file_does_not_warn(content: bytes) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", ChecksumWarning)
        read(io.BytesIO(content)).metadata.external.get("TELESCOP")
        read_components(content)


def test_read_remote_edited_header_warns(content: bytes) -> None:
    with CountingServer(content.replace(b"binary table extension", b"Binary table extension", 1)) as server:
        with pytest.warns(ChecksumWarning, match="CHECKSUM is wrong"):
            read(server.url)


def test_read_damaged_tree_warns_and_returns_pixels(content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    at = content.index(b'"sigma":') + len('"sigma":')
    damaged = content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]
    expected = read(io.BytesIO(content))
    with pytest.warns(ChecksumWarning, match="JSON: the CHECKSUM is wrong"):
        found = read(io.BytesIO(damaged))
    np.testing.assert_array_equal(found.image.array, expected.image.array)
    assert found.psf != expected.psf
    monkeypatch.setenv("LSST_IMAGES_VERIFY", "0")
    with warnings.catch_warnings():
        warnings.simplefilter("error", ChecksumWarning)
        read(io.BytesIO(damaged))


@pytest.mark.parametrize("is_rewritten", [False, True])
def test_read_wrong_data_sum_is_error_unless_checksums_were_copied(
    tmp_path: Path, is_rewritten: bool
) -> None:
    # The public package copies the checksums of a file it rewrites, and does not compute others.
    path = tmp_path / "image.fits"
    image = Image(np.arange(12, dtype=np.float32).reshape(3, 4))
    image.write(path)
    content = path.read_bytes()
    hdus = {hdu.name: hdu for hdu in FitsFile.open(content)}
    wrong = [(hdus["IMAGE"], "DATASUM", "DATASUM = '12345'"), (hdus[""], "DATE", "DATE    = 'changed'")]
    if is_rewritten:
        wrong += [(hdus[name], "CHECKSUM", "COMMENT") for name in ("JSON", "INDEX")]
    for hdu, keyword, card in wrong:
        at = content.find(f"{keyword:8}=".encode(), hdu.header_address)
        content = content[:at] + card.ljust(80).encode() + content[at + 80 :]
    path.write_bytes(content)
    if not is_rewritten:
        with pytest.warns(ChecksumWarning), pytest.raises(CorruptArchiveError, match="DATASUM"):
            Image.read(path)
        return
    with pytest.warns(ChecksumWarning, match="DATASUM is wrong") as caught:
        found = Image.read(path)
    assert len(caught) == 1
    np.testing.assert_array_equal(found.array, image.array)
    assert not verify(path).good


@pytest.mark.parametrize("added", [True, False])
def test_read_header_edited_by_astropy_warns_unless_cards_were_added(
    content: bytes, added: bool, tmp_path: Path
) -> None:
    path = tmp_path / "edited.fits"
    image = read(io.BytesIO(content))
    image.write(path, primary_cards={"OBSERVER": "Rubin"})
    with astropy.io.fits.open(path, mode="update") as hdus:
        hdus[0].header["AIRMASS" if added else "OBSERVER"] = "Gauss"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ChecksumWarning)
        read(path)
    messages = [str(item.message) for item in caught if item.category is ChecksumWarning]
    assert len(messages) == (not added)
    assert all("PRIMSUM of INDEX is wrong" in message for message in messages)
    assert [finding.kind for finding in verify(path).findings] == ["checksum"]
