# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of `read_stamps`, with slices of whole images as truth."""

from __future__ import annotations

from pathlib import Path

import astropy.table
import astropy.units as u
import hypothesis.strategies as st
import numpy as np
import pytest
from helpers.repository import make_image
from hypothesis import given
from lsst.images import XY, YX, Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import InvalidArgumentError
from lsst.images.io import open_archive
from lsst.images.stamps import Stamps, StampStatus, read_stamps

SIZE = (9, 12)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("stamps") / "a.fits"
    make_image(3).write(path)
    return path


def truth_of(image: MaskedImage, x: float, y: float, size: tuple[int, int]) -> tuple[Box, MaskedImage]:
    """The box whose central pixel is nearest to a position, and the pixels in a padded copy."""
    y0, x0 = int(np.floor(y + 0.5)) - size[0] // 2, int(np.floor(x + 0.5)) - size[1] // 2
    return Box.factory[y0 : y0 + size[0], x0 : x0 + size[1]], image


@pytest.mark.parametrize("extension", ["fits", "json", "sdf"])
@pytest.mark.parametrize("count", [1, 3, 200])
def test_stamps_equal_subimages(extension: str, count: int, tmp_path: Path) -> None:
    image = make_image(3)
    image.write(tmp_path / f"a.{extension}")
    rng = np.random.default_rng(count)
    x = rng.uniform(image.bbox.x.start + 8, image.bbox.x.stop - 8, count)
    y = rng.uniform(image.bbox.y.start + 8, image.bbox.y.stop - 8, count)
    stamps = read_stamps(tmp_path / f"a.{extension}", XY(x, y), SIZE)
    assert len(stamps) == count and stamps.size == YX(*SIZE) and stamps.good.all()
    assert stamps.unit == u.nJy
    for i in range(count):
        box, _ = truth_of(image, x[i], y[i], SIZE)
        assert stamps.bbox(i) == box
        np.testing.assert_array_equal(stamps[i].image.array, image.image[box].array)
        np.testing.assert_array_equal(stamps[i].variance.array, image.variance[box].array)
        for name in image.mask.schema.names:
            np.testing.assert_array_equal(stamps[i].mask.get(name), image.mask[box].get(name))
        assert not stamps[i].mask.get("NO_DATA").any()


def test_stamps_share_pixels_and_are_sliced(path: Path) -> None:
    stamps = read_stamps(path, XY([230.0, 240.0, 250.0], [140.0, 150.0, 160.0]), 5)
    one = stamps[1]
    one.image.array[2, 2] = 12345
    assert stamps.image[1, 2, 2] == 12345
    assert len(stamps[1:]) == 2 and stamps[1:][0].image.array[2, 2] == 12345
    assert len(stamps[np.array([True, False, True])]) == 2
    assert stamps[-1].bbox == stamps.bbox(2)
    with pytest.raises(IndexError):
        stamps[3]
    with pytest.raises(TypeError, match="an integer, a slice or an array"):
        stamps["a"]
    assert len(list(stamps)) == 3
    assert repr(stamps) == "<Stamps(3 of 5x5 pixels: 3 OK)>"


@given(st.floats(180, 400), st.floats(80, 280), st.integers(1, 40), st.integers(1, 40))
def test_edges_are_filled_and_marked(path: Path, x: float, y: float, height: int, width: int) -> None:
    image = make_image(3)
    stamps = read_stamps(path, XY([x], [y]), (height, width))
    box, _ = truth_of(image, x, y, (height, width))
    rows, columns = np.mgrid[box.y.start : box.y.stop, box.x.start : box.x.stop]
    inside = image.bbox.contains(x=columns, y=rows)
    expected = StampStatus.OK if inside.all() else StampStatus.EDGE if inside.any() else StampStatus.OUTSIDE
    assert stamps.status[0] == expected
    pixels = stamps.image[0]
    assert np.isnan(pixels[~inside]).all()
    np.testing.assert_array_equal(stamps[0].mask.get("NO_DATA"), ~inside)
    full = image.image.array[
        np.clip(rows - image.bbox.y.start, 0, image.bbox.shape.y - 1),
        np.clip(columns - image.bbox.x.start, 0, image.bbox.shape.x - 1),
    ]
    np.testing.assert_array_equal(pixels[inside], full[inside])


