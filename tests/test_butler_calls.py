# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cost of reading a component through the Butler: calls of functions of the package, opened files."""

from __future__ import annotations

import pytest
from helpers.calls import MAX_CALLS, count_own_calls, record_opens
from helpers.repository import DATA_ID, make_image
from lsst.images import Box

BOX = Box.factory[100:356, 200:456]


@pytest.fixture
def butler(make_butler):
    butler = make_butler(x="MaskedImageV2")
    butler.put(make_image(box=Box.factory[0:1000, 0:1100]), "x", DATA_ID)
    return butler


def test_get_component_by_box_stays_within_call_budget(butler):
    def get():
        return butler.get("x.image", DATA_ID, parameters={"bbox": BOX})

    get()  # imports and caches of the process are not counted
    calls = count_own_calls(get)
    assert 0 < calls.total() <= MAX_CALLS, calls.most_common()


@pytest.mark.parametrize("name", ["x.image", "x", "x.components"])
def test_get_opens_file_once(butler, name):
    with record_opens(butler.getURI("x", DATA_ID).ospath) as opened:
        butler.get(name, DATA_ID, parameters={"bbox": BOX})
    assert len(opened) == 1
