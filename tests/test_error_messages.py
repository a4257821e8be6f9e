# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Length and content of error messages."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.units as u
import lsst.images
import numpy as np
import pytest
from helpers.exposures import make_projection, make_visit_image
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import XY, Box, GeneralFrame, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.cells import CellIJ
from lsst.images.errors import (
    MAX_MESSAGE_LENGTH,
    BoundsError,
    GeometryError,
    ImagesError,
    InvalidArgumentError,
)
from lsst.images.io import open_archive, read
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.images.utils import MAX_REPR_LENGTH, short_repr


@given(st.one_of(st.text(), st.binary(), st.integers(), st.lists(st.floats())))
def test_short_repr_short_value_equals_repr(value: object) -> None:
    text = repr(value)
    if len(text) <= MAX_REPR_LENGTH:
        assert short_repr(value) == text
    else:
        assert len(short_repr(value)) <= MAX_REPR_LENGTH
        assert text.startswith(short_repr(value)[:100])


@pytest.mark.parametrize("value", [b"\xff" * 3_000_000, "x" * 3_000_000, [0] * 1_000_000])
def test_short_repr_long_value_is_cut(value: object) -> None:
    text = short_repr(value)
    assert len(text) <= MAX_REPR_LENGTH and "000" in text


def test_short_repr_failing_repr_names_type() -> None:
    class Failing:
        def __repr__(self) -> str:
            raise RuntimeError("no text")

    assert short_repr(Failing()) == "<Failing>"


def test_images_error_long_message_is_cut() -> None:
    assert len(str(InvalidArgumentError("x" * 1_000_000))) <= MAX_MESSAGE_LENGTH
    assert str(ImagesError("short")) == "short"
    assert ImagesError("a", 3).args == ("a", 3)


# Arguments that are not files, names or positions.


def make_masked() -> MaskedImage:
    schema = MaskSchema([MaskPlane("SATURATED", "a"), MaskPlane("COSMIC_RAY", "b"), MaskPlane("BAD", "c")])
    image = Image(np.arange(20, dtype=np.float32).reshape(4, 5), start=(10, 20))
    return MaskedImage(image, mask_schema=schema, metadata={"airmass": 1.5})


def make_closed() -> io.BytesIO:
    stream = io.BytesIO()
    stream.close()
    return stream


@pytest.mark.parametrize(
    "target",
    [b"\xff" * 3_000_000, io.StringIO("x"), np.zeros(500_000), None, 3, [1] * 100_000, make_closed()],
    ids=["bytes", "text", "array", "none", "int", "list", "closed"],
)
@pytest.mark.parametrize("call", [read, open_archive, Image.read, Image.read_fits, make_masked().write])
def test_open_invalid_target_raises_named_error(call: Callable[[Any], object], target: Any) -> None:
    if isinstance(target, bytes) and call == Image.read_fits:
        pytest.skip("content in memory is accepted by the FITS container")
    with pytest.raises(ImagesError) as caught:
        call(target)
    assert isinstance(caught.value, ValueError)
    assert len("".join([str(caught.value), *getattr(caught.value, "__notes__", ())])) < 800


def test_read_text_mode_file_names_binary_mode(tmp_path: Path) -> None:
    make_masked().write(tmp_path / "a.json")
    with open(tmp_path / "a.json") as stream, pytest.raises(InvalidArgumentError, match="binary mode"):
        read(stream)
    with pytest.raises(InvalidArgumentError, match=r"io\.BytesIO"):
        read((tmp_path / "a.json").read_bytes())  # type: ignore[arg-type]


@pytest.mark.parametrize("extension", ["fits", "json"])
def test_top_level_read_gives_type_of_file(tmp_path: Path, extension: str) -> None:
    for n, obj in enumerate((make_masked(), make_masked().mask, make_masked().image)):
        obj.write(tmp_path / f"{n}.{extension}")
        found = lsst.images.read(tmp_path / f"{n}.{extension}")
        assert type(found) is type(obj) and found.bbox == obj.bbox


