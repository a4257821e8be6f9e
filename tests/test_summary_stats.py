# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Summary statistics: every field, comparison, legacy names, files."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.marks import copies
from lsst.images import ObservationSummaryStats
from lsst.images.io import read, write
from lsst.images.models import ObservationSummaryStatsSerializationModel
from lsst.images.serialization import DetachedArchive


def make_stats() -> ObservationSummaryStats:
    return ObservationSummaryStats(
        psfSigma=2, raCorners=[1, 2.0, np.float32(3), 4], nPsfStar=np.int32(55), shapeletsCoeffs=np.ones(2)
    )


def test_summary_stats_defaults_are_unset() -> None:
    stats = ObservationSummaryStats()
    assert math.isnan(stats.psfSigma)
    assert (stats.nPsfStar, stats.nShapeletsStar, stats.shapeletsCoeffs) == (0, 0, ())
    assert len(stats.raCorners) == 4 and all(map(math.isnan, stats.raCorners))
    # A count is never unset.
    assert str(stats) == "ObservationSummaryStats(2 of 66 statistics set)"


def test_summary_stats_converts_values() -> None:
    stats = make_stats()
    assert repr(stats.psfSigma) == "2.0"
    assert repr(stats.nPsfStar) == "55"
    assert repr(stats.raCorners) == "(1.0, 2.0, 3.0, 4.0)"
    assert repr(stats.shapeletsCoeffs) == "(1.0, 1.0)"
    stats.zeroPoint = np.float32(31.5)
    assert repr(stats.zeroPoint) == "31.5"
    assert str(stats) == "ObservationSummaryStats(6 of 66 statistics set)"


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("psfSigma", "wide", ValueError),
        ("psfSigma", None, TypeError),
        ("psfSigma", [1.0], TypeError),
        ("nPsfStar", 2.5, TypeError),
        ("raCorners", [1.0, 2.0, 3.0], ValueError),
        ("raCorners", 1.0, TypeError),
    ],
)
def test_summary_stats_invalid_value_raises(name: str, value: Any, error: type[Exception]) -> None:
    stats = make_stats()
    with pytest.raises(error, match=f"Invalid value .* of {name}"):
        setattr(stats, name, value)
    assert stats == make_stats()


def test_summary_stats_unknown_name_raises() -> None:
    with pytest.raises(AttributeError, match="no statistic 'psfsigma'"):
        make_stats().psfsigma = 3.0  # type: ignore[attr-defined]  # the point of the test


def test_summary_stats_has_every_published_statistic(shared_data: Path) -> None:
    name = "observation_summary_stats"
    document = json.loads((shared_data.parent / "spec" / "schemas" / name / f"{name}-1.0.0.json").read_text())
    inherited = {"schema_version", "min_read_version", "metadata", "butler_info", "indirect"}
    assert set(document["properties"]) - inherited == set(ObservationSummaryStats.statistics())


def test_summary_stats_every_statistic_has_description() -> None:
    statistics = ObservationSummaryStats.statistics()
    assert all(item.description.endswith(".") and item.name == name for name, item in statistics.items())
    units = {name: item.unit for name, item in statistics.items()}
    assert units["psfSigma"] == u.pix
    assert units["psfArea"] == u.pix**2
    assert units["pixelScale"] == u.arcsec / u.pix
    assert units["raCorners"] == units["dec"] == u.deg
    assert units["meanVar"] == u.adu**2
    assert units["nPsfStar"] is None


def test_summary_stats_quantity_has_unit() -> None:
    stats = make_stats()
    assert stats.quantity("psfSigma") == 2 * u.pix
    assert stats.quantity("raCorners").value.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert stats.quantity("nPsfStar").unit == u.dimensionless_unscaled
    with pytest.raises(KeyError):
        stats.quantity("nothing")


def test_summary_stats_nan_values_are_equal() -> None:
    assert make_stats() == make_stats()
    for name, value in [("psfSigma", 2.1), ("zeroPoint", 1.0), ("nPsfStar", 3), ("raCorners", (1, 2, 3, 5))]:
        other = make_stats()
        setattr(other, name, value)
        assert other != make_stats(), name
    assert make_stats() != 3
    with pytest.raises(TypeError, match="unhashable"):
        hash(make_stats())


