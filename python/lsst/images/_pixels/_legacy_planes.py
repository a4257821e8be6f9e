# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mapping of the mask planes of `lsst.afw` images to `MaskPlane`.

Names, order and descriptions are identical to those in files of earlier
releases, because the equality of mask schemas depends on them.
"""

from __future__ import annotations

__all__ = (
    "get_legacy_deep_coadd_mask_planes",
    "get_legacy_difference_image_mask_planes",
    "get_legacy_non_cell_coadd_mask_planes",
    "get_legacy_optional_mask_planes",
    "get_legacy_template_mask_planes",
    "get_legacy_visit_image_mask_planes",
    "guess_legacy_mask_planes",
)

from collections.abc import Collection

from ._mask_schema import MaskPlane

_VISIT = {
    "BAD": MaskPlane("BAD", "Bad pixel in the instrument, including bad amplifiers."),
    "SAT": MaskPlane("SATURATED", "Pixel was saturated or affected by saturation in a neighboring pixel."),
    "INTRP": MaskPlane("INTERPOLATED", "Original pixel value was interpolated."),
    "CR": MaskPlane("COSMIC_RAY", "A cosmic ray affected this pixel."),
    "EDGE": MaskPlane(
        "DETECTION_EDGE",
        "Pixel was too close to the edge to be considered for detection, "
        "due to the finite size of the detection kernel.",
    ),
    "DETECTED": MaskPlane("DETECTED", "Pixel was part of a detected source."),
    "SUSPECT": MaskPlane("SUSPECT", "Pixel was close to the saturation level. "),
    "NO_DATA": MaskPlane("NO_DATA", "No data was available for this pixel."),
    "VIGNETTED": MaskPlane("VIGNETTED", "Pixel was vignetted by the optics."),
    "PARTLY_VIGNETTED": MaskPlane("PARTLY_VIGNETTED", "Pixel was partly vignetted by the optics."),
    "CROSSTALK": MaskPlane("CROSSTALK", "Pixel was affected by crosstalk and corrected accordingly."),
    "ITL_DIP": MaskPlane(
        "ITL_DIP",
        "Pixel was affected by a dark vertical trail from a bright source, on an ITL CCD.",
    ),
    "NOT_DEBLENDED": MaskPlane(
        "NOT_DEBLENDED",
        "Pixel belonged to a detection that was not deblended, usually due to size limits.",
    ),
    "SPIKE": MaskPlane("SPIKE", "Pixel is in the neighborhood of a diffraction spike from a bright star."),
    "UNMASKEDNAN": MaskPlane("UNMASKED_NAN", "Pixel was found to be NaN unexpectedly."),
}

_DIFFERENCE_ONLY = {
    "DETECTED_NEGATIVE": MaskPlane(
        "DETECTED_NEGATIVE", "Pixel was part of a detected source with negative flux."
    ),
    "SAT_TEMPLATE": MaskPlane("SAT_TEMPLATE", "Template pixel was saturated."),
    "HIGH_VARIANCE": MaskPlane(
        "HIGH_VARIANCE", "Template pixel had fewer-than-usual input epochs and hence high noise."
    ),
    "STREAK": MaskPlane(
        "STREAK", "An extended streak (probably an artificial satellite) affected this pixel."
    ),
}

_COADD = {
    "NO_DATA": _VISIT["NO_DATA"],
    "INTRP": MaskPlane("INTERPOLATED", "Pixel value is the result of interpolating nearby good pixels."),
    "CR": MaskPlane(
        "COSMIC_RAY",
        "A cosmic ray affected this pixel on at least one input image (and was interpolated).",
    ),
    "SAT": MaskPlane(
        "SATURATED",
        "More than 10% of the potential input visits had a saturated pixel at this location "
        "('potential' because saturated pixel values are not actually propagated to the coadd). "
        "SATURATED always implies REJECTED, and is often a reason for NO_DATA.",
    ),
    "EDGE": MaskPlane(
        "DETECTION_EDGE",
        "Pixel was too close to the edge of the patch to be considered for detection, "
        "due to the finite size of the detection kernel.",
    ),
    "CLIPPED": MaskPlane(
        "CLIPPED",
        "Region was identified as a probable artifact when comparing multiple single-visit warps. "
        "CLIPPED always implies REJECTED.",
    ),
    "REJECTED": MaskPlane(
        "REJECTED",
        "At least one input visit was left out of the coadd for this pixel due to masking. "
        "REJECTED always implies INEXACT_PSF.",
    ),
    "DETECTED": _VISIT["DETECTED"],
    "INEXACT_PSF": MaskPlane(
        "INEXACT_PSF",
        "The set of visits contributing to this pixel differs from the set of visits contributing to the "
        "PSF model for its cell.",
    ),
}

_NON_CELL_ONLY = {
    "BAD": _VISIT["BAD"],
    # Without the blank at the end that the visit image's description has.
    "SUSPECT": MaskPlane("SUSPECT", _VISIT["SUSPECT"].description.rstrip()),
    "CROSSTALK": _VISIT["CROSSTALK"],
    "DETECTED_NEGATIVE": _DIFFERENCE_ONLY["DETECTED_NEGATIVE"],
    "NOT_DEBLENDED": _VISIT["NOT_DEBLENDED"],
    "UNMASKEDNAN": _VISIT["UNMASKEDNAN"],
    "SENSOR_EDGE": MaskPlane(
        "SENSOR_EDGE",
        "Pixel is near the edge of a contributing sensor/chip, so the coadd PSF is discontinuous there.",
    ),
}

_OPTIONAL = {
    "INJECTED": MaskPlane("INJECTED", "Pixel was affected by a synthetic source injected into the image."),
    "INJECTED_CORE": MaskPlane(
        "INJECTED_CORE", "Pixel is in the core of a synthetic source injected into the image."
    ),
    "INJECTED_TEMPLATE": MaskPlane(
        "INJECTED_TEMPLATE", "Pixel was affected by a synthetic source injected into the template."
    ),
    "INJECTED_CORE_TEMPLATE": MaskPlane(
        "INJECTED_CORE_TEMPLATE", "Pixel is in the core of a synthetic source injected into the template."
    ),
}


def get_legacy_visit_image_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes of an `lsst.afw` visit image.

    Returns
    -------
    plane_map
        New planes, in the order of their bits, by legacy name.
    """
    return dict(_VISIT)


