# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Run the example pipeline of the documentation with SimplePipelineExecutor and pipetask."""

from __future__ import annotations

import atexit
import functools
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers.exposures import make_visit_image
from helpers.repository import DATA_IDS, DETECTORS, FULL, INSTRUMENT, make_image, new_repo, register
from helpers.third_party import install, run
from lsst.daf.butler import Butler, CollectionType
from lsst.images import VisitImage
from lsst.images.butler import ingest_images
from lsst.images.psfs import GaussianPointSpreadFunction

SimplePipelineExecutor = pytest.importorskip("lsst.pipe.base.simple_pipeline_executor").SimplePipelineExecutor

TESTS = Path(__file__).resolve().parent
EXAMPLE = TESTS.parent / "doc" / "examples" / "pipeline"
MARGIN = 10  # pixels; as in pipeline.yaml
OUTPUT = "u/me/out"
OUTPUTS = (
    "subtracted",
    "subtracted.mask",
    "cleaned",
    "cleaned.variance",
    "background_image",
    "pattern.image",
)


@functools.cache
def _installed() -> dict[str, str]:
    directory = tempfile.mkdtemp(prefix="images-third-party-")
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return install(Path(directory))


def environment() -> dict[str, str]:
    """Return the environment of a process that can import the tasks and the plugin whose type they write."""
    path = os.pathsep.join([str(EXAMPLE), str(TESTS), _installed()["PYTHONPATH"]])
    return {**os.environ, **_installed(), "PYTHONPATH": path}


def make_input(seed: int) -> VisitImage:
    planes = make_image(seed)
    return make_visit_image(
        image=planes.image,
        mask=planes.mask,
        variance=planes.variance,
        psf=GaussianPointSpreadFunction(2.0 + seed, FULL, 21),
        bounds=None,
        photometric_scaling=None,
        aperture_corrections=None,
        backgrounds=None,
    )


def fill_inputs(butler: Butler) -> None:
    """Put the inputs of the pipeline."""
    register(butler, calexp="VisitImage")
    butler.collections.register("inputs")
    for seed, data_id in enumerate(DATA_IDS):
        butler.put(make_input(seed), "calexp", data_id, run="inputs")


def make_repo(root: Path) -> None:
    fill_inputs(new_repo(root))


def check(root: str) -> None:
    """Check the outputs of the pipeline in a process in which the plugin is installed."""
    run(environment(), root, code="import sys, test_pipelines; test_pipelines.check_here(sys.argv[1])")


def check_here(root: str) -> None:
    butler = Butler.from_config(root, collections=OUTPUT)
    check_outputs(butler)
    check_provenance(butler)


def check_outputs(butler: Butler) -> None:
    """Compare all outputs with values computed from the inputs by NumPy."""
    rows = butler.get("residuals", **INSTRUMENT, visit=42)
    assert list(rows["detector"]) == list(DETECTORS)
    box = FULL.padded(-MARGIN)
    for seed, (data_id, row) in enumerate(zip(DATA_IDS, rows, strict=True)):
        truth = make_input(seed)[box]
        good = ~truth.mask.get("BAD")
        level = np.median(truth.image.array[good])
        residual = truth.image.array - level
        subtracted, cleaned = butler.get("subtracted", data_id), butler.get("cleaned", data_id)
        for image in (subtracted, cleaned):
            assert image.bbox == box
            assert np.array_equal(image.image.array, residual)
            assert image.mask == truth.mask and image.variance == truth.variance
        assert (type(cleaned), cleaned.psf, cleaned.detector) == (VisitImage, truth.psf, truth.detector)
        assert cleaned.backgrounds.subtracted.field.evaluate(x=250, y=150) == pytest.approx(level)
        assert np.all(butler.get("background_image", data_id).array == level)
        pattern = butler.get("pattern", data_id)
        assert np.array_equal(pattern.image.array, residual) and pattern.psf == truth.psf
        assert pattern.amplitude == pytest.approx(residual[good].std() / level)
        assert row["n"] == good.sum() and abs(row["median"]) < 1e-4 and row["area"] == box.area
        peak = truth.psf.compute_kernel_image(x=box.x.center, y=box.y.center).array.max()
        assert row["psf_peak"] == pytest.approx(peak)