@copies
def test_summary_stats_copy_is_independent(duplicate: Callable[[Any], Any]) -> None:
    original = make_stats()
    other = duplicate(original)
    assert other == original
    other.psfSigma = 3.0
    assert original.psfSigma == 2.0


def test_summary_stats_repr_has_all_statistics() -> None:
    text = repr(make_stats())
    assert text.startswith("ObservationSummaryStats(psfSigma=2.0, psfArea=nan, ")
    assert text.count("=") == 66


def test_summary_stats_from_mapping() -> None:
    values = {
        "psfSigma": 2.0,
        "decl": -27.0,
        "version": 7,
        "magLim": None,
        "old": math.nan,
        "older": [math.nan],
    }
    stats = ObservationSummaryStats.from_mapping(values)
    assert stats == ObservationSummaryStats(psfSigma=2.0, dec=-27.0)
    with pytest.raises(ValueError, match="'newest' = 3.0 is not supported by ObservationSummaryStats"):
        ObservationSummaryStats.from_mapping({"newest": 3.0})


def test_summary_stats_from_legacy() -> None:
    @dataclasses.dataclass
    class ExposureSummaryStats:
        version: int = 0
        psfSigma: float = 2.0
        raCorners: list[float] = dataclasses.field(default_factory=lambda: [math.nan] * 4)
        notYetInvented: float = math.nan
        counter: int = 0

    assert ObservationSummaryStats.from_legacy(ExposureSummaryStats()) == ObservationSummaryStats(
        psfSigma=2.0
    )
    with pytest.raises(ValueError, match="is not supported by ObservationSummaryStats"):
        ObservationSummaryStats.from_legacy(ExposureSummaryStats(notYetInvented=1.0))


@pytest.mark.parametrize("extension", ["json", "fits"])
def test_summary_stats_file_round_trips(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"stats.{extension}"
    write(make_stats(), path)
    assert read(path, ObservationSummaryStats) == make_stats()


def test_summary_stats_write_matches_published_schema(tmp_path: Path, shared_data: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    write(make_stats(), tmp_path / "stats.json")
    name = "observation_summary_stats"
    document = shared_data.parent / "spec" / "schemas" / name / f"{name}-1.0.0.json"
    validator = jsonschema.Draft202012Validator(json.loads(document.read_text()))
    validator.validate(json.loads((tmp_path / "stats.json").read_text()))


@pytest.mark.parametrize("file", ["examples/visit_image.json", "images/visit_image-1.0.0-dp1.json"])
def test_summary_stats_of_real_files_are_read(file: str, shared_data: Path) -> None:
    tree = json.loads((shared_data / file).read_text())["summary_stats"]
    stats = ObservationSummaryStatsSerializationModel.model_validate(tree).deserialize(DetachedArchive())
    for name, value in stats.items():
        np.testing.assert_array_equal(value, tree[name], err_msg=name)


def test_summary_stats_of_real_file_equal_truth(shared_data: Path) -> None:
    path = shared_data / "examples" / "visit_image.json"
    tree = json.loads(path.read_text())["summary_stats"]
    truth = json.loads(path.with_suffix(".json.truth.json").read_text())["summary_stats"]
    stats = ObservationSummaryStatsSerializationModel.model_validate(tree).deserialize(DetachedArchive())
    assert stats == ObservationSummaryStats.from_mapping(
        {name: math.nan if value == "NaN" else value for name, value in truth.items()}
    )


def test_summary_stats_read_tree_of_first_releases() -> None:
    tree = {"version": 0, "psfSigma": 2.0, "raCorners": [1.0, 2.0, 3.0, 4.0], "nPsfStar": 55}
    stats = ObservationSummaryStatsSerializationModel.model_validate(tree).deserialize(DetachedArchive())
    assert (stats.psfSigma, stats.nPsfStar, stats.shapeletsCoeffs) == (2.0, 55, ())
