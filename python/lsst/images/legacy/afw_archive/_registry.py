# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decoders by name of the archived class."""

from __future__ import annotations

__all__ = ("DECODERS", "find_decoder")

from collections.abc import Callable
from typing import Any

from ...plugins import registry

_HERE = __package__

_BY_MODULE: dict[str, dict[str, str]] = {
    "_wcs": {"SkyWcs": "decode_sky_wcs", "TanWcs": "decode_old_wcs", "Wcs": "decode_old_wcs"},
    "_transforms": {"TransformMap": "decode_transform_map"},
    "_camera": {
        "Detector": "decode_detector",
        "Camera": "decode_camera",
        "DetectorCollection": "decode_camera",
    },
    "_photo_calib": {"PhotoCalib": "decode_photo_calib", "Calib": "decode_calib"},
    "_fields": {
        "ChebyshevBoundedField": "decode_chebyshev",
        "ProductBoundedField": "decode_product",
        "TransformBoundedField": "decode_transform_field",
        "FluxFitBoundedField": "decode_flux_fit",
        "ApCorrMap": "decode_ap_corr_map",
    },
    "_sky_fields": {
        "PixelAreaBoundedField": "decode_pixel_area",
        "CoaddBoundedField": "decode_coadd_field",
    },
    "_visit_info": {"VisitInfo": "decode_visit_info"},
    "_misc": {
        "FilterLabel": "decode_filter_label",
        "Polygon": "decode_polygon",
        "ExposureSummaryStats": "decode_summary_stats",
    },
    "_transmission": {
        "IdentityTransmissionCurve": "decode_identity",
        "SpatiallyConstantTransmissionCurve": "decode_constant",
        "RadialTransmissionCurve": "decode_radial",
        "ProductTransmissionCurve": "decode_product",
        "TransformedTransmissionCurve": "decode_transformed",
    },
    "_coadd_transmission": {"CoaddTransmissionCurve": "decode_coadd"},
    "_catalogs": {
        "CoaddInputs": "decode_coadd_inputs",
        "ExposureCatalog": "decode_exposure_catalog",
    },
    "_footprints": {
        "SpanSet": "decode_span_set",
        "Footprint": "decode_footprint",
        **dict.fromkeys((f"HeavyFootprint{letter}" for letter in "FDIU"), "decode_footprint"),
    },
    "_psfs": {
        "GaussianPsf": "decode_gaussian",
        "SingleGaussianPsf": "decode_gaussian",
        "DoubleGaussianPsf": "decode_double_gaussian",
        "KernelPsf": "decode_kernel_psf",
        "PcaPsf": "decode_kernel_psf",
        "PsfexPsf": "decode_psfex",
        "WarpedPsf": "decode_warped",
        "CoaddPsf": "decode_coadd_psf",
    },
    "_piff": {"PiffPsf": "decode_piff"},
    "_stitched_psf": {"StitchedPsf": "decode_stitched"},
    "_kernels": {
        "FixedKernel": "decode_fixed",
        "LinearCombinationKernel": "decode_linear_combination",
        "AnalyticKernel": "decode_analytic",
        "DeltaFunctionKernel": "decode_delta",
    },
    "_functions": {
        "WarpingControl": "decode_warping_control",
        "LanczosWarpingKernel": "decode_warping_kernel",
        "BilinearWarpingKernel": "decode_warping_kernel",
        "NearestWarpingKernel": "decode_warping_kernel",
        **{
            f"{name}{letter}": "decode_function"
            for name in (
                "PolynomialFunction2",
                "Chebyshev1Function2",
                "GaussianFunction2",
                "DoubleGaussianFunction2",
            )
            for letter in "DF"
        },
    },
}

DECODERS: dict[str, str] = {
    cls: f"{_HERE}.{module}:{function}"
    for module, classes in _BY_MODULE.items()
    for cls, function in classes.items()
}
"""Dotted names of the built-in decoders, by name of the archived class."""

_TRANSFORM = f"{_HERE}._transforms:decode_transform"
_TRANSFORM_ENDS = ("Point2", "Point3", "SpherePoint", "Generic")

Decoder = Callable[..., Any]
"""A `LegacyDecoder`; naming that type here would be an import cycle."""


def find_decoder(class_name: str) -> Decoder | None:
    """Find the decoder of a class.

    Parameters
    ----------
    class_name
        Name of the archived class.

    Returns
    -------
    decoder
        `None` if no decoder is registered for the class.

    Raises
    ------
    PluginLoadError
        If the decoder that a plugin names cannot be imported.

    Notes
    -----
    Plugins declare decoders with the hook ``register_legacy_decoders``.
    Theirs replace built-in ones.
    """
    dotted = registry.legacy_decoders().get(class_name) or DECODERS.get(class_name)
    if dotted is None and _is_transform(class_name):
        dotted = _TRANSFORM
    return None if dotted is None else registry.load(dotted)


def _is_transform(class_name: str) -> bool:
    # TransformPoint2ToPoint2 and the other pairs of point types.
    first, to, second = class_name.removeprefix("Transform").partition("To")
    return bool(to) and first in _TRANSFORM_ENDS and second in _TRANSFORM_ENDS
