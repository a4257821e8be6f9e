# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How many of our own functions a read enters, and how often it opens a file."""

from __future__ import annotations

import builtins
import os
from pathlib import Path

import astropy.units as u
import numpy as np
import pytest
from astropy.wcs import WCS
from helpers.calls import count_own_calls
from lsst.images import Box, GeneralFrame, Image, MaskedImage, MaskPlane, MaskSchema, Projection

pytest.importorskip("lsst.daf.butler")

DATA_ID = {"instrument": "TestCam", "visit": 42, "detector": 1}
BOX = Box.factory[100:356, 200:456]

BUDGET = 90
"""Entries into our own code that a component read by box may take."""


@pytest.fixture
def butler(make_butler):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [53.1, -27.8]
    wcs.wcs.cd = np.array([[-5.5e-5, 0], [0, 5.5e-5]])
    wcs.wcs.set()
    projection = Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix))
    rng = np.random.default_rng(3)
    image = Image(rng.normal(size=(1000, 1100)).astype(np.float32), unit=u.nJy, projection=projection)
    butler = make_butler(x="MaskedImageV2")
    butler.put(MaskedImage(image, mask_schema=MaskSchema([MaskPlane("BAD", "Bad.")])), "x", DATA_ID)
    return butler


def test_a_component_read_by_box_stays_within_its_budget_of_calls(butler):
    def get():
        return butler.get("x.image", DATA_ID, parameters={"bbox": BOX})

    get()  # what happens once a process does not count
    calls = count_own_calls(get)
    print(f"{calls.total()} calls of our own functions; {BUDGET} are allowed.")
    assert 0 < calls.total() <= BUDGET, calls.most_common()


@pytest.mark.parametrize("name", ["x.image", "x", "x.components"])
def test_a_file_is_opened_once(butler, name, monkeypatch):
    path = butler.getURI("x", DATA_ID).ospath
    opened = []
    real_open, real_os_open = builtins.open, os.open
    same = lambda p: isinstance(p, str | Path) and os.path.abspath(p) == path  # noqa: E731
    monkeypatch.setattr(
        builtins, "open", lambda p, *a, **k: (opened.append(p) if same(p) else None, real_open(p, *a, **k))[1]
    )
    monkeypatch.setattr(
        os, "open", lambda p, *a, **k: (opened.append(p) if same(p) else None, real_os_open(p, *a, **k))[1]
    )
    butler.get(name, DATA_ID, parameters={"bbox": BOX})
    assert len(opened) == 1
