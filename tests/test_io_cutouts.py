# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of cutouts of one file: values, edges, errors, and number of requests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from helpers.servers import CountingServer
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.errors import BoxIndexError, CorruptArchiveError, InvalidParameterError, NoOverlapError
from lsst.images.fits import FitsFile
from lsst.images.io import open_archive, read, read_cutouts, write
from lsst.images.legacy import open_legacy

DATA = Path(__file__).parents[2] / "shared" / "data"
BBOX = Box.factory[-30:670, 100:900]
WHOLE = MaskSchema([MaskPlane("BAD", "Bad."), MaskPlane("SAT", "Full.")])


def make_masked_image(dtype: str = "f4") -> MaskedImage:
    rng = np.random.default_rng(8)
    mask = Mask(0, schema=WHOLE, bbox=BBOX)
    for name in WHOLE.names:
        mask.set(name, rng.random(BBOX.shape) < 0.3)
    return MaskedImage(
        Image(rng.normal(1000, 50, BBOX.shape).astype(dtype), bbox=BBOX, unit=u.nJy),
        mask=mask,
        variance=Image(rng.normal(25, 1, BBOX.shape).astype("f4"), bbox=BBOX),
    )


@pytest.fixture(scope="module")
def whole() -> MaskedImage:
    return make_masked_image()


