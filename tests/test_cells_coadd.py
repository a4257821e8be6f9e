# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of cell coadds: in memory, and in files of every container."""

from __future__ import annotations

import copy
import json
import pickle
from pathlib import Path
from typing import Any

import astropy.io.fits
import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import (
    CELL_BOUNDS,
    GRID,
    make_cell_coadd,
    make_cell_psf,
    make_coadd_arguments,
    make_projection,
)
from helpers.marks import containers
from helpers.metadata import share_metadata
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lsst.images import YX, BackgroundMap, Box, GeneralFrame, Image, MaskedImage
from lsst.images.cells import CellCoadd, CellField, CellGrid, CellGridBounds, CellIJ
from lsst.images.errors import (
    ArchiveAccessRequiredError,
    ArchiveReadError,
    CorruptArchiveError,
    UnserializableTypeError,
)
from lsst.images.io import open_archive, read
from lsst.images.serialization import DetachedArchive

BOX = Box.factory[112:139, 215:260]
PARTS = ("psf", "bounds", "aperture_corrections", "patch", "band", "backgrounds")
NON_PIXELS = (*PARTS, "bbox", "unit", "sky_projection", "provenance")


def value_of(coadd: CellCoadd, name: str) -> Any:
    """Return an attribute, or `None` if it is missing."""
    return getattr(coadd, name, None)


def assert_same_planes(a: MaskedImage, b: MaskedImage) -> None:
    for name in ("image", "mask", "variance"):
        assert getattr(a, name) == getattr(b, name), name
        assert getattr(a, name).projection == getattr(b, name).projection


def assert_same_coadd(a: CellCoadd, b: CellCoadd) -> None:
    assert_same_planes(a, b)
    for name in (*NON_PIXELS, "mask_fractions", "noise_realizations", "metadata", "tract", "skymap"):
        assert value_of(a, name) == value_of(b, name), name
    for plane in (*a.noise_realizations, *a.mask_fractions.values()):
        assert plane.projection == a.projection


# Construction.


def test_cell_coadd_constructor_arguments_become_attributes() -> None:
    arguments = make_coadd_arguments()
    coadd = CellCoadd(arguments["image"], **{k: v for k, v in arguments.items() if k != "image"})
    for name in ("aperture_corrections", "patch", "provenance", "backgrounds", "band", "projection", "psf"):
        assert getattr(coadd, name) is arguments[name], name
    assert coadd.bounds == CELL_BOUNDS and coadd.grid == GRID
    assert coadd.skymap == "cells" and coadd.tract == 9813 and coadd.unit == u.nJy
    assert coadd.mask_fractions == arguments["mask_fractions"]
    assert coadd.noise_realizations == arguments["noise_realizations"]
    assert coadd.patch.outer_bbox == GRID.bbox and str(coadd.patch) == "patch 43 (y=4, x=3)"
    assert str(coadd) == "CellCoadd([y=112:139, x=215:260], tract=9813)" and repr(coadd) == f"<{coadd}>"


def test_cell_coadd_omitted_components_are_missing() -> None:
    arguments = make_coadd_arguments()
    needed = {name: arguments[name] for name in ("mask", "projection", "psf")}
    coadd = CellCoadd(arguments["image"], **needed)
    assert coadd.aperture_corrections == {} and coadd.backgrounds == BackgroundMap() and coadd.band is None
    assert coadd.mask_fractions == {} and coadd.noise_realizations == []
    with pytest.raises(AttributeError, match="no patch"):
        _ = coadd.patch
    with pytest.raises(AttributeError, match="no provenance"):
        _ = coadd.provenance
    assert_same_coadd(coadd.copy(), coadd)


def test_cell_coadd_psf_is_cut_to_image() -> None:
    whole = make_cell_psf(CellGridBounds(GRID, GRID.bbox, {CellIJ(1, 1)}))
    coadd = make_cell_coadd(psf=whole)
    assert coadd.bounds == CellGridBounds(GRID, CELL_BOUNDS.bbox, {CellIJ(1, 1)})
    assert coadd.psf == whole[BOX]


