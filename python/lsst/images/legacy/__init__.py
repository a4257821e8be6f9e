# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files and objects of `lsst.afw`, the predecessor of this package.

Files are read without `lsst.afw`; live objects are converted where it is
installed.  Public names are listed in ``__init__.pyi``.  Each is imported when
it is first used, because reading any file imports this package, and few reads
need a legacy reader.
"""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
