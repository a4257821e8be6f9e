# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Input coadds of templates, converted from the PSF of a template."""

from __future__ import annotations

__all__ = ("template_inputs", "templates_from")

import logging
import math
import uuid
from collections.abc import Mapping
from typing import Any

from .._exposures import DifferenceImageTemplateInfo
from .._geom import XY, Bounds, Box, Polygon
from .._transforms import DetectorFrame, Projection
from ..errors import ArchiveReadError, LegacyConversionError, NoOverlapError
from ..utils import short_repr
from ._convert_fields import used_pixels
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._live_geom import point_to
from ._live_modules import message_of
from ._live_psf import written_record
from .afw_archive._psfs import LegacyCoaddPsf

ButlerInputs = Mapping[tuple[int, int], tuple[uuid.UUID, str]]

TemplateHeader = tuple[Mapping[str, Any], Mapping[uuid.UUID, Any], str]

_INPUT = "LSST BUTLER INPUT"


def templates_from(
    legacy: Any,
    pytype: type,
    *,
    detector_frame: DetectorFrame,
    skymap: str | None = None,
    butler_info: ButlerInputs | None = None,
    header: TemplateHeader | None = None,
    log: logging.Logger | None = None,
    instrument: str | None = None,
) -> list[DifferenceImageTemplateInfo]:
    """Convert the input coadds of the PSF of a template.

    Parameters
    ----------
    legacy
        PSF of the template, an `lsst.meas.algorithms.CoaddPsf`.
    pytype
        `list`.
    detector_frame, skymap, butler_info, log, instrument
        See `DifferenceImageTemplateInfo.from_legacy_psf`.
    header
        Header of the template, in place of ``skymap`` and ``butler_info``: its
        cards, data IDs by dataset ID, and the name of the dataset type.

    Returns
    -------
    templates
        Sorted by tract and patch.

    Raises
    ------
    LegacyConversionError
        If the PSF does not identify its input coadds.
    KeyError
        If a patch is missing in ``butler_info``.
    """
    if header is not None:
        skymap, butler_info = template_inputs(*header)
    if skymap is None or butler_info is None:
        raise LegacyConversionError(
            "The conversion of templates requires the skymap and the inputs, or a header."
        )
    log = logging.getLogger("lsst.images") if log is None else log
    templates = []
    for number, (tract, patch, bounds) in enumerate(_patches(legacy, detector_frame.bbox)):
        dataset_id, run = butler_info[tract, patch]
        if bounds is None:
            reason = NoOverlapError(f"The patch does not overlap the box {detector_frame.bbox}.")
            log.error("No overlap with tract=%s, patch=%s", tract, patch, exc_info=reason)
            continue
        shape = _moments(legacy, number, bounds[1].centroid)
        templates.append(
            DifferenceImageTemplateInfo(
                skymap=skymap,
                tract=tract,
                patch=patch,
                dataset_id=dataset_id,
                dataset_run=run,
                bounds=bounds[0],
                psf_shape_xx=shape[0],
                psf_shape_yy=shape[1],
                psf_shape_xy=shape[2],
                psf_shape_flag=math.isnan(shape[0]),
                instrument=instrument or "UNKNOWN",
            )
        )
    return sorted(templates, key=lambda template: (template.tract, template.patch))


def _patches(legacy: Any, box: Box) -> list[tuple[int, int, tuple[Polygon, Polygon] | None]]:
    """Return tract, patch, and the overlap with a box, in pixels of the template and of the patch."""
    try:
        with written_record(legacy) as record:
            if not isinstance(record, LegacyCoaddPsf):
                raise LegacyConversionError(
                    f"A {type(legacy).__name__} does not list the input coadds of a template; expected a "
                    "CoaddPsf."
                )
            template = make_projection(record.wcs(), PIXEL_FRAME)
            return [
                (int(row["tract"]), int(row["patch"]), _overlap(row, template, box)) for row in record.inputs
            ]
    except (KeyError, ArchiveReadError) as err:
        raise LegacyConversionError(
            f"The PSF of the template does not identify its input coadds by tract and patch: {err}"
        ) from err


def _overlap(row: Any, template: Projection[Any], box: Box) -> tuple[Polygon, Polygon] | None:
    used = used_pixels(row.bbox, row.component("valid_polygon"))
    if used is None:
        return None
    patch = make_projection(row.component("wcs"), PIXEL_FRAME)
    to_template = patch.pixel_to_sky_transform.then(template.sky_to_pixel_transform)
    try:
        there = _polygon(_polygon(used).transform(to_template).intersection(box))
    except NoOverlapError:
        return None
    return there, there.transform(to_template.inverted())


def _polygon(bounds: Bounds) -> Polygon:
    if isinstance(bounds, Box):
        return Polygon.from_box(bounds)
    polygon = getattr(bounds, "try_to_polygon", lambda: bounds)()
    if not isinstance(polygon, Polygon):
        raise LegacyConversionError(f"The overlap {short_repr(bounds)} of a patch is not a polygon.")
    return polygon


def _moments(legacy: Any, number: int, position: XY[float]) -> tuple[float, float, float]:
    """Return the moments of the PSF of a patch; NaN if they cannot be measured."""
    try:
        shape = legacy.getPsf(number).computeShape(point_to(position, form="Point2D"))
        return float(shape.getIxx()), float(shape.getIyy()), float(shape.getIxy())
    except Exception as err:  # exceptions of C++ derive from Exception only
        logging.getLogger("lsst.images").debug("The PSF of a patch has no shape: %s", message_of(err))
        return math.nan, math.nan, math.nan


def template_inputs(
    metadata: Mapping[str, Any], data_ids: Mapping[uuid.UUID, Any], dataset_type: str
) -> tuple[str, dict[tuple[int, int], tuple[uuid.UUID, str]]]:
    """Read the input coadds from the header of a template.

    Parameters
    ----------
    metadata
        The header, with the cards ``LSST BUTLER INPUT n ID`` and others.
    data_ids
        Data IDs of the coadds by dataset ID.
    dataset_type
        Name of the dataset type of the coadds.

    Returns
    -------
    skymap, butler_info
        See `DifferenceImageTemplateInfo.from_legacy_psf`.

    Raises
    ------
    ArchiveReadError
        If the coadds are of several skymaps, or the header does not list any.
    KeyError
        If the data ID of a coadd is missing.
    """
    cards = metadata.toDict() if hasattr(metadata, "toDict") else metadata
    skymaps, found = set(), {}
    for key in cards:
        prefix, _, name = key.rpartition(" ")
        is_input = prefix.startswith(_INPUT) and name == "ID"
        if not is_input or cards.get(f"{prefix} DATASETTYPE") != dataset_type:
            continue
        dataset_id = uuid.UUID(str(cards[key]))
        data_id = data_ids[dataset_id]
        skymaps.add(str(data_id["skymap"]))
        found[int(data_id["tract"]), int(data_id["patch"])] = (dataset_id, str(cards[f"{prefix} RUN"]))
    if len(skymaps) != 1:
        raise ArchiveReadError(
            f"The header of the template lists coadds {short_repr(dataset_type)} of the skymaps "
            f"{sorted(skymaps)}; expected exactly one skymap."
        )
    return skymaps.pop(), found