def test_positions_on_the_sky_in_all_forms(path: Path) -> None:
    image = make_image(3)
    sky = image.projection.pixel_to_sky(x=np.array([230.0, 300.0]), y=np.array([140.0, 200.0]))
    expected = read_stamps(path, XY([230.0, 300.0], [140.0, 200.0]), 7)
    tables = [
        sky,
        astropy.table.Table({"ra": sky.ra.deg, "dec": sky.dec.deg}),
        astropy.table.QTable({"coord_ra": sky.ra.rad * u.rad, "coord_dec": sky.dec.rad * u.rad}),
        astropy.table.Table({"x": [230.0, 300.0], "y": [140.0, 200.0]}),
        YX([140.0, 200.0], [230.0, 300.0]),
    ]
    for table in tables:
        found = read_stamps(path, table, 7)
        np.testing.assert_array_equal(found.image, expected.image)
        np.testing.assert_array_equal(found.start, expected.start)
    assert read_stamps(path, sky, 7)[0].projection == image.projection


def test_bad_rows_do_not_cost_the_others(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.fits"
    content = bytearray(path.read_bytes())
    with open_archive(path) as reader:
        assert reader.info.schema_name == "masked_image"
    broken.write_bytes(content[:4000])
    sources = [path, tmp_path / "missing.fits", broken, path, path]
    x, y = [230.0, 230.0, 230.0, np.nan, 1e6], [140.0] * 5
    calls: list[tuple[int, int]] = []
    stamps = read_stamps(sources, XY(x, y), 7, progress=lambda *done: calls.append(done))
    wanted = [StampStatus.OK, StampStatus.UNREADABLE, StampStatus.UNREADABLE]
    assert stamps.status.tolist() == [*wanted, StampStatus.INVALID, StampStatus.OUTSIDE]
    assert set(stamps.errors) == {1, 2} and "FileNotFoundError" in stamps.errors[1]
    assert stamps.source.tolist() == [0, 1, 2, 0, 0]
    assert np.isnan(stamps.image[1:]).all() and np.isfinite(stamps.image[0]).all()
    assert stamps[1].mask.get("NO_DATA").all()
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert stamps[1:3].errors.keys() == {0, 1}


def test_masks_of_several_files_are_mapped_by_name(tmp_path: Path) -> None:
    box = Box.factory[0:20, 0:20]
    paths = []
    for k, names in enumerate((("A", "B"), ("B", "A", "NO_DATA"))):
        mask = Mask(0, schema=MaskSchema([MaskPlane(name, name) for name in names]), bbox=box)
        mask.set("B", np.eye(20, dtype=bool))
        image = Image(np.full((20, 20), k, "f4"), bbox=box)
        MaskedImage(image, mask=mask, variance=Image(np.ones((20, 20), "f4"), bbox=box)).write(
            tmp_path / f"{k}.fits"
        )
        paths.append(tmp_path / f"{k}.fits")
    stamps = read_stamps(paths, XY([10.0, 10.0], [10.0, 10.0]), 4, threads=2)
    for i in range(2):
        np.testing.assert_array_equal(stamps[i].mask.get("B"), np.eye(4, dtype=bool))
        assert not stamps[i].mask.get("A").any() and not stamps[i].mask.get("NO_DATA").any()
        assert (stamps[i].image.array == i).all()


def test_image_only_and_open_reader(path: Path) -> None:
    with open_archive(path) as reader:
        stamps = read_stamps(reader, XY([230.0], [140.0]), 7, planes=("image",))
        assert reader.info
    assert stamps.mask is None and isinstance(stamps[0], Image)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"size": 0}, "size=0 is invalid"),
        ({"size": (3, 4, 5)}, "is invalid"),
        ({"size": 2.5}, "size=2.5"),
        ({"planes": ("image", "mask")}, "planes"),
        ({"max_memory": 400}, "more than max_memory=400"),
        ({"positions": 5}, "not understood"),
        ({"positions": astropy.table.Table({"a": [1.0]})}, r"it has \['a'\]"),
        ({"positions": XY([1.0], [1.0, 2.0])}, "as many"),
        ({"source": ["a", "b"]}, "2 sources for 1 positions"),
    ],
)
def test_invalid_arguments_are_named(change: dict, message: str, path: Path) -> None:
    arguments = {"source": path, "positions": XY([230.0], [140.0]), "size": 7} | change
    with pytest.raises(InvalidArgumentError, match=message):
        read_stamps(**arguments)


def test_sky_positions_need_a_projection(tmp_path: Path) -> None:
    Image(np.ones((20, 20), "f4")).write(tmp_path / "a.fits")
    sky = make_image().projection.pixel_to_sky(x=np.array([230.0]), y=np.array([140.0]))
    with pytest.raises(InvalidArgumentError, match="no sky projection"):
        read_stamps(tmp_path / "a.fits", sky, 5, planes=("image",))


def test_stamps_of_wrong_shapes_are_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="array start"):
        Stamps(np.zeros((3, 4, 4)), np.zeros((2, 2)))
    with pytest.raises(InvalidArgumentError, match="array mask"):
        Stamps(np.zeros((3, 4, 4)), np.zeros((3, 2)), mask=np.zeros((3, 4, 4, 2), "u1"))
