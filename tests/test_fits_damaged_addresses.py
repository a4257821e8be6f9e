# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of files whose primary header has invalid addresses of the index block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from lsst.images import Image
from lsst.images.errors import ImagesError
from lsst.images.fits import verify
from lsst.images.io import open_archive

KEYWORDS = ("FMTVER", "JSONADDR", "JSONSIZE", "INDXADDR", "INDXSIZE")
VALUES = ("'text'", "T", "1.5", "-1", "9223372036854775807", "99999999999999999999", "1E300", "(1, 2)", "")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a valid file."""
    path = tmp_path_factory.mktemp("addresses") / "image.fits"
    Image(np.arange(12, dtype=np.float32).reshape(3, 4)).write(path)
    return path.read_bytes()


def with_card(content: bytes, keyword: str, text: str) -> bytes:
    """Return a file with another value of a card of the primary header."""
    at = content.index(f"{keyword:8}= ".encode())
    return content[:at] + f"{keyword:8}= {text:>20}".ljust(80).encode() + content[at + 80 :]


@pytest.mark.parametrize(
    ("keyword", "text"),
    # Without a value, FMTVER is that of the first releases, which did not write it.
    [(k, v) for k in KEYWORDS for v in VALUES if k != "FMTVER" or v not in ("", "(1, 2)")],
)
def test_invalid_address_raises_own_error(content: bytes, keyword: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "image.fits"
    path.write_bytes(with_card(content, keyword, text))
    with pytest.raises(ImagesError):
        Image.read(path)
    with pytest.raises(ImagesError), open_archive(path) as reader:
        reader.get_component("bbox")
    assert verify(path).findings
