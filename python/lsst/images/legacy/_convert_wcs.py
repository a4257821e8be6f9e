# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of archived sky projections and transforms."""

from __future__ import annotations

__all__ = ("PIXEL_FRAME", "make_projection", "make_transform", "step_mappings")

import functools
from collections.abc import Iterable
from typing import Any

import astropy.units as u

from .._geom import Bounds
from .._transforms import Frame, GeneralFrame, Projection, Transform
from .._transforms._ast import AstMapping
from ..errors import ArchiveReadError, CorruptArchiveError, ImagesError
from ._decoded import LegacyContext, finish, unknown_class
from .afw_archive._ast_text import read_mapping
from .afw_archive._transforms import LegacyTransform
from .afw_archive._wcs import LegacyFitsWcs, LegacySkyWcs

PIXEL_FRAME = GeneralFrame(unit=u.pix)
"""Frame of pixels without instrument and detector."""


def make_projection(record: Any, frame: Frame, bounds: Bounds | None = None) -> Projection[Any]:
    """Convert an archived ``SkyWcs`` to a projection.

    Parameters
    ----------
    record
        What the decoder returned.
    frame
        Frame of the pixels.
    bounds
        Bounds in which the projection is used.

    Returns
    -------
    projection
        Projection with the frames of the record and its FITS approximation.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or AST cannot read it.
    """
    finished = finish(record, Projection, "the sky projection", LegacyContext(bounds, frame))
    if finished is not None:
        return finished
    if not isinstance(record, LegacySkyWcs | LegacyFitsWcs):
        raise unknown_class(record, Projection, "the sky projection")
    try:
        exact = Projection.from_ast_frame_set(record.ast_text, frame, bounds)
        if record.fits_approximation_text is None:
            return exact
        approximation = Projection.from_ast_frame_set(record.fits_approximation_text, frame, bounds)
    except ArchiveReadError:
        raise
    except ImagesError as err:
        raise CorruptArchiveError(f"The archived WCS is invalid: {err}") from err
    return exact.with_fits_approximation(approximation)


def make_transform(
    record: Any, in_frame: Frame, out_frame: Frame, *, inverse: bool = False
) -> Transform[Any, Any]:
    """Convert an archived transform.

    Parameters
    ----------
    record
        What the decoder returned.
    in_frame, out_frame
        Input and output frame of the result.
    inverse
        Whether the result is the inverse of the record.

    Raises
    ------
    ArchiveReadError
        If the class is not supported, or AST cannot read it.
    """
    finished = finish(record, Transform, "the transform", LegacyContext())
    if finished is not None:
        return finished.inverted() if inverse else finished
    mapping = _as_mapping(record)
    return Transform(in_frame, out_frame, mapping.inverted() if inverse else mapping)


def step_mappings(steps: Iterable[tuple[Any, bool]]) -> AstMapping | None:
    """Compose archived transforms.

    Parameters
    ----------
    steps
        References to transforms, and whether to use the inverse of each.

    Returns
    -------
    mapping
        `None` without steps.
    """
    mappings = [
        mapping.inverted() if inverse else mapping
        for mapping, inverse in ((_as_mapping(reference()), inverse) for reference, inverse in steps)
    ]
    return functools.reduce(AstMapping.then, mappings) if mappings else None


def _as_mapping(record: Any) -> AstMapping:
    if not isinstance(record, LegacyTransform):
        raise unknown_class(record, Transform, "the transform")
    return read_mapping(record.ast_text)
