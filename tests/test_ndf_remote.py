# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of NDFs in an object store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers.bundles import Bundle, bundle_types
from lsst.images.io import read, write

moto = pytest.importorskip("moto", reason="needs moto, which stands in for S3")
boto3 = pytest.importorskip("boto3", reason="needs boto3, the client of S3")

PIXELS = np.arange(2_000_000, dtype=np.float32).reshape(2000, 1000)


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.delenv("S3_ENDPOINT_URL", raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with moto.mock_aws(), bundle_types():
        boto3.client("s3").create_bucket(Bucket="pixels")
        yield "s3://pixels"


def test_ndf_in_bucket_is_written_and_read(bucket: str) -> None:
    write(Bundle(arrays=[("image", PIXELS)]), f"{bucket}/x.sdf")
    assert np.array_equal(read(f"{bucket}/x.sdf").arrays[0][1], PIXELS)
    part = (slice(100, 110), slice(3, 700))
    assert np.array_equal(read(f"{bucket}/x.sdf", slices=part).arrays[0][1], PIXELS[part])
    with pytest.raises(FileExistsError):
        write(Bundle(), f"{bucket}/x.sdf")


def test_read_ndf_box_in_bucket_downloads_part_of_file(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from lsst.resources.s3 import S3ResourceHandle

    write(Bundle(arrays=[("image", PIXELS)]), f"{bucket}/x.sdf")
    fetched: list[int] = []
    read_handle = S3ResourceHandle.read

    def count(self: Any, size: int = -1) -> bytes:
        content: bytes = read_handle(self, size)
        fetched.append(len(content))
        return content

    monkeypatch.setattr(S3ResourceHandle, "read", count)
    read(f"{bucket}/x.sdf", slices=(slice(1000, 1010), slice(0, 1000)))
    assert 0 < len(fetched) < 10
    assert sum(fetched) < PIXELS.nbytes / 8


def test_read_ndf_missing_in_bucket_raises(bucket: str) -> None:
    with pytest.raises(FileNotFoundError):
        read(f"{bucket}/nowhere.sdf", slices=(slice(0, 1), slice(0, 1)))
