# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Real tasks in a real pipeline, run by the executors that surveys use."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from butler_world import DATA_IDS, DETECTORS, FULL, INSTRUMENT, make_image, new_repo
from lsst.daf.butler import Butler

SimplePipelineExecutor = pytest.importorskip("lsst.pipe.base.simple_pipeline_executor").SimplePipelineExecutor

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "doc" / "examples" / "pipeline"
MARGIN = 10  # as in the YAML


def environment() -> dict[str, str]:
    path = [str(EXAMPLE), str(ROOT / "python"), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path)}


def make_repo(root: Path) -> Butler:
    butler = new_repo(root, calexp="MaskedImageV2")
    butler.collections.register("inputs")
    for seed, data_id in enumerate(DATA_IDS):
        butler.put(make_image(seed), "calexp", data_id, run="inputs")
    return butler


def check_outputs(butler: Butler, collection: str) -> None:
    """Compare everything with numpy on the inputs."""
    rows = butler.get("residuals", **INSTRUMENT, visit=42, collections=collection)
    assert list(rows["detector"]) == list(DETECTORS)
    box = FULL.padded(-MARGIN)
    for seed, (data_id, row) in enumerate(zip(DATA_IDS, rows, strict=True)):
        truth = make_image(seed)[box]
        good = ~truth.mask.get("BAD")
        level = np.median(truth.image.array[good])
        subtracted = butler.get("subtracted", data_id, collections=collection)
        assert subtracted.bbox == box
        assert np.array_equal(subtracted.image.array, truth.image.array - level)
        assert subtracted.mask == truth.mask
        assert np.all(butler.get("background_image", data_id, collections=collection).array == level)
        assert row["n"] == good.sum() and abs(row["median"]) < 1e-4


def check_provenance(butler: Butler, collection: str) -> None:
    """The quantum and its input reach the object that is read later."""
    quanta = set()
    for data_id in DATA_IDS:
        source = butler.find_dataset("calexp", data_id, collections="inputs")
        for name in ("subtracted", "subtracted.mask", "background_image"):
            provenance = butler.get(name, data_id, collections=collection).butler_provenance
            assert [i.id for i in provenance.inputs] == [source.id]
            assert provenance.quantum_id is not None
            quanta.add(provenance.quantum_id)
    assert len(quanta) == len(DATA_IDS)


def run_pipeline(root: str) -> int:
    """Run the example in this process, check what it made, and count its quanta."""
    sys.path.insert(0, str(EXAMPLE))
    try:
        butler = SimplePipelineExecutor.prep_butler(root, inputs=["inputs"], output="u/me/out")
        executor = SimplePipelineExecutor.from_pipeline_filename(
            str(EXAMPLE / "pipeline.yaml"), butler=butler
        )
        quanta = executor.run(register_dataset_types=True, save_versions=False)
    finally:
        sys.path.remove(str(EXAMPLE))
    after = Butler.from_config(root)
    check_outputs(after, "u/me/out")
    check_provenance(after, "u/me/out")
    return len(quanta)


def test_a_pipeline_runs_and_its_provenance_arrives(tmp_path):
    make_repo(tmp_path / "repo")
    assert run_pipeline(str(tmp_path / "repo")) == len(DATA_IDS) + 1


def pipetask(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from lsst.ctrl.mpexec.cli.pipetask import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, text=True
    )


def test_pipetask_runs_it_in_two_processes(tmp_path):
    pytest.importorskip("lsst.ctrl.mpexec")
    make_repo(tmp_path / "repo")
    arguments = ["-b", str(tmp_path / "repo"), "-p", str(EXAMPLE / "pipeline.yaml")]
    result = pipetask(
        "run",
        *arguments,
        "-i",
        "inputs",
        "-o",
        "u/me/out",
        "--register-dataset-types",
        "--no-versions",
        "-j",
        "2",
    )
    assert result.returncode == 0, result.stderr
    butler = Butler.from_config(str(tmp_path / "repo"))
    check_outputs(butler, "u/me/out")
    check_provenance(butler, "u/me/out")


def test_a_graph_knows_our_storage_classes(tmp_path):
    pytest.importorskip("lsst.ctrl.mpexec")
    result = pipetask("build", "-p", str(EXAMPLE / "pipeline.yaml"), "--show", "pipeline-graph")
    assert result.returncode == 0, result.stderr
    assert "subtracted" in result.stdout and "MaskedImageV2" in result.stdout
