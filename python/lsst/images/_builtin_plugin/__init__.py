# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register the built-in types through the public plugin hooks.

The modules hold tables of dotted names and import no type, because they are
loaded by every process that reads or writes a file.
"""

from __future__ import annotations

__all__ = ()
