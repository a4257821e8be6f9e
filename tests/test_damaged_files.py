# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Damaged files of all containers: every entry point returns a result or raises an `ImagesError`."""

from __future__ import annotations

import gzip
import io
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.exposures import make_cell_coadd, make_difference_image, make_visit_image
from lsst.images import Box, DifferenceImage, Image, MaskedImage, VisitImage
from lsst.images.cells import CellCoadd
from lsst.images.describe import describe
from lsst.images.errors import CorruptArchiveError, ImagesError
from lsst.images.fits import verify
from lsst.images.io import open_archive, read

MAKERS: dict[str, Callable[[], Any]] = {
    "visit": make_visit_image,
    "difference": make_difference_image,
    "coadd": make_cell_coadd,
}
N_FILES = 6
"""Number of damaged copies of each file."""

CARD_VALUES = "NaN 1E999 'text' T -1 0 99999999999999999999 2147483648 1.5 '*' (1,2) 1000000".split()
JSON_VALUES = (
    b'null true -1 0 1e999 NaN "x" [] {} [1] 99999999999999999999 9223372036854775808 2147483648 "\\ud800"'
).split()
_TOKEN = re.compile(rb'-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|"[^"\\]{1,60}"|true|false|null')
PARTS = (
    "psf projection obs_info summary_stats detector photometric_scaling aperture_corrections backgrounds "
    "polygon kernel templates provenance patch unit band"
).split()


def change_card(content: bytes, random: np.random.Generator) -> bytes:
    """Give a card of a FITS header another value."""
    starts = [m.start() for m in re.finditer(rb"SIMPLE  =|XTENSION=", content) if m.start() % 80 == 0]
    start = int(random.choice(starts))
    count = (content.index(b"END" + b" " * 77, start) - start) // 80
    at = start + 80 * int(random.integers(count))
    card = content[at : at + 8] + b"= " + str(random.choice(CARD_VALUES)).rjust(20).encode()
    return content[:at] + card.ljust(80) + content[at + 80 :]


def change_json(content: bytes, random: np.random.Generator) -> bytes:
    """Replace a value or name in JSON text; in other files by one of the same length."""
    start = 0 if content[:1] == b"{" else content.rfind(b'{"schema_url')
    matches = list(_TOKEN.finditer(content, max(start, 0), max(start, 0) + 20_000))
    match = matches[int(random.integers(len(matches)))]
    value = JSON_VALUES[int(random.integers(len(JSON_VALUES)))]
    if start > 0:
        value = value[: len(match[0])].ljust(len(match[0]))
    return content[: match.start()] + value + content[match.end() :]


def change_bytes(content: bytes, random: np.random.Generator) -> bytes:
    """Change some bytes, or truncate the file."""
    if random.integers(4) == 0:
        return content[: int(random.integers(len(content)))]
    changed = bytearray(content)
    for at in random.integers(len(content), size=int(random.choice([1, 2, 8, 30]))):
        changed[at] = int(random.choice([0, 127, 128, 255, random.integers(256)]))
    return bytes(changed)


def attempt(function: Callable[[], Any]) -> Any:
    """Call a function, which may fail with an error of the package only."""
    try:
        return function()
    except ImagesError as err:
        assert str(err) and len(str(err)) < 10_000
        return None


def use_image(image: Any) -> None:
    """Use all parts of an image, some of which are read on access."""
    for name in PARTS:
        attempt(lambda name=name: repr(getattr(image, name, None)))
    if hasattr(type(image), "psf"):
        attempt(lambda: image.psf.compute_kernel_image(x=image.bbox.x.min, y=image.bbox.y.min))
    if (projection := attempt(lambda: image.projection)) is not None:
        attempt(lambda: projection.pixel_to_sky(x=5.0, y=6.0))
    attempt(lambda: str(image.describe()))
    attempt(lambda: repr(image))


