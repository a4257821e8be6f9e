# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Run the example pipeline with bps and parsl on a PostgreSQL registry and an S3 datastore."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.butler_servers import BUCKET, postgres, s3
from helpers.repository import add_records
from lsst.daf.butler import Butler, Config
from test_pipelines import EXAMPLE, OUTPUT, check, environment, fill_inputs

PREFIX = Path(sys.prefix)
BPS_TIMEOUT = 480.0
"""Seconds that the run may take."""


def test_bps_parsl_with_postgresql_and_s3_writes_outputs(tmp_path):
    pytest.importorskip("lsst.ctrl.bps.parsl")
    for program in ("bps", "pipetask", "butler"):
        if not (PREFIX / "bin" / program).exists():
            pytest.skip(f"the program {program} is not in {PREFIX / 'bin'}")
    with postgres() as url, s3(tmp_path / "log") as store:
        config = Config()
        config["registry", "db"] = url
        config["registry", "namespace"] = "images"
        config["datastore", "root"] = f"s3://{BUCKET}/survey"
        root = str(tmp_path / "repo")
        Butler.makeRepo(root, config=config, forceConfigRoot=False)
        butler = Butler.from_config(root, writeable=True)
        add_records(butler)
        fill_inputs(butler)
        submit(tmp_path, root)
        check(root)
        assert any("subtracted" in request for request in store.lines if request.startswith("PUT"))


def submit(directory: Path, root: str) -> None:
    """Submit the pipeline and wait until it has finished."""
    settings = {
        **environment(),
        "CTRL_MPEXEC_DIR": str(PREFIX),
        "DAF_BUTLER_DIR": str(PREFIX),
        "PIPELINE_DIR": str(EXAMPLE),
        "PATH": os.pathsep.join([str(PREFIX / "bin"), os.environ["PATH"]]),
        "OMP_NUM_THREADS": "1",
        # bps writes its files into this directory.
        "PWD": str(directory),
    }
    command = ["submit", str(EXAMPLE / "bps.yaml"), "-b", root, "-i", "inputs", "-o", OUTPUT]
    result = subprocess.run(
        [str(PREFIX / "bin" / "bps"), *command],
        cwd=directory,
        env=settings,
        capture_output=True,
        text=True,
        timeout=BPS_TIMEOUT,
    )
    assert result.returncode == 0, result.stdout + result.stderr