@pytest.mark.parametrize(
    ("changes", "error", "fragment"),
    [
        ({"image": Image(1.0, bbox=BOX)}, TypeError, "must have a unit"),
        ({"projection": None}, TypeError, "needs a projection"),
        ({"projection": make_projection(GeneralFrame(unit=u.pix))}, TypeError, "TractFrame"),
        ({"patch": None}, TypeError, "provenance needs a patch"),
        ({"noise_realizations": [Image(1.0, bbox=GRID.bbox)]}, ValueError, "noise realization 0 bboxes"),
        ({"mask_fractions": {"cr": Image(1.0, bbox=GRID.bbox)}}, ValueError, "mask fraction 'cr' bboxes"),
        ({"psf": make_cell_psf()[Box.factory[112:113, 215:216]]}, ValueError, "does not lie within"),
        (
            {
                "aperture_corrections": {
                    "x": CellField(CellGridBounds(CellGrid(GRID.bbox, YX(60, 60)), GRID.bbox), [[1.0]])
                }
            },
            ValueError,
            "on the grid",
        ),
    ],
)
def test_cell_coadd_invalid_component_raises(changes: Any, error: type[Exception], fragment: str) -> None:
    with pytest.raises(error, match=fragment):
        make_cell_coadd(**changes)
    with pytest.raises(TypeError, match="psf"):
        CellCoadd(make_coadd_arguments()["image"])  # type: ignore[call-arg]  # that is the point


# Subimages and copies.


def test_cell_coadd_slice_cuts_components() -> None:
    coadd = make_cell_coadd()
    box = Box.factory[121:130, 230:244]
    part = coadd[box]
    assert type(part) is CellCoadd and part.bbox == box
    assert part.bounds == CELL_BOUNDS[box] and part.psf == coadd.psf[box]
    assert part.provenance == coadd.provenance.subset(part.bounds.cell_indices())
    assert 0 < len(part.provenance.contributions) < len(coadd.provenance.contributions)
    for mine, theirs in (
        (part.image, coadd.image),
        (part.noise_realizations[1], coadd.noise_realizations[1]),
        (part.mask_fractions["rejected"], coadd.mask_fractions["rejected"]),
    ):
        assert mine == theirs[box] and np.shares_memory(mine.array, theirs.array)
    assert share_metadata(part, coadd)
    for name in ("aperture_corrections", "backgrounds", "patch", "projection"):
        assert getattr(part, name) is getattr(coadd, name), name


def test_cell_coadd_full_view_keeps_components() -> None:
    coadd = make_cell_coadd()
    view = coadd[...]
    assert_same_coadd(view, coadd)
    assert view.psf is coadd.psf and view.provenance is coadd.provenance


def test_cell_coadd_slice_of_missing_cells_has_no_provenance() -> None:
    part = make_cell_coadd()[Box.factory[122:128, 238:246]]
    assert part.bounds.missing == {CellIJ(2, 3)} and list(part.bounds.cell_indices()) == []
    assert not hasattr(part, "provenance") and part.patch.id == 43
    assert not hasattr(part.copy(), "provenance")


@pytest.mark.parametrize(
    "duplicate", [lambda c: pickle.loads(pickle.dumps(c)), copy.deepcopy, lambda c: c.copy()]
)
def test_cell_coadd_copy_shares_no_pixels(duplicate: Any) -> None:
    coadd = make_cell_coadd()
    other = duplicate(coadd)
    assert_same_coadd(other, coadd)
    for mine, theirs in (
        (other.variance, coadd.variance),
        (other.noise_realizations[0], coadd.noise_realizations[0]),
        (other.mask_fractions["rejected"], coadd.mask_fractions["rejected"]),
    ):
        assert not np.shares_memory(mine.array, theirs.array)
    assert not share_metadata(other, coadd)
    for name in ("provenance", "backgrounds", "aperture_corrections"):
        assert getattr(other, name) is not getattr(coadd, name), name


# Backgrounds.


def test_apply_background_converts_unit() -> None:
    coadd = make_cell_coadd()
    original = coadd.image.array.copy()
    sky = coadd.backgrounds["sky"].field.render(BOX, dtype=np.float32).array
    coadd.apply_background("sky")
    np.testing.assert_array_equal(coadd.image.array, original - sky)
    coadd.apply_background("flat")
    np.testing.assert_allclose(coadd.image.array, original - 1500.0, rtol=1e-4)
    coadd.apply_background("flat")
    coadd.apply_background(None)
    np.testing.assert_allclose(coadd.image.array, original, rtol=1e-4)
    assert coadd.backgrounds.subtracted is None


