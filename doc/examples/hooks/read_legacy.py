# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A reader for another file format, used by ``Image.read_legacy``."""

import numpy as np
from lsst.images import Image
from lsst.images.plugins import Found, hookimpl


@hookimpl
def read_legacy(uri, pytype, component, options):
    """Read ``.npy`` files as images; return `None` for other files."""
    if pytype is not Image or component is not None or uri.getExtension() != ".npy":
        return None
    with uri.as_local() as local:
        return Found(Image(np.load(local.ospath)))
