# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How many of our own functions it takes to read a component of a visit image,
and how often the file is opened.
"""

from __future__ import annotations

import builtins
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.calls import count_own_calls
from helpers.exposures import make_visit_image
from lsst.images import Box, VisitImage
from lsst.images.io import open_archive

WINDOW = Box.factory[15:30, 25:50]

IN_THE_TREE = ("bbox", "unit", "psf", "obs_info", "bounds", "band", "photometric_scaling", "sky_projection")
"""Components without pixels, or pixels of their own."""


@pytest.fixture
def visit() -> VisitImage:
    return make_visit_image()


@pytest.fixture
def path(visit: VisitImage, tmp_path: Path) -> Path:
    visit.write(tmp_path / "visit.fits")
    return tmp_path / "visit.fits"


def read_component(path: Path, name: str, **parameters: Any) -> Any:
    with open_archive(path) as reader:
        return reader.get_component(name, **parameters)


@pytest.mark.parametrize(
    ("name", "parameters", "budget"),
    [
        ("image", {"bbox": WINDOW}, 75),
        ("variance", {"bbox": WINDOW}, 75),
        *((name, {}, 75) for name in IN_THE_TREE),
    ],
)
def test_a_component_takes_few_calls(path: Path, name: str, parameters: Any, budget: int) -> None:
    read_component(path, name, **parameters)  # what happens once a process does not count
    assert 0 < count_own_calls(lambda: read_component(path, name, **parameters)).total() <= budget


def test_any_number_of_components_takes_one_open_file(
    path: Path, visit: VisitImage, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []

    def watch(module: Any) -> None:
        real = module.open

        def watching(file: Any, *args: Any, **kwargs: Any) -> Any:
            if isinstance(file, str | Path) and Path(file) == path:
                opened.append(file)
            return real(file, *args, **kwargs)

        monkeypatch.setattr(module, "open", watching)

    watch(builtins)
    watch(os)
    with open_archive(path) as reader:
        for name in (*IN_THE_TREE, "summary_stats", "detector", "aperture_corrections", "backgrounds"):
            assert reader.get_component(name) == getattr(visit, name), name
    assert len(opened) == 1
