# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The input coadds of the template of a difference image."""

from __future__ import annotations

__all__ = ("DifferenceImageTemplateInfo",)

import uuid
from collections.abc import Mapping
from typing import Any

import pydantic

from .._geom import Polygon
from .._transforms import DetectorFrame
from ..plugins import registry


class DifferenceImageTemplateInfo(pydantic.BaseModel, ser_json_inf_nan="constants"):
    """A coadd patch that is an input of the template of a difference image.

    Parameters
    ----------
    skymap, tract, patch
        The patch.
    dataset_id
        ID of the coadd in the Butler.
    dataset_run
        Run of the coadd in the Butler.
    bounds
        Overlap with the difference image, in pixels of the difference image.
    psf_shape_xx, psf_shape_yy, psf_shape_xy
        Second moments of its PSF in square pixels; may be NaN.
    psf_shape_flag
        Whether the PSF could not be measured.
    instrument
        Short name of the instrument whose observations were coadded;
        ``"UNKNOWN"`` if it could not be determined.
    """

    skymap: str = pydantic.Field(description="Name of the skymap.")
    tract: int = pydantic.Field(description="Number of the tract.")
    patch: int = pydantic.Field(description="Number of the patch in the tract.")
    dataset_id: uuid.UUID = pydantic.Field(description="ID of the coadd in the Butler.")
    dataset_run: str = pydantic.Field(description="Run of the coadd in the Butler.")
    bounds: Polygon = pydantic.Field(description="Overlap with the difference image, in its pixels.")
    psf_shape_xx: float = pydantic.Field(description="Second moment of the PSF along x, in pixel**2.")
    psf_shape_yy: float = pydantic.Field(description="Second moment of the PSF along y, in pixel**2.")
    psf_shape_xy: float = pydantic.Field(description="Mixed second moment of the PSF, in pixel**2.")
    psf_shape_flag: bool = pydantic.Field(description="Whether the PSF could not be measured.")
    instrument: str = pydantic.Field(
        default="UNKNOWN", description="Short name of the instrument whose observations were coadded."
    )

    @classmethod
    def from_legacy(
        cls,
        detector_frame: DetectorFrame,
        legacy_template_psf: Any,
        legacy_template_metadata: Any,
        coadd_data_ids_by_uuid: Any,
        coadd_dataset_type: str = "template_coadd",
        log: Any = None,
        instrument: str | None = None,
    ) -> list[DifferenceImageTemplateInfo]:
        """Convert the description of the input coadds of a template.

        Parameters
        ----------
        detector_frame
            Pixel frame of the difference image.
        legacy_template_psf
            PSF of the template, an `lsst.meas.algorithms.CoaddPsf`.
        legacy_template_metadata
            Header of the template, with the IDs of its inputs.
        coadd_data_ids_by_uuid
            Data IDs of the coadds by dataset ID.
        coadd_dataset_type
            Name of the coadds' dataset type.
        log
            Logger for messages about patches that are skipped.
        instrument
            Name of the instrument whose observations were coadded.

        Returns
        -------
        templates
            Sorted by tract and patch.

        Raises
        ------
        RuntimeError
            If the coadds are of several skymaps, or the header does not list
            any.
        KeyError
            If a coadd of the PSF is missing in the header, or its data ID in
            ``coadd_data_ids_by_uuid``.
        """
        return registry.convert_from_legacy(
            legacy_template_psf,
            list,
            detector_frame=detector_frame,
            header=(legacy_template_metadata, coadd_data_ids_by_uuid, coadd_dataset_type),
            log=log,
            instrument=instrument,
        )

    @classmethod
    def from_legacy_psf(
        cls,
        detector_frame: DetectorFrame,
        legacy_template_psf: Any,
        skymap: str,
        butler_info: Mapping[tuple[int, int], tuple[uuid.UUID, str]],
        log: Any = None,
        instrument: str | None = None,
    ) -> list[DifferenceImageTemplateInfo]:
        """Convert the PSF of a template, with input coadds given by the caller.

        Parameters
        ----------
        detector_frame
            Pixel frame of the difference image.
        legacy_template_psf
            PSF of the template, an `lsst.meas.algorithms.CoaddPsf`.
        skymap
            Name of the skymap.
        butler_info
            Dataset ID and run of the coadds by tract and patch; others than
            those of the PSF are ignored.
        log
            Logger for messages about patches that are skipped, because they
            do not overlap the difference image.
        instrument
            Name of the instrument whose observations were coadded.

        Returns
        -------
        templates
            Sorted by tract and patch.

        Raises
        ------
        KeyError
            If a patch of the PSF is missing in ``butler_info``.
        """
        return registry.convert_from_legacy(
            legacy_template_psf,
            list,
            detector_frame=detector_frame,
            skymap=skymap,
            butler_info=butler_info,
            log=log,
            instrument=instrument,
        )
