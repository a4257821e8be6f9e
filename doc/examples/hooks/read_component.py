# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A component that is computed from stored ones: the signal-to-noise ratio."""

import numpy as np
from lsst.images import Image
from lsst.images.plugins import Found, hookimpl


@hookimpl
def read_component(reader, name, parameters):
    """Compute the component; the read parameters (``bbox``) apply to its inputs."""
    if name != "signal_to_noise":
        return None
    image = reader.read_own_component("image", parameters)
    variance = reader.read_own_component("variance", parameters)
    return Found(Image(image.array / np.sqrt(variance.array), bbox=image.bbox, projection=image.projection))
