# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of files with pixel coordinates beyond the maximum, or with empty boxes:
planes raise when they are read, components when they are used.
"""

from __future__ import annotations

import functools
import json
import operator
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers.exposures import make_cell_coadd, make_difference_image, make_visit_image
from lsst.images import Box
from lsst.images.errors import ArchiveReadError, CorruptArchiveError
from lsst.images.io import open_archive, read
from lsst.images.psfs import CoaddPointSpreadFunction, CoaddPsfInput, GaussianPointSpreadFunction

pytestmark = pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")

MAKERS: dict[str, Callable[..., Any]] = {
    "image": lambda: make_visit_image().image,
    "masked_image": lambda: make_visit_image().as_masked_image(),
    "visit_image": make_visit_image,
    "difference_image": make_difference_image,
    "cell_coadd": make_cell_coadd,
}


def changed(folder: Path, obj: Any, path: str, value: Any) -> Path:
    """Write an object to a JSON file, with a node of its tree replaced."""
    obj.write(folder / "good.json")
    tree = json.loads((folder / "good.json").read_text())
    *above, last = (int(step) if step.isdigit() else step for step in path.split("/"))
    functools.reduce(operator.getitem, above, tree)[last] = value
    result = folder / "changed.json"
    result.write_text(json.dumps(tree))
    return result


@pytest.mark.parametrize("coordinate", [10**40, -(10**40), 2**53])
@pytest.mark.parametrize("kind", ["image", "masked_image", "visit_image"])
def test_read_pixels_beyond_max_coordinate_raise_for_every_read(
    kind: str, coordinate: int, tmp_path: Path
) -> None:
    at = "yx0" if kind == "image" else "image/yx0"
    path = changed(tmp_path, MAKERS[kind](), at, [coordinate, 0])
    where = f"malformed at {at}/0"
    with pytest.raises(CorruptArchiveError, match=where):
        read(path)
    with pytest.raises(CorruptArchiveError, match=where):
        read(path, bbox=Box.factory[0:2, 0:2])
    with open_archive(path) as reader:
        for name in ("bbox", "image") if kind != "image" else ("bbox",):
            with pytest.raises(CorruptArchiveError, match=where):
                reader.get_component(name)


@pytest.mark.parametrize("coordinate", [10**40, -(10**40), 2**53, 1e40])
@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("visit_image", "sky_projection/pixel_to_sky/bounds/0/y/stop"),
        ("visit_image", "sky_projection/pixel_to_sky/frames/0/bbox/x/stop"),
        ("visit_image", "psf/bounds/x/stop"),
        ("visit_image", "bounds/coordinates/0/0/0"),
        ("visit_image", "detector/attributes/bbox/y/stop"),
        ("visit_image", "photometric_scaling/bounds/y/stop"),
        ("visit_image", "aperture_corrections/fields/base_Ap/bounds/y/stop"),
        ("visit_image", "backgrounds/fields/sky/bounds/y/stop"),
        ("difference_image", "kernel/center_y"),
        ("difference_image", "templates/0/bounds/coordinates/0/0/0"),
        ("cell_coadd", "sky_projection/pixel_to_sky/bounds/0/x/start"),
        ("cell_coadd", "psf/bounds/grid/bbox/y/stop"),
        ("cell_coadd", "aperture_corrections/bounds/grid/bbox/y/start"),
        ("cell_coadd", "patch/inner_bbox/y/stop"),
    ],
)
def test_read_bounds_beyond_max_coordinate_raise_only_when_used(
    kind: str, path: str, coordinate: float, tmp_path: Path
) -> None:
    good = MAKERS[kind]()
    name, *_ = path.split("/")
    found = read(changed(tmp_path, good, path, coordinate))
    assert found.image == good.image
    assert "unreadable: " in str(found.describe(detail=True)) and found._repr_html_()
    with pytest.raises(ArchiveReadError):
        part = getattr(found, name)
        part["base_Ap" if name == "aperture_corrections" else "sky"]  # maps are read name by name


@pytest.mark.parametrize(
    ("kind", "path", "fragment"),
    [
        (
            "visit_image",
            "sky_projection/pixel_to_sky/bounds/0/y/stop",
            "at pixel_to_sky/bounds/0/box/y: .*2..52",
        ),
        ("visit_image", "psf/bounds/x/stop", "at bounds/box/x: .*2..52"),
        (
            "visit_image",
            "bounds/coordinates/0/0/0",
            r"vertex \(x=1e\+40, y=11.0\) .* not exceed 2..52",
        ),
        ("difference_image", "kernel/center_y", r"Interval \[-10{40}, .*2..52"),
    ],
)
def test_read_bounds_beyond_max_coordinate_error_contains_path(
    kind: str, path: str, fragment: str, tmp_path: Path
) -> None:
    found = read(changed(tmp_path, MAKERS[kind](), path, 10**40))
    with pytest.raises(CorruptArchiveError, match=fragment):
        getattr(found, path.partition("/")[0])


def test_read_coadd_with_empty_psf_array_raises_only_when_used(tmp_path: Path) -> None:
    projection = make_visit_image().projection
    box = Box.factory[0:64, 0:80]
    inputs = [CoaddPsfInput(GaussianPointSpreadFunction(1.8, box, 21), projection, box)] * 2
    good = make_visit_image(psf=CoaddPointSpreadFunction(inputs, projection, box))
    path = changed(tmp_path, good, "psf/inputs/1/bounds/y", {"start": 3, "stop": 3})
    found = read(path)
    assert found.image == good.image and found.variance == good.variance
    fragment = r"malformed at inputs/1/bounds/box/y: .*Interval \[3, 3\) is empty"
    with pytest.raises(CorruptArchiveError, match=fragment):
        _ = found.psf
    with open_archive(path) as reader, pytest.raises(CorruptArchiveError, match=fragment):
        reader.get_component("psf")
    found.write(tmp_path / "again.json")
    trees = [json.loads(file.read_text())["psf"] for file in (path, tmp_path / "again.json")]
    assert trees[0] == trees[1]
