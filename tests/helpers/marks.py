# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Marks and parametrizations shared by test modules."""

from __future__ import annotations

import copy
import importlib.util
import pickle

import pytest

needs_h5py = pytest.mark.skipif(importlib.util.find_spec("h5py") is None, reason="h5py is not installed")
"""Skip a test if h5py, which the NDF container needs, is not installed."""

containers = pytest.mark.parametrize("extension", [".fits", ".json", pytest.param(".sdf", marks=needs_h5py)])
"""Run a test with the file name extension of each container."""

copies = pytest.mark.parametrize(
    "duplicate",
    [
        pytest.param(lambda obj: obj.copy(), id="method"),
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deepcopy"),
        pytest.param(lambda obj: pickle.loads(pickle.dumps(obj)), id="pickle"),
    ],
)
"""Run a test with each function that copies an object."""
