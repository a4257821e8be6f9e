# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command line ``python -m lsst.images``."""

from __future__ import annotations

__all__ = ()

from .cli import main

if __name__ == "__main__":
    main()
