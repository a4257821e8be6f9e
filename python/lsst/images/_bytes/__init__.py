# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Byte ranges of local, in-memory and remote files, and the threads that process them."""

from __future__ import annotations

__all__ = ()
