# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Checking FITS files: what is found in sound, damaged and foreign ones."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import astropy.io.fits
import numpy as np
import pytest
from astropy.table import Table
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import CorruptArchiveError
from lsst.images.fits import FitsFile, FitsInputArchive, VerifyReport, verify
from lsst.images.io import open_archive, read, write

DATA = Path(__file__).parents[2] / "shared" / "data"
BBOX = Box.factory[20:320, 10:410]


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("verify") / "sound.fits"
    rng = np.random.default_rng(5)
    mask = Mask(0, schema=MaskSchema([MaskPlane("BAD", "Bad."), MaskPlane("SAT", "Full.")]), bbox=BBOX)
    mask.set("SAT", rng.random(BBOX.shape) < 0.1)
    image = Image(rng.normal(100, 5, BBOX.shape).astype("f4"), bbox=BBOX)
    variance = Image(rng.normal(25, 1, BBOX.shape).astype("f4"), bbox=BBOX)
    write(MaskedImage(image, mask=mask, variance=variance), path)
    return path.read_bytes()


def replaced(content: bytes, old: bytes, new: bytes) -> bytes:
    """Replace bytes that occur once, and keep the length."""
    assert content.count(old) == 1 and len(old) == len(new)
    return content.replace(old, new)


def kinds(report: VerifyReport) -> set[tuple[str, str]]:
    return {(finding.kind, finding.where) for finding in report.findings}


def hdu_named(content: bytes, name: str) -> Any:
    return FitsFile.open(content).find(name)


def test_verify_archive_is_good_with_checksums(content: bytes) -> None:
    report = verify(content)
    assert report.good and report.is_archive and report.findings == ()
    assert (report.n_hdus, report.n_summed, report.size) == (6, 6, len(content))
    assert str(report).endswith("good")


@pytest.mark.skipif(not DATA.is_dir(), reason="the example files are not here")
def test_verify_real_files_are_good() -> None:
    paths = [path for path in sorted(DATA.rglob("*.fits")) if path.read_bytes()[:6] == b"SIMPLE"]
    # The files in bugs/ are damaged on purpose.
    paths = [path for path in paths if "bugs" not in path.parts]
    assert len(paths) > 50
    assert [str(report) for report in map(verify, paths) if not report.good] == []


def test_verify_checksums_of_astropy_are_good(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    hdus = [
        astropy.io.fits.PrimaryHDU(rng.integers(0, 99, (33, 17), dtype="i2")),
        astropy.io.fits.CompImageHDU(rng.normal(0, 9, (70, 50)).astype("f4"), compression_type="RICE_1"),
        astropy.io.fits.BinTableHDU(Table({"a": [1, 2, 3], "b": ["x", "yy", "zzz"]})),
        astropy.io.fits.TableHDU.from_columns([astropy.io.fits.Column("c", "I4", array=[1, 2])]),
    ]
    path = tmp_path / "other.fits"
    astropy.io.fits.HDUList(hdus).writeto(path, checksum=True)
    report = verify(path)
    assert report.good, str(report)
    assert not report.is_archive and report.n_hdus == report.n_summed == 4


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_verify_changed_byte_is_reported(content: bytes, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(content) - 1))
    value = data.draw(st.integers(1, 255))
    damaged = bytearray(content)
    damaged[place] ^= value
    assert not verify(bytes(damaged)).good


@settings(deadline=None, max_examples=40)
@given(size=st.integers(0, 1 << 19))
def test_verify_truncated_file_is_reported(content: bytes, size: int) -> None:
    if size < len(content):
        report = verify(content[:size])
        assert not report.good
        assert str(len(report.findings)) in str(report)


@settings(deadline=None, max_examples=40)
@given(noise=st.binary(max_size=6000))
def test_verify_other_format_is_reported(noise: bytes) -> None:
    assert not verify(noise).good
    assert not verify(b"SIMPLE  =" + noise).good


def test_verify_missing_file_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        verify(tmp_path / "none.fits")


def test_verify_damaged_pixel_is_reported_with_hdu(content: bytes) -> None:
    hdu = hdu_named(content, "VARIANCE")
    damaged = bytearray(content)
    damaged[hdu.data_address + hdu.used_size - 5] ^= 4
    report = verify(bytes(damaged))
    assert kinds(report) == {("checksum", hdu.label)}
    assert {finding.message.split()[0] for finding in report.findings} == {"DATASUM", "CHECKSUM"}


def test_verify_index_contradicting_headers_is_reported(content: bytes) -> None:
    # Another tool inserts a block of comments and corrects the sums, but not the index.
    with astropy.io.fits.open(io.BytesIO(content), disable_image_compression=True) as hdus:
        for number in range(40):
            hdus[2].header[f"KEY{number}"] = number
        stream = io.BytesIO()
        hdus.writeto(stream, checksum=True)
    report = verify(stream.getvalue())
    messages = "\n".join(str(finding) for finding in report.findings if finding.kind == "index")
    assert {finding.kind for finding in report.findings} == {"index"}
    for word in ("HDRADDR of fits:VARIANCE", "DATADDR of fits:MASK", "JSONADDR", "INDXADDR"):
        assert word in messages
    assert "HDRADDR of fits:IMAGE" not in messages


