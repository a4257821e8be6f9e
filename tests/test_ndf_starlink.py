# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of NDFs of other software, which do not have a tree."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import starlink.Ast
from lsst.images.errors import ArchiveReadError, NotAnArchiveError
from lsst.images.ndf import NdfInputArchive
from lsst.images.ndf._wcs import (  # private: the record format of NDF WCS components
    lines_from_records,
    records_from_lines,
)
from lsst.images.serialization import ArrayReferenceModel

PIXELS = np.arange(12, dtype=np.int16).reshape(3, 4)


def make_ndf(**components: Any) -> io.BytesIO:
    """Return an HDF5 file with an NDF, given the datasets of its components."""
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.attrs["CLASS"] = np.bytes_("NDF")
        for path, value in components.items():
            file[path.replace("__", "/")] = value
    return stream


def wcs_records(frame_set: Any) -> np.ndarray:
    lines: list[str] = []

    class Sink:
        def astsink(self, line: str) -> None:
            lines.append(line)

    starlink.Ast.Channel(None, Sink(), "Full=-1,Comment=0").write(frame_set)
    return np.array([record.ljust(32).encode() for record in records_from_lines(lines)])


def array_of(archive: NdfInputArchive, node: Any, **options: Any) -> np.ndarray:
    return archive.get_array(ArrayReferenceModel.model_validate(node), **options)


def sky_of(tree: dict[str, Any], x: float, y: float) -> np.ndarray:
    text = tree["sky_projection"]["pixel_to_sky"]["mappings"][0]["ast"]
    return np.degrees(starlink.Ast.Channel(text.splitlines()).read().tran([[x], [y]])).ravel()


def test_open_real_starlink_file_succeeds(shared_data: Path) -> None:
    with NdfInputArchive.open(shared_data / "images" / "example-ndf.sdf") as archive:
        tree = archive.get_raw_tree()
        array = array_of(archive, tree["data"])
        part = array_of(archive, tree["data"], slices=(slice(10, 20), slice(600, 609)))
        passthrough = archive.get_passthrough()
        assert archive.is_foreign
        assert archive.info.schema_name == "image"
    assert array.shape == (611, 609)
    assert array.dtype == np.int16
    assert np.array_equal(part, array[10:20, 600:609])
    assert tree["yx0"] == [61, -321]
    assert passthrough is not None
    cards = passthrough.primary_cards()
    assert "SURVEY  = 'Digitized Sky Survey'".ljust(80) in cards
    assert not [card for card in cards if card.startswith(("END", "NAXIS", "CRVAL1", "SIMPLE"))]


def test_real_starlink_file_projection_equals_its_frame_set(shared_data: Path) -> None:
    path = shared_data / "images" / "example-ndf.sdf"
    with NdfInputArchive.open(path) as archive:
        tree = archive.get_raw_tree()
    with h5py.File(path) as file:
        records = [record.decode().ljust(32) for record in file["WCS/DATA"][()]]
    frame_set = starlink.Ast.Channel(lines_from_records(records)).read()
    # Grid (1, 1) is the first pixel, whose absolute coordinates are yx0.
    y0, x0 = tree["yx0"]
    for x, y in ((1, 1), (305, 306), (609, 611)):
        expected = np.degrees(frame_set.tran([[float(x)], [float(y)]])).ravel()
        np.testing.assert_allclose(sky_of(tree, x - 1 + x0, y - 1 + y0), expected, rtol=1e-12)
    np.testing.assert_allclose(sky_of(tree, 304 + x0, 305 + y0) % 360, [283.39, 33.03], atol=0.01)


def test_starlink_array_without_origin_starts_at_zero() -> None:
    with NdfInputArchive.open(make_ndf(DATA_ARRAY=PIXELS)) as archive:
        tree = archive.get_raw_tree()
        assert tree["yx0"] == [0, 0]
        assert np.array_equal(array_of(archive, tree["data"]), PIXELS)


def test_starlink_variance_quality_and_units_are_masked_image() -> None:
    quality = np.arange(12, dtype=np.uint8).reshape(3, 4)
    stream = make_ndf(
        DATA_ARRAY__DATA=PIXELS,
        DATA_ARRAY__ORIGIN=np.array([7, 9]),
        VARIANCE=PIXELS.astype(np.float64),
        QUALITY__QUALITY=quality,
        QUALITY__BADBITS=np.uint8(5),
        UNITS=np.bytes_("adu"),
    )
    with NdfInputArchive.open(stream) as archive:
        tree = archive.get_raw_tree()
        assert archive.info.schema_name == "masked_image"
        assert tree["image"]["data"]["unit"] == "adu"
        assert tree["mask"]["yx0"] == [9, 7]
        assert [plane["name"] for plane in tree["mask"]["planes"]] == [f"MASK{n}" for n in range(8)]
        meanings = ["does not" not in plane["description"] for plane in tree["mask"]["planes"]]
        assert meanings == [True, False, True] + [False] * 5
        assert np.array_equal(array_of(archive, tree["mask"]["data"][0]), quality[..., np.newaxis])
        part = array_of(archive, tree["mask"]["data"][0], slices=(slice(1, 2), slice(0, 3), slice(None)))
        assert np.array_equal(part, quality[1:2, 0:3, np.newaxis])
        assert np.array_equal(array_of(archive, tree["variance"]["data"]), PIXELS.astype(np.float64))