@pytest.mark.parametrize(
    ("key", "message"),
    [("mask", r"attribute \.mask"), ("airmass", r"metadata\['airmass'\]"), ("varience", "'variance'")],
)
def test_image_index_string_message_names_access(key: str, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        make_masked()[key]  # type: ignore[index]


def test_mask_unknown_plane_message_suggests_names() -> None:
    mask = make_masked().mask
    with pytest.raises(TypeError, match=r"get\('SATURATED'\)"):
        mask["SATURATED"]  # type: ignore[index]
    for name, wanted in (
        ("SAT", "SATURATED"),
        ("CR", "COSMIC_RAY"),
        ("bad", "BAD"),
        ("COSMICRAY", "COSMIC_RAY"),
    ):
        with pytest.raises(KeyError, match=f"Did you mean '{wanted}'"):
            mask.get(name)
    with pytest.raises(KeyError) as caught:
        mask.get("XYZZY")
    assert "Did you mean" not in str(caught.value)


def test_projection_positional_coordinates_message_names_call() -> None:
    projection = make_projection(GeneralFrame(unit=u.pix))
    with pytest.raises(TypeError, match=r"SkyCoord\(ra, dec, unit='deg'\)"):
        projection.sky_to_pixel(45.0, 30.0)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"pixel_to_sky\(x=x, y=y\)"):
        projection.pixel_to_sky(1.0, 2.0)  # type: ignore[arg-type]


# Access that was missing.


def test_astropy_wcs_world_to_pixel_has_names() -> None:
    image = Image(0.0, bbox=Box.factory[10:30, 20:50], projection=make_projection(GeneralFrame(unit=u.pix)))
    wcs = image.astropy_wcs
    assert wcs is not None
    x, y = np.array([1.0, 4.5]), np.array([2.0, 3.25])
    point = wcs.world_to_pixel(wcs.pixel_to_world(x, y))
    assert isinstance(point, tuple)
    np.testing.assert_allclose([point.x, point.y], [x, y], atol=1e-6)


def test_image_index_sky_circle_equals_box() -> None:
    box = Box.factory[10:130, 20:150]
    projection = make_projection(GeneralFrame(unit=u.pix))
    image = Image(np.random.default_rng(1).normal(size=box.shape), bbox=box, projection=projection)
    center = projection.pixel_to_sky(x=80.0, y=70.0)
    radius = 10 * projection.pixel_scale(XY(80.0, 70.0))
    found = image[center, radius]
    assert found == image[Box.from_sky_circle(projection, center, radius)]
    assert found.bbox.contains(x=80, y=70) and 18 <= found.bbox.x.size <= 24
    with pytest.raises(GeometryError, match="sky projection"):
        make_masked()[center, radius]


def test_image_asarray_shares_pixels() -> None:
    masked = make_masked()
    assert np.shares_memory(np.asarray(masked.image), masked.image.array)
    assert np.asarray(masked.mask).shape == masked.mask.array.shape
    assert np.asarray(masked.image, dtype=np.float64).dtype == np.float64
    assert not np.shares_memory(np.array(masked.image), masked.image.array)
    with pytest.raises(ValueError, match="cannot be viewed"):
        np.asarray(masked.image, dtype=np.int16, copy=False)


@given(st.integers(0, 2**32 - 1))
def test_mask_compare_equals_pixel_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = ["A", "B", "C", "D"]
    box = Box.factory[3:6, 4:8]
    planes: list[dict[str, np.ndarray]] = []
    masks = []
    for _ in range(2):
        chosen = list(rng.permutation(names)[: rng.integers(1, 5)])
        mask = Mask(0, schema=MaskSchema([MaskPlane(str(name), "") for name in chosen]), bbox=box)
        values = {str(name): rng.random(box.shape) < 0.3 for name in chosen}
        for name, value in values.items():
            mask.set(plane=name, boolean_mask=value)  # type: ignore[call-arg]
        planes.append(values)
        masks.append(mask)
    zero = np.zeros(box.shape, dtype=bool)
    wanted = {}
    for name in names:
        a, b = (values.get(name, zero) for values in planes)
        if (a != b).any():
            wanted[name] = (int((a > b).sum()), int((b > a).sum()))
    assert masks[0].compare(masks[1]) == wanted
    assert list(masks[0].compare(masks[1])) == sorted(wanted)
    assert masks[0].compare(masks[0]) == {}
    with pytest.raises(ValueError, match="same bounding box"):
        masks[0].compare(masks[0].view(start=(0, 0)))


def test_visit_image_psf_can_be_set_to_a_psf_only() -> None:
    visit = make_visit_image()
    psf = GaussianPointSpreadFunction(2.0, bounds=visit.bbox, stamp_size=21)
    visit.psf = psf
    assert visit.psf is psf and visit[visit.bbox].psf is psf
    with pytest.raises(TypeError, match="PointSpreadFunction"):
        visit.psf = 3  # type: ignore[assignment]
    assert visit.psf is psf


def test_private_aliases_are_the_public_objects() -> None:
    assert importlib.import_module("lsst.images._cell_grid").CellIJ is CellIJ
    assert importlib.import_module("lsst.images._geom").BoundsError is BoundsError
