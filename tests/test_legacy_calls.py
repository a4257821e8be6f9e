# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Numbers of own function calls that reading a legacy exposure takes."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from helpers.calls import count_own_calls
from lsst.images import VisitImage
from lsst.images.errors import LossyConversionWarning

WHOLE_BUDGET = 3500
PSF_BUDGET = 1500


def count_calls(path: Path, **options: Any) -> int:
    def read() -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LossyConversionWarning)
            VisitImage.read_legacy(path, **options)

    # Calls of the first read in a process, imports for example, do not count.
    read()
    calls = count_own_calls(read)
    print(f"{calls.total()} calls; the most frequent ones are {calls.most_common(10)}.")
    return calls.total()


@pytest.mark.parametrize(
    "name",
    [
        "afw/exposure_visit_like.fits",
        "afw/exposure_visit_like_kernelpsf.fits",
        "afw/exposure_visit_like_psfex.fits",
        "afw/exposure_warpedpsf.fits",
        "legacy/calexp/piff_exp.fits",
    ],
)
def test_read_legacy_real_exposure_stays_within_call_budgets(name: str, shared_data: Path) -> None:
    assert 0 < count_calls(shared_data / name) <= WHOLE_BUDGET
    assert 0 < count_calls(shared_data / name, component="psf") <= PSF_BUDGET
