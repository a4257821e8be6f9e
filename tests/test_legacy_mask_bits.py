# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mask bits and origins of legacy files with unusual headers, compared with arrays that astropy wrote."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from astropy.io import fits
from helpers import afw_fakes_image
from helpers.afw_fakes import install
from helpers.afw_fakes_geom import Box2I, IntervalI
from lsst.images import (
    Image,
    Mask,
    MaskedImage,
    MaskPlane,
    get_legacy_deep_coadd_mask_planes,
    get_legacy_non_cell_coadd_mask_planes,
    get_legacy_optional_mask_planes,
    get_legacy_template_mask_planes,
    get_legacy_visit_image_mask_planes,
)
from lsst.images.errors import CorruptArchiveError, LegacyConversionError, LossyConversionWarning

ORIGIN = (20, 10)


def write_file(
    path: Path,
    mask: np.ndarray,
    cards: dict[str, Any],
    *,
    origins: dict[str, tuple[float, float]] | None = None,
    compress: bool = False,
) -> Path:
    """Write a masked image in the layout of `lsst.afw`; origins are (x, y)."""
    hdus: list[Any] = [fits.PrimaryHDU()]
    for name, array in (
        ("IMAGE", np.ones(mask.shape, "f4")),
        ("MASK", mask),
        ("VARIANCE", np.ones_like(mask)),
    ):
        hdu = (
            fits.CompImageHDU(array, name=name, compression_type="GZIP_1")
            if compress and name == "MASK"
            else fits.ImageHDU(array if name != "VARIANCE" else array.astype("f4"), name=name)
        )
        x, y = (origins or {}).get(name, ORIGIN)
        hdu.header["LTV1"], hdu.header["LTV2"] = -x, -y
        if name == "MASK":
            hdu.header.update(cards)
        hdus.append(hdu)
    fits.HDUList(hdus).writeto(path, overwrite=True)
    return path


def planes_of(mask: Mask) -> dict[str, np.ndarray]:
    return {name: mask.get(name) for name in mask.schema.names if mask.get(name).any()}


def truth_of(pixels: np.ndarray, bit: int) -> np.ndarray:
    return pixels.astype(np.int64) >> bit & 1 != 0


@hypothesis.given(
    data=st.data(), dtype=st.sampled_from(["i2", "i4", "u1", "f4", "f8"]), compress=st.booleans()
)
@hypothesis.settings(max_examples=25, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_read_legacy_every_set_bit_becomes_a_plane(tmp_path, data, dtype, compress):
    width = {"i2": 15, "i4": 31, "u1": 8, "f4": 20, "f8": 32}[dtype]
    used = data.draw(st.sets(st.integers(0, width - 1), max_size=6))
    bits = data.draw(st.dictionaries(st.sampled_from("ABCDEF"), st.integers(-1, 40), max_size=4))
    pixels = np.zeros((6, 7), np.int64)
    for n, bit in enumerate(sorted(used)):
        pixels.flat[[n, 3 * n + 1]] |= 1 << bit
    path = write_file(
        tmp_path / "a.fits",
        pixels.astype(dtype),
        {f"MP_{name}": bit for name, bit in bits.items()},
        compress=compress and dtype[0] != "f",
    )
    expected = {name: truth_of(pixels, bit) for name, bit in bits.items() if bit in used}
    expected |= {f"BIT{bit}": truth_of(pixels, bit) for bit in used - set(bits.values())}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mask = Mask.read_legacy(path, ext="MASK")
    np.testing.assert_equal(planes_of(mask), expected)
    warned = [
        w for w in caught if w.category is LossyConversionWarning and "do not have a name" in str(w.message)
    ]
    assert bool(warned) == bool(used - set(bits.values()))


@pytest.mark.parametrize("value", ["0", 0.0, True, -1, 99, "undefined"])
def test_read_legacy_plane_card_without_bit_number_names_no_bit(tmp_path, value):
    pixels = np.zeros((6, 7), "i4")
    pixels[1, 1] = 1
    path = write_file(tmp_path / "a.fits", pixels, {"MP_A": None if value == "undefined" else value})
    with pytest.warns(LossyConversionWarning, match=r"bits \[0\].*\['BIT0'\]"):
        mask = MaskedImage.read_legacy(path).mask
    np.testing.assert_equal(planes_of(mask), {"BIT0": pixels != 0})


def test_read_legacy_unnamed_bits_use_entry_of_plane_map_and_unused_names(tmp_path):
    pixels = np.zeros((6, 7), "i4")
    pixels[0, 0], pixels[1, 1], pixels[2, 2] = 1, 2, 4
    path = write_file(tmp_path / "a.fits", pixels, {"MP_BIT1": 0})
    plane_map = {"BIT1": MaskPlane("BIT1", "One."), "BIT2": MaskPlane("STREAK", "Two.")}
    with pytest.warns(LossyConversionWarning, match="UNNAMED_BIT1"):
        mask = MaskedImage.read_legacy(path, plane_map=plane_map).mask
    expected = {"BIT1": pixels == 1, "UNNAMED_BIT1": pixels == 2, "STREAK": pixels == 4}
    np.testing.assert_equal(planes_of(mask), expected)
    # A named plane that the map lacks is still an error.
    with pytest.raises(LegacyConversionError, match="not remapped"):
        MaskedImage.read_legacy(path, plane_map={})


def test_from_legacy_keeps_unnamed_bits_and_both_names_of_a_bit(monkeypatch):
    install(monkeypatch)
    box = Box2I(x=IntervalI(min=0, max=6), y=IntervalI(min=0, max=5))
    legacy = afw_fakes_image.Mask(box, planes={"A": 0, "B": 0})
    legacy.array[0, 0], legacy.array[1, 1] = 1, -(2**31)
    with pytest.warns(LossyConversionWarning, match="BIT31"):
        mask = Mask.from_legacy(legacy)
    np.testing.assert_equal(
        planes_of(mask), {"A": legacy.array == 1, "B": legacy.array == 1, "BIT31": legacy.array < 0}
    )


def test_from_hdu_list_keeps_unnamed_bits_and_origin_of_image(tmp_path):
    pixels = np.zeros((6, 7), "f8")
    pixels[0, 0], pixels[1, 1] = 1, 2
    path = write_file(tmp_path / "a.fits", pixels, {"MP_BAD": 0}, origins={"VARIANCE": (0, 0)})
    with fits.open(path) as hdus, pytest.warns(LossyConversionWarning) as caught:
        masked_image = MaskedImage.from_hdu_list(hdus)
    np.testing.assert_equal(planes_of(masked_image.mask), {"BAD": pixels == 1, "BIT1": pixels == 2})
    assert masked_image.bbox.start == ORIGIN[::-1]
    messages = [str(warning.message) for warning in caught]
    assert any("BIT1" in text for text in messages) and any("VARIANCE" in text for text in messages)


@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, -(2.0**32), 2.0**32])
def test_read_legacy_mask_with_values_that_are_not_bits_raises_error(tmp_path, value):
    pixels = np.zeros((6, 7), "f8")
    pixels[0, 0] = value
    path = write_file(tmp_path / "a.fits", pixels, {"MP_BAD": 0})
    with pytest.raises(CorruptArchiveError, match="MASK.*float64.*integers of at most 32 bits"):
        MaskedImage.read_legacy(path)