def test_starlink_data_only_masked_image_has_unit_variance_and_clear_mask() -> None:
    with NdfInputArchive.open(make_ndf(DATA_ARRAY=PIXELS), schema="masked_image") as archive:
        tree = archive.get_raw_tree()
        variance = array_of(archive, tree["variance"]["data"])
        mask = array_of(archive, tree["mask"]["data"][0], slices=(slice(0, 2), slice(1, 4), slice(None)))
    assert (variance == 1).all() and variance.shape == (3, 4) and variance.flags.writeable
    assert not mask.any() and mask.shape == (2, 3, 1) and mask.dtype == np.uint8
    assert [plane["name"] for plane in tree["mask"]["planes"]] == ["BAD"]


def test_starlink_container_file_with_one_ndf_is_read() -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        file.create_group("SPECTRUM").attrs["CLASS"] = np.bytes_("NDF")
        file["SPECTRUM/DATA_ARRAY"] = PIXELS
    with NdfInputArchive.open(stream) as archive:
        assert np.array_equal(array_of(archive, archive.get_raw_tree()["data"]), PIXELS)


def test_starlink_container_file_with_two_ndfs_raises() -> None:
    stream = io.BytesIO()
    with h5py.File(stream, "w") as file:
        for name in "AB":
            file.create_group(name).attrs["CLASS"] = np.bytes_("NDF")
    with pytest.raises(NotAnArchiveError, match=r"\['A', 'B'\]"):
        NdfInputArchive.open(stream)


@pytest.mark.parametrize("system", ["FK5", "GALACTIC"])
def test_starlink_wcs_in_other_system_is_converted_to_icrs(system: str) -> None:
    frame_set = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=GRID"))
    frame_set.addframe(1, starlink.Ast.ZoomMap(2, 1e-3), starlink.Ast.SkyFrame(f"System={system}"))
    stream = make_ndf(DATA_ARRAY=PIXELS, WCS__DATA=wcs_records(frame_set))
    with NdfInputArchive.open(stream) as archive:
        found = sky_of(archive.get_raw_tree(), 99, 49)
    import astropy.coordinates

    names = {"FK5": ("fk5", "ra", "dec"), "GALACTIC": ("galactic", "l", "b")}[system]
    sky = astropy.coordinates.SkyCoord(0.1, 0.05, unit="rad", frame=names[0]).icrs
    np.testing.assert_allclose(found - [0, sky.dec.deg], [sky.ra.deg - 360 * (found[0] < 0), 0], atol=1e-6)


def test_starlink_wcs_with_latitude_first_is_reordered() -> None:
    sky = starlink.Ast.SkyFrame("System=ICRS")
    sky.permaxes([2, 1])
    frame_set = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=GRID"))
    frame_set.addframe(1, starlink.Ast.UnitMap(2), sky)
    stream = make_ndf(DATA_ARRAY=PIXELS, WCS__DATA=wcs_records(frame_set))
    with NdfInputArchive.open(stream) as archive:
        found = np.radians(sky_of(archive.get_raw_tree(), 0.5 - 1, 1.25 - 1))
    np.testing.assert_allclose(found, [1.25, 0.5])


def no_sky() -> Any:
    frame_set = starlink.Ast.FrameSet(starlink.Ast.Frame(2, "Domain=GRID"))
    frame_set.addframe(1, starlink.Ast.UnitMap(2), starlink.Ast.Frame(2, "Domain=AXIS"))
    return wcs_records(frame_set)


@pytest.mark.parametrize(
    "records",
    [np.array([b" Begin Nonsense"]), np.array([b" Begin FrameSet"]), no_sky(), np.array([b""])],
    ids=["nonsense", "unfinished", "no sky", "empty"],
)
def test_starlink_unusable_wcs_is_logged_and_ignored(
    records: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "lsst.images.ndf"):
        with NdfInputArchive.open(make_ndf(DATA_ARRAY=PIXELS, WCS__DATA=records)) as archive:
            assert "sky_projection" not in archive.get_raw_tree()
    assert "WCS" in caplog.text


def test_starlink_unknown_unit_is_logged_and_ignored(caplog: pytest.LogCaptureFixture) -> None:
    stream = make_ndf(DATA_ARRAY=PIXELS, UNITS=np.bytes_("furlong/fortnight"))
    with NdfInputArchive.open(stream) as archive:
        assert "value" not in archive.get_raw_tree()["data"]
    assert "furlong" in caplog.text


@pytest.mark.parametrize(
    ("components", "message"),
    [
        ({"DATA_ARRAY": np.zeros(5)}, "1 dimensions"),
        ({"DATA_ARRAY": np.zeros((2, 2, 2))}, "3 dimensions"),
        ({"TITLE": np.bytes_("empty")}, "DATA_ARRAY"),
        ({"DATA_ARRAY__DATA": PIXELS, "DATA_ARRAY__VARIANT": np.bytes_("SCALED")}, "simple arrays"),
        ({"DATA_ARRAY": PIXELS, "QUALITY__QUALITY": np.zeros((3, 4), np.int32)}, "uint8"),
        ({"DATA_ARRAY": PIXELS, "QUALITY__QUALITY": np.zeros((3, 3), np.uint8)}, "shape"),
        ({"DATA_ARRAY": np.zeros((2, 2), np.float16)}, "float16"),
    ],
)
def test_starlink_unsupported_components_raise(components: dict[str, Any], message: str) -> None:
    with pytest.raises(ArchiveReadError, match=message):
        with NdfInputArchive.open(make_ndf(**components)) as archive:
            archive.get_raw_tree()


def test_starlink_as_other_schema_raises() -> None:
    with NdfInputArchive.open(make_ndf(DATA_ARRAY=PIXELS), schema="visit_image") as archive:
        with pytest.raises(ArchiveReadError, match="visit_image"):
            archive.get_raw_tree()
