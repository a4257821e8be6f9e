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
AMPLIFIER_BUDGET = 3800
"""Files with many amplifiers: the properties that only `lsst.afw` has are kept for each of them."""

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
    ("name", "budget"),
    [
        ("afw/exposure_visit_like.fits", AMPLIFIER_BUDGET),
        ("afw/exposure_visit_like_kernelpsf.fits", AMPLIFIER_BUDGET),
        ("afw/exposure_visit_like_psfex.fits", AMPLIFIER_BUDGET),
        ("afw/exposure_warpedpsf.fits", AMPLIFIER_BUDGET),
        ("legacy/calexp/cfht_calexp-849375-12.fits.fz", WHOLE_BUDGET),
        ("legacy/calexp/piff_exp.fits", WHOLE_BUDGET),
    ],
)
def test_read_legacy_real_exposure_stays_within_call_budgets(
    name: str, budget: int, shared_data: Path
) -> None:
    assert 0 < count_calls(shared_data / name) <= budget
    assert 0 < count_calls(shared_data / name, component="psf") <= PSF_BUDGET