@pytest.mark.parametrize("plane", ["MASK", "VARIANCE"])
def test_read_legacy_plane_with_other_origin_uses_origin_of_image(tmp_path, plane):
    pixels = np.arange(42, dtype="i4").reshape(6, 7)
    path = write_file(tmp_path / "a.fits", pixels, {f"MP_P{n}": n for n in range(6)}, origins={plane: (3, 4)})
    with pytest.warns(LossyConversionWarning, match=rf"{plane}.*\(4, 3\).*\(10, 20\)"):
        masked_image = MaskedImage.read_legacy(path)
    assert masked_image.bbox.start == (10, 20)
    np.testing.assert_array_equal(masked_image.mask.get("P0"), truth_of(pixels, 0))
    with pytest.warns(LossyConversionWarning):
        part = MaskedImage.read_legacy(path, component=plane.lower())
    assert part.bbox == masked_image.bbox
    # An extension that is named by the caller is independent of the others.
    single = (Mask if plane == "MASK" else Image).read_legacy(path, ext=3 if plane == "VARIANCE" else 2)
    assert single.bbox.shape == (6, 7)


def test_read_legacy_fractional_origin_is_rounded_with_warning(tmp_path):
    pixels = np.zeros((6, 7), "i4")
    path = write_file(tmp_path / "a.fits", pixels, {}, origins=dict.fromkeys(("IMAGE",), (10.5, 3.25)))
    with pytest.warns(LossyConversionWarning, match="10.5, which is not a whole number; it is rounded to 10"):
        image = Image.read_legacy(path)
    assert image.bbox.start == (3, 10)


@pytest.mark.parametrize("given", [None, {"BAD": MaskPlane("BAD", "")}], ids=["default map", "given map"])
def test_planes_of_source_injection_are_appended_if_they_have_pixels(
    given: dict[str, MaskPlane] | None, tmp_path: Path
) -> None:
    pixels = np.zeros((4, 5), "i4")
    pixels[1, 2] = 1 << 7
    pixels[3, 3] = 1 << 9 | 1
    cards = {"MP_BAD": 0, "MP_INJECTED": 9, "MP_INJECTED_CORE": 8, "MP_INJECTED_CORE_TEMPLATE": 7}
    path = write_file(tmp_path / "a.fits", pixels, cards)
    mask = MaskedImage.read_legacy(path, plane_map=given).mask
    expected = [*(get_legacy_visit_image_mask_planes() if given is None else given).values()]
    optional = get_legacy_optional_mask_planes()
    assert list(mask.schema) == [*expected, optional["INJECTED"], optional["INJECTED_CORE_TEMPLATE"]]
    np.testing.assert_array_equal(mask.get("INJECTED"), truth_of(pixels, 9))
    np.testing.assert_array_equal(mask.get("INJECTED_CORE_TEMPLATE"), truth_of(pixels, 7))


def test_template_planes_are_guessed_from_their_names(tmp_path: Path) -> None:
    names = ["INEXACT_PSF", "SENSOR_EDGE", "HIGH_VARIANCE"]
    for count, expected in (
        (1, get_legacy_deep_coadd_mask_planes()),
        (2, get_legacy_non_cell_coadd_mask_planes()),
        (3, get_legacy_template_mask_planes()),
    ):
        cards = {f"MP_{name}": bit for bit, name in enumerate(names[:count])}
        path = write_file(tmp_path / "a.fits", np.ones((4, 5), "i4"), cards)
        assert list(MaskedImage.read_legacy(path).mask.schema) == list(expected.values())
