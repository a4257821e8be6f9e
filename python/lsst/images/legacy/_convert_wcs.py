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
"""Frame of pixels of which only the grid is known."""


def make_projection(record: Any, frame: Frame, bounds: Bounds | None = None) -> Projection[Any]:
    """Make a projection of an archived ``SkyWcs``.

    Parameters
    ----------
    record
        The record.
    frame
        Frame of the pixels.
    bounds
        Where the projection is meant to be used.

    Returns
    -------
    projection
        Keeps the frames of the record, and its FITS approximation.

    Raises
    ------
    ArchiveReadError
        If the record is of another class, or AST does not understand it.
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
        raise CorruptArchiveError(f"The archived sky coordinates cannot be used: {err}") from err
    return exact.with_fits_approximation(approximation)


def make_transform(
    record: Any, in_frame: Frame, out_frame: Frame, *, backwards: bool = False
) -> Transform[Any, Any]:
    """Make a transform of an archived one.

    Parameters
    ----------
    record
        The record.
    in_frame, out_frame
        Frames of the two ends of the result.
    backwards
        Whether the result goes from the end of the record to its start.

    Raises
    ------
    ArchiveReadError
        If the record is of another class, or AST does not understand it.
    """
    finished = finish(record, Transform, "the transform", LegacyContext())
    if finished is not None:
        return finished.inverted() if backwards else finished
    mapping = _as_mapping(record)
    return Transform(in_frame, out_frame, mapping.inverted() if backwards else mapping)


def step_mappings(steps: Iterable[tuple[Any, bool]]) -> AstMapping | None:
    """Chain archived transforms.

    Parameters
    ----------
    steps
        References to transforms, and whether each is used backwards.

    Returns
    -------
    mapping
        `None` if there are no steps.
    """
    mappings = [
        mapping.inverted() if backwards else mapping
        for mapping, backwards in ((_as_mapping(reference()), backwards) for reference, backwards in steps)
    ]
    return functools.reduce(AstMapping.then, mappings) if mappings else None


def _as_mapping(record: Any) -> AstMapping:
    if not isinstance(record, LegacyTransform):
        raise unknown_class(record, Transform, "the transform")
    return read_mapping(record.ast_text)
