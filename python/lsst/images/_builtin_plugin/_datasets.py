# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Table of the built-in types and their serialization models."""

from __future__ import annotations

__all__ = ("DATASETS",)

from ..plugins import DatasetSpec
from ._storage_classes import STORAGE_CLASSES

_ROWS = (
    # schema, type, module and name of the model, and fields that identify
    # trees of the first releases, which lack the schema
    ("image", "_pixels:Image", "_image:Image", "data"),
    ("mask", "_pixels:Mask", "_mask:Mask", "data planes"),
    ("masked_image", "_pixels:MaskedImage", "_masked_image:MaskedImage", "image mask variance"),
    ("color_image", "_pixels:ColorImage", "_color_image:ColorImage", "red green blue"),
    (
        "visit_image",
        "_exposures:VisitImage",
        "_visit_image:VisitImage",
        "image mask variance psf obs_info",
    ),
    (
        "difference_image",
        "_exposures:DifferenceImage",
        "_difference_image:DifferenceImage",
        "image mask variance psf obs_info kernel templates",
    ),
    (
        "cell_coadd",
        "cells:CellCoadd",
        "_cell_coadd:CellCoadd",
        "image mask variance psf mask_fractions noise_realizations",
    ),
    ("transform", "_transforms:Transform", "_transforms:Transform", "frames mappings"),
    ("sky_projection", "_transforms:Projection", "_transforms:Projection", "pixel_to_sky"),
    ("camera_frame_set", "_transforms:CameraFrameSet", "_transforms:CameraFrameSet", "instrument ast"),
    ("detector", "cameras:Detector", "_cameras:Detector", "attributes visit"),
    (
        "observation_summary_stats",
        "_exposures:ObservationSummaryStats",
        "_summary_stats:ObservationSummaryStats",
        "",
    ),
    # Fields have a type, which determines their model.
    ("chebyshev_field", "fields:ChebyshevField", "_fields:ChebyshevField", "field_type coefficients"),
    ("spline_field", "fields:SplineField", "_fields:SplineField", "field_type data y x"),
    ("product_field", "fields:ProductField", "_fields:ProductField", ""),
    ("sum_field", "fields:SumField", "_fields:SumField", ""),
    ("coadd_field", "fields:CoaddField", "_coadd_field:CoaddField", ""),
    ("background_map", "fields:BackgroundMap", "_field_maps:BackgroundMap", ""),
    (
        "image_basis_convolution_kernel",
        "convolution_kernels:ImageBasisConvolutionKernel",
        "_kernels:ImageBasisConvolutionKernel",
        "basis spatial",
    ),
    ("gaussian_psf", "psfs:GaussianPointSpreadFunction", "_psfs:GaussianPSF", "sigma stamp_size"),
    ("piff_psf", "psfs:PiffWrapper", "_piff:Piff", "piff"),
    ("psfex_psf", "psfs:PSFExPointSpreadFunction", "_psfs:PSFEx", "parameters context"),
    ("kernel_psf", "psfs:KernelPointSpreadFunction", "_composite_psfs:KernelPSF", ""),
    ("warped_psf", "psfs:WarpedPointSpreadFunction", "_composite_psfs:WarpedPSF", ""),
    ("coadd_psf", "psfs:CoaddPointSpreadFunction", "_composite_psfs:CoaddPSF", ""),
    ("cell_psf", "cells:CellPointSpreadFunction", "_cell_psf:CellPointSpreadFunction", "array bounds"),
    (
        "coadd_provenance",
        "cells:CoaddProvenance",
        "_coadd_provenance:CoaddProvenance",
        "inputs contributions",
    ),
)

_DICTIONARIES = (
    # Models of dictionaries; the first one writes a dictionary.
    ("aperture_correction_map", "_field_maps:ApertureCorrectionMap"),
    ("cell_aperture_correction_map", "_cell_aperture_corrections:CellApertureCorrectionMap"),
)

DATASETS = tuple(
    DatasetSpec(
        schema=schema,
        pytype=pytype,
        model=f"lsst.images.models.{model}SerializationModel",
        members=frozenset(members.split()),
        storage_class=STORAGE_CLASSES.get(schema),
    )
    for schema, pytype, model, members in (
        *((schema, f"lsst.images.{pytype}", model, members) for schema, pytype, model, members in _ROWS),
        *((schema, "builtins:dict", model, "") for schema, model in _DICTIONARIES),
    )
)
"""The types of this package that can be written."""
