# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the metadata of images: native values and header cards of the file."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from helpers.exposures import make_visit_image
from hypothesis import given
from hypothesis import strategies as st
from lsst.images import Image, MaskedImage, MetadataView, VisitImage, read
from lsst.images.errors import UnserializableTypeError
from lsst.images.fits import FitsExternalMetadata
from lsst.images.serialization import EmptyExternalMetadata

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CARDS = {"AIRMASS": 1.25, "OBSERVER": "N. N.", "FLAG": True, "COUNT": 3}


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image that was read from a file with cards of other software."""
    path = tmp_path / "image.fits"
    Image(np.ones((3, 4), np.float32), metadata={"id": 5, "exptime": 30.0}).write(path)
    with fits.open(path, mode="update") as hdus:
        header = hdus[0].header
        header.update(CARDS)
        for value in (1.5, 2.5):
            header.append(("BGMEAN", value))
        header["HIERARCH LSST ISR UNITS"] = "electron"
        header["EMPTY"] = None
        header["PHASE"] = complex(1, 2)
        header["EXPTIME"] = 15.0
        header["COMMENT"] = "A comment."
    return Image.read(path)


def test_look_up_finds_native_before_external(image: Image) -> None:
    metadata = image.metadata
    assert isinstance(metadata, dict) and isinstance(metadata, MetadataView)
    assert metadata["id"] == 5 and metadata["airmass"] == metadata["AIRMASS"] == 1.25
    assert metadata["exptime"] == 30.0 and metadata["EXPTIME"] == 15.0
    assert metadata.get("Observer") == "N. N." and "flag" in metadata
    assert "nothing" not in metadata and metadata.get("nothing") is None
    with pytest.raises(KeyError):
        metadata["nothing"]
    assert 5 not in metadata


def test_iteration_gives_union_of_names(image: Image) -> None:
    metadata = image.metadata
    names = set(metadata)
    assert {"id", "exptime", "EXPTIME", *CARDS} <= names and len(metadata) == len(names)
    assert dict(metadata) == {name: metadata[name] for name in names} == {**metadata}
    assert metadata == dict(metadata) and metadata != metadata.native
    assert "COMMENT" not in names and "" not in names


def test_external_has_all_values_of_all_cards(image: Image) -> None:
    external = image.metadata.external
    assert external.get_all("bgmean") == image.metadata.get_all("BGMEAN") == (1.5, 2.5)
    assert external["BGMEAN"] == 1.5 and list(external).count("BGMEAN") == 1
    assert external["LSST ISR UNITS"] == external["hierarch lsst isr units"] == "electron"
    assert external["EMPTY"] is None and external["PHASE"] == complex(1, 2)
    assert image.metadata.get_all("id") == (5,)
    for name in ("COMMENT", "", "NAXIS", "*", 3):
        assert name not in external
    with pytest.raises(TypeError):
        external["AIRMASS"] = 2.0  # type: ignore[index]


def test_changes_affect_native_values_only(image: Image) -> None:
    metadata = image.metadata
    metadata["new"] = 1
    metadata.update({"id": 6}, other="x")
    assert image.metadata.native == {"id": 6, "exptime": 30.0, "new": 1, "other": "x"}
    assert metadata.setdefault("AIRMASS", 2.0) == 1.25 and metadata.setdefault("more", 4) == 4
    assert metadata.pop("new") == 1 and metadata.pop("AIRMASS", "default") == "default"
    with pytest.raises(KeyError, match="external metadata"):
        metadata.pop("AIRMASS")
    with pytest.raises(KeyError, match="external metadata"):
        del metadata["airmass"]
    metadata["exptime"] = 31.0
    metadata.clear()
    assert image.metadata.native == {} and metadata["AIRMASS"] == 1.25
    with pytest.raises(KeyError):
        metadata.popitem()


def test_new_native_name_of_external_card_raises_and_changes_nothing(image: Image) -> None:
    before = image.metadata.copy()
    change = {"a": 1, "AirMass": 2.0}
    for metadata in (image.metadata, image.metadata.native):
        with pytest.raises(KeyError, match="would shadow"):
            metadata.update(change)
        assert image.metadata.native == before


@pytest.mark.parametrize("value", [{"b": 2}, 1 + 2j, [1]])
def test_value_that_no_file_can_hold_raises_on_writing(value: Any, tmp_path: Path) -> None:
    image = Image(0, shape=(2, 2))
    image.metadata["bad"] = value
    for name in ("image.fits", "image.json", "image.sdf"):
        with pytest.raises(UnserializableTypeError, match="bad"):
            image.write(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_copies_are_plain_dictionaries_of_native_values(image: Image) -> None:
    native = {"id": 5, "exptime": 30.0}
    metadata = image.metadata
    for duplicate in (metadata.copy(), copy.copy(metadata), copy.deepcopy(metadata)):
        assert type(duplicate) is dict and duplicate == native
    assert pickle.loads(pickle.dumps(metadata)) == native
    assert type(metadata | {"x": 1}) is dict and (metadata | {"x": 1})["AIRMASS"] == 1.25
    assert ({"x": 1} | metadata)["x"] == 1
    assert json.loads(json.dumps(dict(metadata.native))) == json.loads(json.dumps(metadata.native)) == native


def test_json_of_view_has_all_values(image: Image) -> None:
    del image.metadata.native["exptime"]
    found = json.loads(json.dumps(image.metadata, default=str))
    assert found["AIRMASS"] == 1.25 and found["id"] == 5
    image.metadata.clear()
    assert json.loads(json.dumps(image.metadata, default=str))["AIRMASS"] == 1.25


def test_view_reads_live_values() -> None:
    values: dict[str, Any] = {"a": 1}
    image = Image(0, shape=(2, 2), metadata=values)
    view = image.metadata
    values["b"] = 2
    image.metadata["c"] = 3
    assert view == {"a": 1, "b": 2, "c": 3} == values
    assert isinstance(view.external, EmptyExternalMetadata) and repr(view.external) == (
        "EmptyExternalMetadata({})"
    )


def test_assignment_copies_and_disconnects(image: Image) -> None:
    part = image.local[:2, :2]
    part.metadata["id"] = 7
    assert image.metadata["id"] == 7
    part.metadata = part.metadata
    part.metadata["id"] = 8
    assert image.metadata["id"] == 7 and part.metadata["AIRMASS"] == 1.25
    other = Image(0, shape=(2, 2), metadata=image.metadata)
    assert other.metadata == {"id": 7, "exptime": 30.0}
    other.metadata["id"] = 9
    assert image.metadata["id"] == 9


@pytest.mark.parametrize("extension", ["fits", "sdf"])
def test_rewritten_file_keeps_native_and_external(image: Image, extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"again.{extension}"
    image.write(path)
    again = Image.read(path)
    assert again.metadata == image.metadata
    assert again.metadata.native == image.metadata.native
    assert again.metadata.external.get_all("BGMEAN") == (1.5, 2.5)
    if extension == "fits":
        assert fits.getheader(path)["AIRMASS"] == 1.25


def test_json_file_has_native_values_only(image: Image, tmp_path: Path) -> None:
    image.write(tmp_path / "image.json")
    assert Image.read(tmp_path / "image.json").metadata == {"id": 5, "exptime": 30.0}


def test_parts_of_an_object_have_no_external_metadata(tmp_path: Path) -> None:
    visit = make_visit_image()
    visit.metadata["a"] = 1
    visit.write(tmp_path / "visit.fits")
    fits.setval(tmp_path / "visit.fits", "AIRMASS", value=1.25)
    again = VisitImage.read(tmp_path / "visit.fits")
    assert again.metadata["airmass"] == 1.25 and not again.image.metadata.external
    assert again.copy().metadata["airmass"] == again[again.bbox].metadata["airmass"] == 1.25


def test_legacy_file_gives_its_cards() -> None:
    files = sorted((DATA / "examples43").rglob("synthetic_afw_template.fits"))
    if not files:
        pytest.skip("needs the examples of release 43 in shared/data")
    import astropy.units as u
    from lsst.images import GeneralFrame

    found = MaskedImage.read_legacy(files[0], fits_wcs_frame=GeneralFrame(unit=u.pix))
    assert found.metadata.get_all("bgmean") == (1.5, 2.5)
    assert found.metadata["telescop"] == fits.getval(files[0], "TELESCOP")


NAMES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", min_size=1, max_size=8).filter(
    lambda name: name not in ("COMMENT", "HISTORY", "END", "CONTINUE", "HIERARCH")
)
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(-1e30, 1e30, allow_subnormal=False),
    st.text("abc XYZ'/=", max_size=20).map(str.rstrip),
)


@given(cards=st.lists(st.tuples(NAMES, VALUES), max_size=8))
def test_external_agrees_with_astropy(cards: list[tuple[str, Any]]) -> None:
    header = fits.Header([*cards, ("COMMENT", "text"), ("", "blank")])
    external = FitsExternalMetadata(header)
    assert set(external) == {name for name, _ in cards} and len(external) == len(set(external))
    for name, _ in cards:
        values = [header[(name, number)] for number in range(header.count(name))]
        assert list(external.get_all(name.lower())) == values and external[name] == values[0]


def test_read_of_any_type_gives_view(tmp_path: Path) -> None:
    Image(0, shape=(2, 2), metadata={"a": 1}).write(tmp_path / "image.fits")
    assert read(tmp_path / "image.fits").metadata.native == {"a": 1}
