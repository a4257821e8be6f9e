# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about images and their components, made by the ``describe`` hook."""

from __future__ import annotations

__all__ = ("report_on",)

from ._images import report_on
