# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Convert an older file, put it into a Butler, and read it in several ways.

Once, after installing it::

    lsst-images butler-config ~/butler-config
    export DAF_BUTLER_CONFIG_PATH=~/butler-config

Then run ``python use_fringes.py OLD_FILE NEW_REPOSITORY``.
"""

import sys

import astropy.io.fits
import numpy as np
from lsst.daf.butler import Butler
from lsst.images import Box
from lsst.images.butler import register_dataset_types
from my_survey_images import FringeFrame, MoffatPSF

DATA_ID = {"instrument": "MyCam", "detector": 1, "physical_filter": "i_mine"}


def main(old_file: str, repository: str) -> None:
    """Put an older file, and read it whole, by box and by component."""
    Butler.makeRepo(repository)
    butler = Butler.from_config(repository, writeable=True, run="fringes")
    register_dataset_types(butler, ["fringe_frame"])
    butler.registry.insertDimensionData("instrument", {"name": "MyCam", "detector_max": 10})
    butler.registry.insertDimensionData("detector", {"instrument": "MyCam", "id": 1, "full_name": "one"})
    butler.registry.insertDimensionData(
        "physical_filter", {"instrument": "MyCam", "name": "i_mine", "band": "i"}
    )

    with astropy.io.fits.open(old_file) as hdus:
        # The storage class declares a converter from HDUList, so HDUs can be put directly.
        butler.put(hdus, "fringe_frame", DATA_ID)

    frame = butler.get("fringe_frame", DATA_ID)
    assert isinstance(frame, FringeFrame) and isinstance(frame.psf, MoffatPSF)
    box = Box.factory[5:20, 60:90]
    assert butler.get("fringe_frame", DATA_ID, parameters={"bbox": box}).bbox == box
    # The name of an amplifier, which the hook parse_bbox converts to a box.
    assert (
        butler.get("fringe_frame.image", DATA_ID, parameters={"bbox": "C02"})
        == frame.image[Box.factory[0:40, 60:90]]
    )
    assert butler.get("fringe_frame.bbox", DATA_ID) == frame.bbox
    star = butler.get("fringe_frame.psf", DATA_ID).compute_stellar_image(x=70.3, y=12.0)
    # A stellar image is a shifted kernel image: a small part is lost at the edges.
    assert np.isclose(star.array.sum(), 1.0, atol=1e-3)
    print(butler.getURI("fringe_frame", DATA_ID).ospath)


if __name__ == "__main__":
    main(*sys.argv[1:])
