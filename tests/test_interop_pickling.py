# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pickling of images, and content tokens for dask."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import (
    make_cell_coadd,
    make_detector,
    make_difference_image,
    make_projection,
    make_visit_image,
)
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Box, ColorImage, GeneralFrame, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.interop import token
from lsst.images.io import read
from lsst.images.serialization import Attachments

FRAME = GeneralFrame(unit=u.pix)
BOX = Box.factory[3:9, 5:12]


def make_image(**changes: Any) -> Image:
    array = np.arange(42, dtype=np.float32).reshape(6, 7)
    arguments = {"start": (3, 5), "unit": u.nJy, "projection": make_projection(FRAME), "metadata": {"a": 1}}
    return Image(array, **{**arguments, **changes})


def make_mask(description: str = "Bad.", value: int = 1) -> Mask:
    return Mask(value, schema=MaskSchema([MaskPlane("BAD", description)]), bbox=BOX)


def make_masked(**changes: Any) -> MaskedImage:
    return MaskedImage(make_image(**changes), mask=make_mask())


def make_color() -> ColorImage:
    return ColorImage(np.arange(126, dtype=np.uint8).reshape(6, 7, 3), bbox=BOX)


IMAGES = [
    make_image,
    make_mask,
    make_masked,
    make_color,
    make_visit_image,
    make_difference_image,
    make_cell_coadd,
]
OTHERS = [lambda: BOX, lambda: make_projection(FRAME), lambda: make_visit_image().psf, make_detector]


def make_copy(obj: Any) -> Any:
    return pickle.loads(pickle.dumps(obj))


def arrays_of(image: Any) -> list[np.ndarray]:
    planes = [image.image, image.mask, image.variance] if isinstance(image, MaskedImage) else [image]
    return [plane.array for plane in planes]


@pytest.mark.parametrize("make", IMAGES)
def test_pickling_images_keeps_pixels(make: Any) -> None:
    image = make()
    back = make_copy(image)
    assert type(back) is type(image) and back.bbox == image.bbox and back.metadata == image.metadata
    assert back.projection == image.projection
    for array, other in zip(arrays_of(back), arrays_of(image), strict=True):
        assert array.dtype == other.dtype and np.array_equal(array, other)


@pytest.mark.parametrize("make", IMAGES)
@pytest.mark.parametrize("writeable", [True, False])
def test_pickling_read_only_pixels_stay_read_only(make: Any, writeable: bool) -> None:
    image = make()
    for array in arrays_of(image):
        array.flags.writeable = writeable
    assert [array.flags.writeable for array in arrays_of(make_copy(image))] == [writeable] * len(
        arrays_of(image)
    )


@pytest.mark.parametrize("make", IMAGES)
def test_pickling_keeps_attachments(make: Any) -> None:
    image = make()
    image._attachments = Attachments({"dataset": {"id": 7}})
    assert make_copy(image)._attachments == image._attachments


def test_pickling_image_from_file_keeps_passthrough_metadata(shared_data: Path, tmp_path: Path) -> None:
    image = read(shared_data / "examples" / "masked_image_butler.fits")
    back = make_copy(image)
    assert back._attachments.butler_info == image._attachments.butler_info is not None
    image.write(tmp_path / "before.fits")
    back.write(tmp_path / "after.fits")
    assert token(read(tmp_path / "after.fits")) == token(read(tmp_path / "before.fits"))


# Content tokens.


@pytest.mark.parametrize("make", IMAGES + OTHERS)
def test_token_equal_content_is_equal(make: Any) -> None:
    first = make()
    name = token(first)
    assert name == token(make()) == token(make_copy(first))
    for attribute in ("fits_wcs", "astropy_wcs"):
        getattr(first, attribute, None)
    assert token(first) == name
    assert str(first) and token(first) == name


def test_token_projection_after_use_is_unchanged() -> None:
    projection = make_projection(FRAME)
    name = token(projection)
    projection.sky_to_pixel(projection.pixel_to_sky(x=np.arange(3.0), y=np.arange(3.0)))
    projection.as_fits_wcs(BOX)
    assert token(projection) == name


@given(index=st.integers(0, 41), value=st.floats(width=32))
def test_token_changed_pixel_differs(index: int, value: float) -> None:
    image = make_image()
    image.array.flat[index] = value
    same = image.array.tobytes() == make_image().array.tobytes()
    assert (token(image) == token(make_image())) == same


@pytest.mark.parametrize(
    "changes",
    [
        {"start": (3, 6)},
        {"unit": u.uJy},
        {"projection": None},
        {"metadata": {"a": "1"}},
        {"metadata": {}},
        {"dtype": np.float64},
    ],
)
def test_token_changed_attribute_differs(changes: dict[str, Any]) -> None:
    assert token(make_image(**changes)) != token(make_image())


def test_token_mask_description_changes_token() -> None:
    assert len({token(make_mask()), token(make_mask("Worse.")), token(make_mask(value=0))}) == 3
    assert token(BOX) != token(Box.factory[3:9, 5:13])


@pytest.mark.parametrize("make", [make_visit_image, make_cell_coadd])
def test_token_other_psf_differs(make: Any) -> None:
    image, other = make(), make()
    other._psf = make_visit_image().psf.__class__(2.5, Box.factory[0:64, 0:80], 21)
    assert token(image) != token(other)


def test_token_strided_pixels_equal_contiguous_pixels() -> None:
    wide = np.zeros((6, 14), dtype=np.float32)
    wide[:, ::2] = make_image().array
    image = Image(
        wide[:, ::2], start=(3, 5), unit=u.nJy, projection=make_projection(FRAME), metadata={"a": 1}
    )
    assert token(image) == token(make_image())


def test_token_is_equal_in_another_process() -> None:
    code = (
        "import pickle, sys; from lsst.images.interop import token;"
        "print(token(pickle.loads(sys.stdin.buffer.read())))"
    )
    visit = make_visit_image()
    result = subprocess.run(
        [sys.executable, "-c", code],
        input=pickle.dumps(visit),
        capture_output=True,
        env={**os.environ, "PYTHONHASHSEED": "77"},
    )
    assert result.stdout.decode().strip() == str(token(visit)), result.stderr.decode()


@pytest.mark.parametrize("make", IMAGES + OTHERS[:2])
def test_token_is_used_by_dask(make: Any) -> None:
    dask_base = pytest.importorskip("dask.base")
    assert dask_base.tokenize(make()) == dask_base.tokenize(make())
    assert make().__dask_tokenize__() == token(make())
    assert dask_base.tokenize(make_image()) != dask_base.tokenize(make_image(unit=u.uJy))