@pytest.mark.parametrize(
    ("column", "row", "change", "message"),
    [
        ("ZBYTES", 1, lambda lengths: lengths[::-1], "has the tile table at byte"),
        ("ZBYTES", 3, lambda lengths: [*lengths[:-2], *lengths[:-3:-1]], "has tile 4 at byte"),
        ("ZTILE", 1, lambda sides: sides + 3, r"has tiles of \(160, 160\), but ZTILE in the index is"),
        ("ZTILE", 1, lambda sides: sides * 0 - 1, "ZTILE in the index is"),
    ],
)
def test_verify_index_with_wrong_tiles_is_reported(
    content: bytes, column: str, row: int, change: Any, message: str
) -> None:
    true = hdu_named(content, "INDEX").read_table().column(column)[row].astype(">i4")
    index = hdu_named(content, "INDEX")
    start, stop = index.data_address, index.stop
    changed = content[start:stop].replace(true.tobytes(), np.asarray(change(true), ">i4").tobytes(), 1)
    report = verify(content[:start] + changed + content[stop:])
    found = [finding.message for finding in report.findings if finding.kind == "index"]
    assert len(found) == 1 and re.search(message, found[0])


def with_tree(content: bytes, old: bytes, new: bytes) -> VerifyReport:
    """Change the tree, correcting the checksums."""
    stream = io.BytesIO()
    with astropy.io.fits.open(
        io.BytesIO(replaced(content, old, new)), disable_image_compression=True
    ) as hdus:
        hdus.writeto(stream, checksum=True)
    return verify(stream.getvalue())


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (b'"fits:VARIANCE"', b'"fits:VARIAMCE"', "is not in the file"),
        (b'"fits:VARIANCE"', b'"fits:VARI ANCE', "is not valid JSON"),
        (b'"fits:MASK","shape":[300,400]', b'"fits:MASK","shape":[300,401]', r"shape \(300, 400\)"),
        (b'"fits:MASK","shape":[300,400],"datatype":"int32"', None, "has type int32"),
    ],
)
def test_verify_tree_contradicting_file_is_reported(
    content: bytes, old: bytes, new: bytes | None, what: str
) -> None:
    report = with_tree(content, old, old.replace(b"int32", b"int16") if new is None else new)
    assert {finding.kind for finding in report.findings} <= {"tree"}
    assert re.search(what, str(report))


def test_verify_hdus_after_damaged_header_are_checked(content: bytes) -> None:
    first, last = hdu_named(content, "IMAGE"), hdu_named(content, "VARIANCE")
    damaged = bytearray(content)
    damaged[first.header_address : first.header_address + 8] = b"XXXXXXXX"
    damaged[last.data_address + 100] ^= 1
    found = {finding.kind for finding in verify(bytes(damaged)).findings}
    assert {"structure", "checksum"} <= found


def test_verify_bytes_after_last_hdu_are_reported(content: bytes) -> None:
    report = verify(content + b"\0" * 2880)
    assert kinds(report) == {("structure", f"byte {len(content)}")}
    assert "multiple of 2880" in str(verify(content + b"\0" * 10))


def damage(content: bytes, path: Path) -> Path:
    """Damage pixels in a way that decodes."""
    hdu = hdu_named(content, "MASK")
    damaged = bytearray(content)
    damaged[hdu.data_address + hdu.data_size - 1] ^= 1
    path.write_bytes(damaged)
    return path


def test_read_whole_verifies_checksums_and_part_does_not(content: bytes, tmp_path: Path) -> None:
    path = damage(content, tmp_path / "damaged.fits")
    with pytest.raises(CorruptArchiveError, match="MASK.*DATASUM"):
        read(path)
    box = Box.factory[30:40, 30:40]
    assert read(path, bbox=box).bbox == box
    with open_archive(path) as reader:
        assert reader.read().bbox == BBOX


def test_read_whole_verification_can_be_disabled(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = damage(content, tmp_path / "damaged.fits")
    monkeypatch.setenv("LSST_IMAGES_VERIFY", "0")
    assert read(path).bbox == BBOX
    monkeypatch.delenv("LSST_IMAGES_VERIFY")
    with FitsInputArchive.open(path, partial=False, verify=False) as archive:
        assert archive.get_raw_tree()
    with pytest.raises(CorruptArchiveError, match="DATASUM"):
        read(path)


def test_read_whole_file_without_checksums(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "unsummed.fits"
    image = read(io.BytesIO(content))
    write(image, path, checksum=False)
    assert read(path).image == image.image
    report = verify(path)
    assert report.good and report.n_summed == 0