def check_provenance(butler: Butler) -> None:
    """Check that the provenance of each output names its quantum and its input."""
    quanta = set()
    for data_id in DATA_IDS:
        source = butler.find_dataset("calexp", data_id, collections="inputs")
        for name in OUTPUTS:
            provenance = butler.get(name, data_id).butler_provenance
            assert [i.id for i in provenance.inputs] == [source.id]
            assert provenance.quantum_id is not None
            quanta.add(provenance.quantum_id)
    assert len(quanta) == len(DATA_IDS)


def run_pipeline(root: str) -> int:
    """Run the example, check its outputs, and return the number of its quanta."""
    output = run(environment(), root, code="import sys, test_pipelines; test_pipelines.run_here(sys.argv[1])")
    check(root)
    return int(output.splitlines()[-1])


def run_here(root: str) -> None:
    butler = SimplePipelineExecutor.prep_butler(root, inputs=["inputs"], output=OUTPUT)
    executor = SimplePipelineExecutor.from_pipeline_filename(str(EXAMPLE / "pipeline.yaml"), butler=butler)
    print(len(executor.run(register_dataset_types=True, save_versions=False)))


def test_simple_pipeline_executor_writes_outputs_with_provenance(tmp_path):
    make_repo(tmp_path / "repo")
    assert run_pipeline(str(tmp_path / "repo")) == len(DATA_IDS) + 1


def pipetask(*arguments: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from lsst.ctrl.mpexec.cli.pipetask import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment(), capture_output=True, text=True
    )


def test_pipetask_run_two_processes_writes_outputs_with_provenance(tmp_path):
    pytest.importorskip("lsst.ctrl.mpexec")
    make_repo(tmp_path / "repo")
    collections = ["-b", str(tmp_path / "repo"), "-i", "inputs", "-o", OUTPUT]
    options = ["--register-dataset-types", "--no-versions", "-j", "2"]
    result = pipetask("run", "-p", str(EXAMPLE / "pipeline.yaml"), *collections, *options)
    assert result.returncode == 0, result.stderr
    check(str(tmp_path / "repo"))


def test_pipetask_build_pipeline_graph_lists_storage_classes(tmp_path):
    pytest.importorskip("lsst.ctrl.mpexec")
    result = pipetask("build", "-p", str(EXAMPLE / "pipeline.yaml"), "--show", "pipeline-graph")
    assert result.returncode == 0, result.stderr
    for name in ("MaskedImageV2", "VisitImage", "FringeFrame"):
        assert name in result.stdout


def test_pipeline_files_ingested_into_empty_repository_writes_outputs(tmp_path):
    make_repo(tmp_path / "source")
    source = Butler.from_config(str(tmp_path / "source"))
    refs = source.query_datasets("calexp", "inputs")
    files = source.retrieveArtifacts(refs, f"{tmp_path}/files/", transfer="copy")
    Butler.makeRepo(str(tmp_path / "repo"))
    butler = Butler.from_config(str(tmp_path / "repo"), writeable=True)
    register(butler, calexp="VisitImage")
    report = ingest_images(
        butler,
        files,
        "calexp",
        "imported",
        transfer="copy",
        transfer_dimensions=True,
        data_id={"day_obs": 20260102},
    )
    assert (len(report.ingested), report.failed) == (len(DATA_IDS), {})
    butler.collections.register("inputs", CollectionType.CHAINED)
    butler.collections.redefine_chain("inputs", ["imported"])
    assert run_pipeline(str(tmp_path / "repo")) == len(DATA_IDS) + 1