def get_legacy_difference_image_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes of an `lsst.afw` difference image.

    Returns
    -------
    plane_map
        New planes, in the order of their bits, by legacy name.
    """
    return {**_VISIT, **_DIFFERENCE_ONLY}


def get_legacy_deep_coadd_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes of a cell-based `lsst.afw` coadd.

    Returns
    -------
    plane_map
        New planes, in the order of their bits, by legacy name.
    """
    return dict(_COADD)


def get_legacy_non_cell_coadd_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes of an `lsst.afw` coadd that is not cell-based.

    Returns
    -------
    plane_map
        New planes, in the order of their bits, by legacy name.
    """
    return {**_COADD, **_NON_CELL_ONLY}


def get_legacy_template_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes of an `lsst.afw` template of a difference image.

    Returns
    -------
    plane_map
        New planes, in the order of their bits, by legacy name.
    """
    return {**_COADD, **_NON_CELL_ONLY, "HIGH_VARIANCE": _DIFFERENCE_ONLY["HIGH_VARIANCE"]}


def get_legacy_optional_mask_planes() -> dict[str, MaskPlane]:
    """Return the planes that source injection adds to `lsst.afw` images of any type.

    Returns
    -------
    plane_map
        New planes by legacy name.  Conversion appends those that have pixels to the
        planes of any other map.
    """
    return dict(_OPTIONAL)


def guess_legacy_mask_planes(names: Collection[str]) -> dict[str, MaskPlane]:
    """Return the plane map for the type of image that an `lsst.afw` mask belongs to.

    Parameters
    ----------
    names
        Legacy names of its planes, from which the type of image is inferred.

    Returns
    -------
    plane_map
        One of the maps of this module.
    """
    if "SAT_TEMPLATE" in names:
        return get_legacy_difference_image_mask_planes()
    if "INEXACT_PSF" in names:
        if "SENSOR_EDGE" in names:
            if "HIGH_VARIANCE" in names:
                return get_legacy_template_mask_planes()
            return get_legacy_non_cell_coadd_mask_planes()
        return get_legacy_deep_coadd_mask_planes()
    return get_legacy_visit_image_mask_planes()
