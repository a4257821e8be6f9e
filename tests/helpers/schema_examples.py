# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Small objects of the published schemas."""

from __future__ import annotations

from typing import Any

import astropy.units as u
import numpy as np
from lsst.images import BackgroundMap, Box, Image, Mask, MaskedImage, ObservationSummaryStats, Polygon
from lsst.images.cameras import Detector
from lsst.images.fields import ChebyshevField, ProductField, SumField
from lsst.images.psfs import GaussianPointSpreadFunction

from helpers.exposures import (
    BOX,
    SCHEMA,
    make_amplifier,
    make_cell_coadd,
    make_cell_psf,
    make_detector,
    make_difference_image,
    make_kernel,
    make_planes,
    make_provenance,
    make_spline,
    make_visit_image,
)

MAKERS: dict[str, Any] = {
    "visit_image": make_visit_image,
    "visit_image of a corner": lambda: make_visit_image().absolute[10:11, 20:22],
    "visit_image with defaults": lambda: make_visit_image(
        bounds=None, backgrounds=None, aperture_corrections=None, summary_stats=None, photometric_scaling=None
    ),
    "difference_image": make_difference_image,
    "difference_image of nothing": lambda: make_difference_image(kernel=None, templates=None),
    "cell_coadd": make_cell_coadd,
    "cell_coadd, cut": lambda: make_cell_coadd()[Box.factory[122:128, 238:246]],
    "cell_psf": make_cell_psf,
    "coadd_provenance": make_provenance,
    "coadd_provenance of two": lambda: make_provenance(("A", "B")),
    "image": lambda: make_planes(BOX)["image"],
    "mask": lambda: Mask(0, schema=SCHEMA, bbox=BOX),
    "masked_image": lambda: MaskedImage(Image(np.zeros((3, 4))), mask_schema=SCHEMA),
    "detector": make_detector,
    "detector with amplifiers": lambda: Detector(
        make_detector().attributes, [make_amplifier("C10"), make_amplifier("C11")], make_detector().frames
    ),
    "camera_frame_set": lambda: make_detector().frames,
    "observation_summary_stats": ObservationSummaryStats,
    "background_map": BackgroundMap,
    "spline_field": lambda: make_spline(u.nJy),
    "chebyshev_field": lambda: ChebyshevField(BOX, np.ones((2, 3))),
    "product_field": lambda: ProductField([make_spline(), ChebyshevField(BOX, np.ones((1, 1)))]),
    "sum_field": lambda: SumField([make_spline(), make_spline()]),
    "image_basis_convolution_kernel": make_kernel,
    "gaussian_psf": lambda: GaussianPointSpreadFunction(
        2.0, Polygon(x_vertices=[0, 9, 0], y_vertices=[0, 0, 9]), 21
    ),
    "sky_projection": lambda: make_visit_image().projection,
    "transform": lambda: make_detector().to_focal_plane,
    "aperture_correction_map": lambda: {"a": make_spline()},
}
"""Functions that make an object, by name of the schema and the kind of object."""