def use_file(path: Path) -> None:
    """Pass a file to all entry points of reading."""
    if (image := attempt(lambda: read(path))) is not None:
        use_image(image)
    attempt(lambda: str(describe(path)))

    def read_parts() -> None:
        with open_archive(path) as reader:
            for name in ("image", "psf", "projection", "bbox", "obs_info"):
                attempt(lambda name=name: reader.get_component(name))
            reader.read(bbox=Box.factory[2:5, 3:6])

    attempt(read_parts)
    if path.name.endswith(".fits"):
        verify(path)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("valid")
    for name, make in MAKERS.items():
        for suffix in (".fits", ".json", ".sdf"):
            make().write(folder / f"{name}{suffix}")
        for suffix in (".fits", ".json"):
            content = gzip.compress((folder / f"{name}{suffix}").read_bytes())
            (folder / f"{name}{suffix}.gz").write_bytes(content)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(
    ("suffix", "damage"),
    [
        (".fits", change_card),
        (".fits", change_json),
        (".fits", change_bytes),
        (".json", change_json),
        (".json", change_bytes),
        (".sdf", change_bytes),
        (".sdf", change_json),
        (".fits.gz", change_bytes),
        (".json.gz", change_bytes),
    ],
)
def test_damaged_file_raises_own_errors_only(
    name: str, suffix: str, damage: Callable[..., bytes], files: Path, tmp_path: Path
) -> None:
    if ".sdf" in suffix:
        pytest.importorskip("h5py")
    content = (files / f"{name}{suffix}").read_bytes()
    path = tmp_path / f"damaged{suffix}"
    for seed in range(N_FILES):
        path.write_bytes(damage(content, np.random.default_rng(seed)))
        use_file(path)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("afw/exposure_visit_like_piff.fits", VisitImage),
        ("afw/exposure_coadd.fits", DifferenceImage),
        ("afw/maskedimage.fits", MaskedImage),
        ("afw/cell_coadd_small.fits", CellCoadd),
    ],
)
def test_damaged_legacy_file_raises_own_errors_only(
    name: str, kind: Any, shared_data: Path, tmp_path: Path
) -> None:
    content = (shared_data / name).read_bytes()
    path = tmp_path / "damaged.fits"
    for seed in range(N_FILES):
        damage = (change_card, change_bytes)[seed % 4 == 3]
        path.write_bytes(damage(content, np.random.default_rng(seed)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if (image := attempt(lambda: kind.read_legacy(path))) is not None:
                use_image(image)
        verify(path)


def test_missing_component_is_error_of_package_and_attribute_error() -> None:
    image = make_difference_image(kernel=None)
    assert not hasattr(image, "kernel")
    with pytest.raises(ImagesError, match="has no kernel"):
        image.kernel  # noqa: B018  # the access raises


@pytest.mark.parametrize("value", ["1E999", "-1E999", "'text'"])
def test_read_legacy_origin_that_is_not_finite_raises_named_error(
    value: str, shared_data: Path, tmp_path: Path
) -> None:
    content = (shared_data / "afw" / "imageF_lossy.fits").read_bytes()
    at = content.index(b"CRVAL1A =")
    path = tmp_path / "damaged.fits"
    path.write_bytes(content[: at + 10] + value.rjust(20).encode().ljust(70) + content[at + 80 :])
    for options in ({}, {"ext": 1}):
        with pytest.raises(ImagesError):
            Image.read_legacy(path, **options)


def test_hdf5_address_beyond_any_file_is_a_damaged_file(tmp_path: Path) -> None:
    make_visit_image().write(tmp_path / "a.sdf")
    content = bytearray((tmp_path / "a.sdf").read_bytes())
    # The address of the driver information block, which is undefined in files without one.
    content[0x30:0x38] = b"\xff\xfe" + b"\xff" * 6
    (tmp_path / "a.sdf").write_bytes(content)
    for source in (tmp_path / "a.sdf", io.BytesIO(content)):
        with pytest.raises(CorruptArchiveError, match="truncated or damaged"):
            read(source)
