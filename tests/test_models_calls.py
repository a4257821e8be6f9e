# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cost of reading components of a visit image: calls of functions of the package, opened files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.calls import MAX_CALLS, count_own_calls, record_opens
from helpers.exposures import make_visit_image
from lsst.images import Box, VisitImage
from lsst.images.io import open_archive

WINDOW = Box.factory[15:30, 25:50]
TREE_COMPONENTS = (
    "bbox",
    "unit",
    "psf",
    "obs_info",
    "bounds",
    "band",
    "photometric_scaling",
    "sky_projection",
)
"""Components that are stored in the JSON tree."""


@pytest.fixture
def visit() -> VisitImage:
    return make_visit_image()


@pytest.fixture
def path(visit: VisitImage, tmp_path: Path) -> Path:
    visit.write(tmp_path / "visit.fits")
    return tmp_path / "visit.fits"


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("image", {"bbox": WINDOW}),
        ("variance", {"bbox": WINDOW}),
        *((name, {}) for name in TREE_COMPONENTS),
    ],
)
def test_get_component_stays_within_call_budget(path: Path, name: str, parameters: dict[str, Any]) -> None:
    def get_component() -> Any:
        with open_archive(path) as reader:
            return reader.get_component(name, **parameters)

    get_component()  # imports and caches of the process are not counted
    calls = count_own_calls(get_component)
    assert 0 < calls.total() <= MAX_CALLS, calls.most_common()


def test_get_component_several_components_opens_file_once(path: Path, visit: VisitImage) -> None:
    names = (*TREE_COMPONENTS, "summary_stats", "detector", "aperture_corrections", "backgrounds")
    with record_opens(str(path)) as opened, open_archive(path) as reader:
        for name in names:
            assert reader.get_component(name) == getattr(visit, name), name
    assert len(opened) == 1
