# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The input coadds of a template, from its PSF."""

from __future__ import annotations

import logging
import math
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from helpers.afw_fakes import install
from helpers.afw_fakes_cells import Quadrupole
from helpers.legacy_archives import box, sky_wcs, table, write_archive
from lsst.images import Box, DetectorFrame, DifferenceImageTemplateInfo
from lsst.images.errors import LegacyConversionError

FRAME = DetectorFrame(instrument="Cam", visit=1, detector=2, bbox=Box.factory[0:100, 0:200])
IDS = {(9, patch): (uuid.UUID(int=patch), f"run{patch}") for patch in range(4)}
HEADER = {
    f"LSST BUTLER INPUT {patch} {name}": value
    for patch in range(4)
    for name, value in (
        ("ID", str(IDS[9, patch][0])),
        ("RUN", f"run{patch}"),
        ("DATASETTYPE", "template_coadd"),
    )
}


class Psf:
    """The PSF of a patch, whose shape depends on the position."""

    def computeShape(self, point: Any) -> Quadrupole:
        if point.x > 100:
            raise RuntimeError("no shape")
        return Quadrupole(4.0 + point.x / 1000, 5.0 + point.y / 1000, 0.25)


class CoaddPsf:
    """A live PSF of a template of three patches: 2, 0 and 1; the last does not overlap the detector."""

    def __init__(self, **columns: Any) -> None:
        boxes = box(0, 0, 30, 30, 3)
        for name, values in {"x": [-10, 150, 300], "y": [-10, 20, 20]}.items():
            boxes[f"bbox_min_{name}"][1][:] = values
            boxes[f"bbox_max_{name}"][1][:] = [value + 40 for value in values]
        self._columns = {"wcs": ("J", [2] * 3), "psf": ("J", [0] * 3), "weight": ("D", [1.0] * 3)} | boxes
        self._columns |= columns

    def writeFits(self, path: str) -> None:
        head = {"coaddwcs": ("J", [2]), "warpingkernelname": ("32A", ["lanczos3"])}
        objects = [(1, "CoaddPsf", [table(head), table(self._columns)]), sky_wcs(2)]
        Path(path).write_bytes(write_archive(objects))

    def getPsf(self, number: int) -> Psf:
        return Psf()


TRACT_PATCH = {"tract": ("J", [9] * 3), "patch": ("J", [2, 0, 1])}


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(monkeypatch)
    yield


def test_from_legacy_psf_lists_overlapping_patches_in_order(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        first, second = DifferenceImageTemplateInfo.from_legacy_psf(
            FRAME, CoaddPsf(**TRACT_PATCH), "sky", IDS, log=logging.getLogger("caller"), instrument="Cam"
        )
    assert [(t.tract, t.patch, t.skymap, t.instrument) for t in (first, second)] == [
        (9, 0, "sky", "Cam"),
        (9, 2, "sky", "Cam"),
    ]
    assert (first.dataset_id, first.dataset_run) == IDS[9, 0]
    # Pixels -10 to 30 of the patch, of which the detector has those from 0.
    assert second.bounds.area == pytest.approx(31 * 31)
    assert (second.bounds.centroid.x, second.bounds.centroid.y) == pytest.approx((15.0, 15.0))
    assert (second.psf_shape_xx, second.psf_shape_yy) == pytest.approx((4.015, 5.015))
    assert not second.psf_shape_flag
    assert first.psf_shape_flag and math.isnan(first.psf_shape_xy)
    (record,) = caplog.records
    assert record.name == "caller" and record.exc_info is not None
    assert record.getMessage() == "No overlap with tract=9, patch=1"


def test_from_legacy_reads_inputs_of_header() -> None:
    psf = CoaddPsf(**TRACT_PATCH)
    data_ids = {IDS[key][0]: {"skymap": "sky", "tract": key[0], "patch": key[1]} for key in IDS}
    found = DifferenceImageTemplateInfo.from_legacy(FRAME, psf, HEADER, data_ids)
    expected = DifferenceImageTemplateInfo.from_legacy_psf(FRAME, psf, "sky", IDS)
    assert [t.model_dump_json() for t in found] == [t.model_dump_json() for t in expected]
    assert found[0].instrument == "UNKNOWN"
    data_ids[IDS[9, 1][0]]["skymap"] = "other"
    with pytest.raises(RuntimeError, match="'other', 'sky'"):
        DifferenceImageTemplateInfo.from_legacy(FRAME, psf, HEADER, data_ids)


def test_from_legacy_psf_missing_patch_raises_key_error() -> None:
    with pytest.raises(KeyError):
        DifferenceImageTemplateInfo.from_legacy_psf(
            FRAME, CoaddPsf(**TRACT_PATCH), "sky", {(9, 0): IDS[9, 0], (9, 1): IDS[9, 1]}
        )


@pytest.mark.parametrize("psf", [CoaddPsf(), object()])
def test_from_legacy_psf_without_patches_raises(psf: Any) -> None:
    with pytest.raises(LegacyConversionError, match="input coadds"):
        DifferenceImageTemplateInfo.from_legacy_psf(FRAME, psf, "sky", IDS)