@pytest.fixture(scope="module", params=["fits", "sdf", "json"])
def path(
    request: pytest.FixtureRequest, whole: MaskedImage, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    path = tmp_path_factory.mktemp("cutouts") / f"image.{request.param}"
    small = whole[Box.factory[-30:90, 100:260]] if request.param == "json" else whole
    write(small, path)
    return path


@pytest.fixture(scope="module")
def fits_path(whole: MaskedImage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cutouts") / "image.fits"
    write(whole, path)
    return path


def random_boxes(count: int, size: int = 40) -> list[Box]:
    rng = np.random.default_rng(1)
    starts = zip(rng.integers(-30, 670 - size, count), rng.integers(100, 900 - size, count), strict=True)
    return [Box.factory[y : y + size, x : x + size] for y, x in (map(int, start) for start in starts)]


def assert_same(found: MaskedImage, truth: MaskedImage) -> None:
    assert found.bbox == truth.bbox
    assert found.image == truth.image
    assert found.mask == truth.mask
    assert found.variance == truth.variance


def test_read_cutouts_equal_single_reads_in_order(path: Path) -> None:
    full = read(path)
    boxes = [Box.factory[0:30, 110:150], Box.factory[40:41, 120:121], Box.factory[-30:90, 100:260]]
    boxes += boxes[:1]
    cutouts = read_cutouts(path, boxes)
    assert [cutout.bbox for cutout in cutouts] == boxes == [cutout.where for cutout in cutouts]
    for cutout, box in zip(cutouts, boxes, strict=True):
        assert cutout.error is None
        assert_same(cutout.image, full[box])
        assert_same(cutout.image, read(path, bbox=box))


def test_read_cutouts_equal_boxes_do_not_share_pixels(path: Path) -> None:
    box = Box.factory[0:10, 110:120]
    one, other = read_cutouts(path, [box, box])
    one.image.image.array[...] = -1
    assert (other.image.image.array != -1).all()


@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_read_cutouts_random_fits_boxes_equal_slices(
    fits_path: Path, whole: MaskedImage, data: st.DataObject
) -> None:
    y = st.integers(-30, 669)
    x = st.integers(100, 899)
    boxes = []
    for _ in range(data.draw(st.integers(0, 5))):
        y0, y1 = sorted(data.draw(st.tuples(y, y)))
        x0, x1 = sorted(data.draw(st.tuples(x, x)))
        boxes.append(Box.factory[y0 : y1 + 1, x0 : x1 + 1])
    for cutout, box in zip(read_cutouts(fits_path, boxes), boxes, strict=True):
        assert_same(cutout.image, whole[box])


def test_read_cutouts_planes_selects_components(path: Path) -> None:
    full = read(path)
    box = Box.factory[0:30, 110:150]
    assert read_cutouts(path, [box], planes="variance")[0].image == full.variance[box]
    assert read_cutouts(path, [box], planes="mask")[0].image == full.mask[box]
    found = read_cutouts(path, [box, box], planes=("image", "mask"))[1].image
    assert found == {"image": full.image[box], "mask": full.mask[box]}
    with pytest.raises(InvalidParameterError, match="wavelength"):
        read_cutouts(path, [box], planes="wavelength")


def test_read_cutouts_of_image_file_returns_images(tmp_path: Path, whole: MaskedImage) -> None:
    write(whole.image, tmp_path / "one.fits")
    box = Box.factory[0:30, 110:150]
    assert read_cutouts(tmp_path / "one.fits", [box])[0].image == whole.image[box]


def test_read_cutouts_invalid_box_returns_its_error(path: Path) -> None:
    good, outside = Box.factory[0:30, 110:150], Box.factory[0:30, 90:110]
    found = read_cutouts(path, [good, outside, "nonsense", good])
    assert [cutout.error is None for cutout in found] == [True, False, False, True]
    assert isinstance(found[1].error, BoxIndexError) and found[1].image is None
    assert isinstance(found[2].error, InvalidParameterError) and found[2].bbox is None


def test_read_cutouts_fill_sets_pixels_outside_image(path: Path) -> None:
    full = read(path)
    inside, across = Box.factory[0:5, 110:115], Box.factory[-35:-20, 95:110]
    outside = Box.factory[5000:5010, 0:10]
    found = read_cutouts(path, [inside, across, outside], fill="NO_DATA")
    assert isinstance(found[2].error, NoOverlapError)
    assert found[0].image.mask.schema == found[1].image.mask.schema
    assert not found[0].image.mask.get("NO_DATA").any()
    piece = found[1].image
    assert piece.bbox == found[1].bbox == across
    there = across.intersection(full.bbox)
    absent = np.ones(across.shape, dtype=bool)
    absent[there.slice_within(across)] = False
    np.testing.assert_array_equal(piece.mask.get("NO_DATA"), absent)
    np.testing.assert_array_equal(np.isnan(piece.image.array), absent)
    np.testing.assert_array_equal(np.isnan(piece.variance.array), absent)
    assert piece.unit == full.unit
    assert piece.image[there] == full.image[there]
    np.testing.assert_array_equal(piece.mask[there].get("SAT"), full.mask[there].get("SAT"))
    # The mask plane may exist in the file.
    chosen = read_cutouts(path, [across], fill="BAD")[0].image
    assert chosen.mask.schema == full.mask.schema
    assert chosen.mask.get("BAD")[absent].all()


def test_read_cutouts_fill_sets_integers_to_zero(tmp_path: Path) -> None:
    image = Image(np.full((20, 30), 7, dtype="i4"))
    write(image, tmp_path / "integers.fits")
    (found,) = read_cutouts(tmp_path / "integers.fits", [Box.factory[-1:2, 0:2]], fill="NO_DATA")
    assert found.image.array.tolist() == [[0, 0], [7, 7], [7, 7]]


def test_read_cutouts_clip_clips_boxes_to_image(path: Path) -> None:
    full = read(path)
    (found,) = read_cutouts(path, [Box.factory[-35:-20, 95:110]], clip=True)
    assert_same(found.image, full[Box.factory[-30:-20, 100:110]])
    with pytest.raises(InvalidParameterError, match="not both"):
        read_cutouts(path, [], fill="NO_DATA", clip=True)


def test_read_cutouts_damaged_tile_affects_only_its_cutouts(fits_path: Path, tmp_path: Path) -> None:
    content = bytearray(fits_path.read_bytes())
    with FitsFile.open(fits_path) as file:
        offset, size = file.find("VARIANCE").byte_ranges((slice(0, 1), slice(0, 1)))[0]
    content[offset : offset + size] = b"\xff" * size
    (tmp_path / "damaged.fits").write_bytes(content)
    boxes = [Box.factory[640:660, 850:890], Box.factory[-30:-20, 100:110]]
    good, bad = read_cutouts(tmp_path / "damaged.fits", boxes)
    assert good.error is None and good.image.bbox == boxes[0]
    assert isinstance(bad.error, CorruptArchiveError)


def test_read_cutouts_of_open_reader_leaves_it_open(fits_path: Path, whole: MaskedImage) -> None:
    box = Box.factory[0:30, 110:150]
    with open_archive(fits_path) as reader:
        for _ in range(2):
            assert_same(read_cutouts(reader, [box])[0].image, whole[box])
        assert reader.read(bbox=box).bbox == box


@pytest.mark.skipif(not DATA.is_dir(), reason="the example files are not here")
def test_read_cutouts_of_legacy_file_and_visit_image() -> None:
    with open_legacy(DATA / "afw" / "maskedimage.fits") as reader:
        full = reader.read()
        boxes = [full.bbox.padded(-10), full.bbox.padded(3)]
        found = read_cutouts(reader, boxes, fill="NO_DATA")
    assert found[0].image.image == full.image[boxes[0]]
    lacking = found[1].image.mask.get("NO_DATA")
    assert lacking.sum() == boxes[1].area - full.bbox.area + full.mask.get("NO_DATA").sum()
    visit = read(DATA / "examples" / "visit_image.fits")
    box = visit.bbox.padded(-5)
    (piece,) = read_cutouts(DATA / "examples" / "visit_image.fits", [box])
    assert type(piece.image) is MaskedImage
    assert piece.image.image == visit.image[box]
    (piece,) = read_cutouts(DATA / "examples" / "visit_image.fits", [box], planes=None)
    assert type(piece.image) is type(visit)


@pytest.fixture
def server(fits_path: Path) -> Iterator[CountingServer]:
    pytest.importorskip("aiohttp", reason="reading over http needs aiohttp")
    found = CountingServer(fits_path.read_bytes())
    found.delay = 0.05
    yield found
    found.http.shutdown()


def test_read_cutouts_remote_file_downloads_each_tile_once(
    server: CountingServer, whole: MaskedImage, fits_path: Path
) -> None:
    boxes = random_boxes(60)
    found = read_cutouts(server.url, boxes)
    for cutout, box in zip(found, boxes, strict=True):
        assert_same(cutout.image, whole[box])
    # Sixty cutouts overlap all tiles several times; only the start and end of the file are read twice.
    assert server.sent < 1.02 * fits_path.stat().st_size + 34560 + 69120
    assert server.round_trips() <= 3