def test_apply_background_error_leaves_coadd_unchanged() -> None:
    coadd = make_cell_coadd()
    coadd.apply_background("sky")
    before = coadd.image.array.copy()
    with pytest.raises(KeyError, match="'cloud'"):
        coadd.apply_background("cloud")
    np.testing.assert_array_equal(coadd.image.array, before)
    assert coadd.backgrounds.subtracted.name == "sky"
    part = coadd.local[2:4, 3:9]
    part.apply_background(None)
    assert coadd.backgrounds.subtracted.name == "sky" and part.backgrounds.subtracted is None


# Files.


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("coadd") / "coadd.fits"
    make_cell_coadd().write(path)
    return path


@containers
def test_read_component_equals_attribute(extension: str, tmp_path: Path) -> None:
    coadd = make_cell_coadd()
    path = tmp_path / f"coadd{extension}"
    coadd.write(path)
    whole = read(path, CellCoadd)
    assert_same_coadd(whole, coadd)
    with open_archive(path) as reader:
        for name in (*NON_PIXELS, "image", "mask", "variance"):
            assert reader.get_component(name) == getattr(whole, name), name
        for name in ("mask_fractions", "noise_realizations"):
            planes = reader.get_component(name)
            assert planes == getattr(whole, name)
            for plane in planes.values() if isinstance(planes, dict) else planes:
                assert plane.projection == whole.projection
        masked = reader.get_component("masked_image")
        assert type(masked) is MaskedImage and masked.metadata == coadd.metadata
        assert_same_planes(masked, coadd)
    assert not hasattr(read(path, provenance=False), "provenance")


rows = st.tuples(st.integers(112, 138), st.integers(112, 138)).map(sorted)
columns = st.tuples(st.integers(215, 259), st.integers(215, 259)).map(sorted)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(y=rows, x=columns)
def test_read_bbox_equals_slice(written: Path, y: list[int], x: list[int]) -> None:
    box = Box.factory[y[0] : y[1] + 1, x[0] : x[1] + 1]
    expected = CellCoadd.read(written)[box]
    assert_same_coadd(CellCoadd.read(written, bbox=box), expected)
    with open_archive(written) as reader:
        assert reader.get_component("psf", bbox=box) == expected.psf
        assert reader.get_component("mask_fractions", bbox=box) == expected.mask_fractions
        assert reader.get_component("noise_realizations", bbox=box) == expected.noise_realizations
        assert_same_planes(reader.get_component("masked_image", bbox=box), expected)


def test_write_fits_has_published_hdu_order(written: Path) -> None:
    with astropy.io.fits.open(written) as hdus:
        names = [hdu.name for hdu in hdus]
        assert names[1:-2] == [
            *("IMAGE", "MASK", "VARIANCE", "BACKGROUND/FIELDS/SKY/DATA", "MASK_FRACTIONS/REJECTED"),
            *("NOISE_REALIZATIONS/0", "NOISE_REALIZATIONS/1", "PSF", "APERTURE_CORRECTIONS/TABLE"),
            *("PROVENANCE/INPUTS", "PROVENANCE/CONTRIBUTIONS"),
        ]
    with astropy.io.fits.open(written, disable_image_compression=True) as hdus:
        for name in ("IMAGE", "MASK", "VARIANCE", "MASK_FRACTIONS/REJECTED", "NOISE_REALIZATIONS/1"):
            assert (hdus[name].header["ZTILE1"], hdus[name].header["ZTILE2"]) == (12, 10), name


def test_cell_coadd_without_optional_components_round_trips(tmp_path: Path) -> None:
    coadd = make_cell_coadd(
        aperture_corrections=None, patch=None, provenance=None, backgrounds=None, band=None,
        mask_fractions=None, noise_realizations=(),
    )  # fmt: skip
    path = tmp_path / "coadd.json"
    coadd.write(path)
    tree = json.loads(path.read_text())
    assert [tree[name] for name in ("aperture_corrections", "patch", "provenance", "band")] == [None] * 4
    assert_same_coadd(read(path), coadd)
    with open_archive(path) as reader:
        for name in NON_PIXELS:
            assert reader.get_component(name) == value_of(coadd, name), name


def test_read_mask_fraction_names_with_path_prefix(tmp_path: Path) -> None:
    path = tmp_path / "coadd.json"
    make_cell_coadd().write(path)
    tree = json.loads(path.read_text())
    tree["mask_fractions"] = {f"mask_fractions/{k}": v for k, v in tree["mask_fractions"].items()}
    path.write_text(json.dumps(tree))
    with open_archive(path) as reader:
        assert reader.get_component("mask_fractions").keys() == {"rejected"}
        assert reader.read().mask_fractions.keys() == {"rejected"}


