# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Helpers shared by test modules: example objects, test repositories, servers, fake afw modules."""
