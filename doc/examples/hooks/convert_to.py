# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert an image to a `galsim.Image`, as in ``convert_to(image, galsim.Image)``."""

from lsst.images import Image
from lsst.images.plugins import hookimpl


@hookimpl
def convert_to(obj, target):
    if not isinstance(obj, Image) or target.__module__.partition(".")[0] != "galsim":
        return None  # other plugins may convert it
    import galsim

    if target is not galsim.Image:
        return None
    return galsim.Image(obj.array, xmin=obj.bbox.x.start, ymin=obj.bbox.y.start, copy=True)