def test_read_component_in_tree_needs_no_array(tmp_path: Path) -> None:
    coadd = make_cell_coadd(backgrounds=None)
    coadd.write(tmp_path / "coadd.json")
    with open_archive(tmp_path / "coadd.json") as reader:
        tree = reader.get_tree()
    for name in ("bbox", "unit", "bounds", "patch", "band", "sky_projection", "backgrounds"):
        assert tree.deserialize_component(name, DetachedArchive()) == getattr(coadd, name), name
    for name in ("image", "masked_image", "psf", "provenance", "noise_realizations"):
        with pytest.raises(ArchiveAccessRequiredError):
            tree.deserialize_component(name, DetachedArchive())


# Invalid fields.

ODD = {"schema_version": "1.0.0", "min_read_version": 1, "oddity": 1}


@pytest.mark.parametrize(
    ("name", "subtree", "fragment"),
    [
        ("psf", ODD, "array"),
        ("psf", None, "has no PSF"),
        ("aperture_corrections", ODD, "table"),
        ("provenance", ODD, "instrument"),
        ("patch", {"id": 3}, "index"),
        ("backgrounds", {**ODD, "fields": {"sky": 3}}, "sky"),
        ("sky_projection", ODD, "pixel_to_sky"),
    ],
)
def test_read_invalid_field_raises_only_when_used(
    name: str, subtree: Any, fragment: str, tmp_path: Path
) -> None:
    good = make_cell_coadd()
    good.write(tmp_path / "good.json")
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps({**json.loads((tmp_path / "good.json").read_text()), name: subtree}))
    coadd = read(path)
    for image in (coadd, coadd[Box.factory[120:130, 220:250]], coadd.copy()):
        assert str(image).startswith("CellCoadd([y=1")
        with pytest.raises(CorruptArchiveError, match=fragment):
            getattr(image, name)
    assert coadd.image == good.image and coadd.noise_realizations == good.noise_realizations
    with open_archive(path) as reader:
        assert reader.get_component("image") == good.image
        with pytest.raises(CorruptArchiveError, match=fragment):
            reader.get_component(name)
    if subtree is None:
        return
    coadd.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())[name] == subtree


def test_read_psf_outside_image_raises_when_used(tmp_path: Path) -> None:
    make_cell_coadd().write(tmp_path / "coadd.json")
    tree = json.loads((tmp_path / "coadd.json").read_text())
    tree["psf"]["bounds"]["bbox"]["x"] = {"start": 200, "stop": 248}
    tree["psf"]["bounds"]["missing"] = []
    (tmp_path / "coadd.json").write_text(json.dumps(tree))
    coadd = read(tmp_path / "coadd.json")
    for name in ("psf", "bounds", "grid"):
        with pytest.raises(CorruptArchiveError, match="does not lie within"):
            getattr(coadd, name)


def test_read_psf_with_missing_array_raises_when_used(tmp_path: Path) -> None:
    make_cell_coadd().write(tmp_path / "coadd.json")
    tree = json.loads((tmp_path / "coadd.json").read_text())
    tree["psf"]["array"] = {"source": "fits:PSF", "shape": [3, 4, 15, 13], "datatype": "float64"}
    (tmp_path / "coadd.json").write_text(json.dumps(tree))
    coadd = read(tmp_path / "coadd.json")
    assert coadd.image == make_cell_coadd().image
    with pytest.raises(ArchiveReadError, match="fits:PSF"):
        _ = coadd.psf
    with pytest.raises(UnserializableTypeError, match="refers to arrays"):
        coadd.write(tmp_path / "again.fits")
    assert not (tmp_path / "again.fits").exists()


def test_psf_as_error_raises_when_used_or_written(tmp_path: Path) -> None:
    coadd = make_cell_coadd(psf=ArchiveReadError("no luck"))
    for image in (coadd, coadd.copy(), coadd.local[2:5, 3:9]):
        with pytest.raises(ArchiveReadError, match="no luck"):
            _ = image.psf
        with pytest.raises(ArchiveReadError, match="no luck"):
            _ = image.grid
    with pytest.raises(UnserializableTypeError, match="no luck"):
        coadd.write(tmp_path / "coadd.fits")
