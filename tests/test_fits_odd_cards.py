# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Header cards that violate the FITS standard: pixels are read, and the cards are kept."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from astropy.io import fits
from lsst.images import Image, Mask, MaskedImage, MaskPlane, MaskSchema, VisitImage
from lsst.images.errors import LossyConversionWarning

CARDS = [
    b"OBSERVER= 'Mu\xf1oz'",
    b"COMMENT \xb0C",
    b"HISTORY \xc4\x8dt, 16 dub",
    b"ORIGIN  = 'CASA 4.7.0-REL (r38335)\n'",
    b"ORIGIN  = NaN",
    b"INSTRUME= 'caf\xe9'",
    b"TELESCOP= -1.e",
    b"FILTER  = NaN",
    b"FRAMEID = 'a\0b'",
    b"DATE-OBS= 2001-01-01T00:00:00 / without quotes",
    b"EXPTIME = 30.0 / in sec\xf3nds",
    b"OBSERV\xc9R= 'a'",
    b"HIERARCH A LONG KEYWORD = 'Mu\xf1oz'",
    (b"LONGTEXT= 'Mu\xf1oz " + b"x" * 50 + b"&'").ljust(80) + b"CONTINUE  'and \xe9 more'",
]


def with_card(card: bytes, hdu: int = 0) -> bytes:
    """Return a masked image file with a card inserted before END of an HDU."""
    stream = io.BytesIO()
    mask = fits.ImageHDU(np.zeros((6, 7), "i4"), name="MASK")
    mask.header["MP_BAD"] = 0
    planes = [fits.ImageHDU(np.ones((6, 7), "f4"), name=name) for name in ("IMAGE", "VARIANCE")]
    fits.HDUList([fits.PrimaryHDU(), planes[0], mask, planes[1]]).writeto(stream)
    raw = stream.getvalue()
    at = -1
    for _ in range(hdu + 1):
        at = raw.index(b"END".ljust(80), at + 1)
    start, stop = at - at % 2880, at - at % 2880 + 2880
    size = -(-len(card) // 80) * 80
    return raw[:start] + (raw[start:at] + card.ljust(size) + b"END".ljust(80)).ljust(2880) + raw[stop:]


@pytest.mark.parametrize("hdu", [0, 1, 2, 3])
@pytest.mark.parametrize("card", CARDS)
def test_read_legacy_odd_card_is_written_to_fits_byte_for_byte(card, hdu, tmp_path):
    masked_image = MaskedImage.read_legacy(io.BytesIO(with_card(card, hdu)))
    np.testing.assert_array_equal(masked_image.image.array, np.ones((6, 7)))
    with pytest.warns(LossyConversionWarning, match="byte for byte"):
        masked_image.write(tmp_path / "first.fits")
    again = MaskedImage.read(tmp_path / "first.fits")
    again.write(tmp_path / "second.fits")
    for name in ("first", "second"):
        raw = (tmp_path / f"{name}.fits").read_bytes()
        at = raw.index(card)
        assert at % 80 == 0
        assert raw[at : at + len(card)].ljust(len(card)) == card
        assert MaskedImage.read(tmp_path / f"{name}.fits").image == masked_image.image


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize("extension", ["sdf", "json"])
def test_read_legacy_odd_card_does_not_prevent_other_containers(card, extension, tmp_path):
    masked_image = MaskedImage.read_legacy(io.BytesIO(with_card(card)))
    path = tmp_path / f"a.{extension}"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        masked_image.write(path)
    again = MaskedImage.read(path)
    assert again.image == masked_image.image and again.mask == masked_image.mask
    if extension == "sdf":
        assert [w for w in caught if "escaped" in str(w.message)]
        again.write(tmp_path / "b.fits")
        header = fits.getheader(tmp_path / "b.fits")
        header.tostring()
        if b"OBSERVER" in card:
            assert header["OBSERVER"] == r"Mu\xf1oz"
        if card.startswith(b"HIST"):
            assert str(header["HISTORY"]).strip() == r"\xc4\x8dt, 16 dub"


@hypothesis.given(
    keyword=st.sampled_from(
        ["ORIGIN", "INSTRUME", "TELESCOP", "FILTER", "FRAMEID", "EXP-ID", "DATE-OBS", "X"]
    ),
    value=st.binary(max_size=70).filter(lambda text: not text.startswith(b"END ")),
)
@hypothesis.settings(max_examples=60, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture])
def test_read_legacy_any_bytes_in_a_card_keep_pixels_and_bytes(keyword, value, tmp_path):
    card = keyword.encode().ljust(8) + b"= " + value
    masked_image = MaskedImage.read_legacy(io.BytesIO(with_card(card)))
    np.testing.assert_array_equal(masked_image.image.array, np.ones((6, 7)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        masked_image.write(tmp_path / "a.fits", overwrite=True)
    with fits.open(tmp_path / "a.fits") as hdus:
        np.testing.assert_array_equal(hdus["IMAGE"].data, masked_image.image.array)


@pytest.mark.parametrize("keyword", [b"FILTER", b"FRAMEID", b"EXP-ID", b"EXPTIME", b"TELESCOP"])
@pytest.mark.parametrize("value", [b"-1", b"NaN", b"T", b"", b"'caf\xe9'", b"1.5", b"(1, 2)"])
def test_read_legacy_calexp_with_odd_value_is_read(shared_data, keyword, value):
    raw = (shared_data / "legacy/calexp/obs_base_calexp.fits").read_bytes()
    at = raw.find(keyword.ljust(8) + b"=")
    assert at % 80 == 0
    damaged = raw[:at] + (keyword.ljust(8) + b"= " + value).ljust(80) + raw[at + 80 :]
    expected = MaskedImage.read_legacy(io.BytesIO(raw))
    for pytype in (MaskedImage, VisitImage):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert pytype.read_legacy(io.BytesIO(damaged)).image == expected.image


def test_from_hdu_list_with_odd_card_is_written(tmp_path):
    with fits.open(io.BytesIO(with_card(b"ORIGIN  = NaN", 1))) as hdus, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        hdus[1].header["LTV1"] = hdus[1].header["LTV2"] = 0
        image = Image.from_hdu_list(hdus)
        image.write_fits(tmp_path / "a.fits")
    assert Image.read_fits(tmp_path / "a.fits") == image
    # astropy repairs this value when it formats the card.
    assert fits.getheader(tmp_path / "a.fits", 1)["ORIGIN"] == "NaN"


@pytest.mark.parametrize("extension", ["fits", "sdf", "json"])
def test_write_mask_plane_with_unprintable_text_keeps_text(tmp_path, extension):
    planes = [
        MaskPlane("BAD", "Pixel is > 3\u03c3 off \u2013 do not use\n"),
        MaskPlane("Gr\u00f6\u00dfe", "a"),
    ]
    mask = Mask(0, schema=MaskSchema(planes), shape=(3, 4))
    mask.set("BAD", np.eye(3, 4, dtype=bool))
    path: Path = tmp_path / f"a.{extension}"
    mask.write(path)
    assert Mask.read(path) == mask
    if extension == "fits":
        with fits.open(path) as hdus:
            assert hdus[1].header["MSKD0000"] == r"Pixel is > 3\u03c3 off \u2013 do not use\n"
            assert hdus[1].header["MSKN0001"] == r"Gr\xf6\xdfe"
    header = fits.Header()
    mask.schema.update_header(header)
    assert header["MSKD0000"] == r"Pixel is > 3\u03c3 off \u2013 do not use\n"
