# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Many small pieces of one file, with each part of the file decoded once."""

from __future__ import annotations

__all__ = ("Cutout", "read_cutouts")

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Any

from lsst.resources import ResourcePathExpression

from .._geom import Box
from ..errors import ArchiveReadError, ImagesError, InvalidParameterError, NoOverlapError
from ..plugins import ReadContext
from ._dataset_reader import DatasetReader
from ._reader import open_archive, parse_bbox

PLANES = ("image", "mask", "variance")
"""The planes that make a masked image."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cutout:
    """A piece of an image, or why there is none.

    Parameters
    ----------
    where
        What was asked for.
    bbox
        Pixels that this is, in absolute coordinates; `None` if ``where`` is
        not understood.
    image
        The piece, or `None` if it could not be read.
    error
        Why not.
    """

    where: Any
    bbox: Box | None = None
    image: Any = None
    error: Exception | None = None


def read_cutouts(
    path: ResourcePathExpression | IO[bytes] | DatasetReader[Any],
    boxes: Iterable[Any],
    *,
    planes: str | Sequence[str] | None = PLANES,
    fill: str | None = None,
    clip: bool = False,
    format: str | None = None,
) -> list[Cutout]:
    """Read many pieces of one file, decoding what they share only once.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream; or an open reader, which is left
        open.
    boxes
        Pieces: anything that reads take as ``bbox``.
    planes
        What to read.  All of ``"image"``, ``"mask"`` and ``"variance"`` make
        a `~lsst.images.MaskedImage` of each piece, several others a `dict`, and
        one name that plane itself.  `None` reads the whole object, with its
        point-spread function and all; so do files whose pixels are not three
        planes.
    fill
        Mask plane, ``"NO_DATA"`` for instance, to be set in those pixels of a
        piece that lie beyond the edge of the image, where images are NaN, or
        0 if they hold integers.  All pieces get the plane; they have pixels
        only, whatever ``planes`` is.  `None` makes such a piece an error.
    clip
        Whether to cut pieces at the edge instead.
    format
        Name of the container; `None`: found out.

    Returns
    -------
    `list` [ `Cutout` ]
        The pieces in the order of ``boxes``; one that cannot be read has an
        ``error`` and does not hinder the others.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    InvalidParameterError
        If the file does not have these planes, or both ``fill`` and ``clip``
        are given.
    ArchiveReadError
        If the file is not one of ours, or its tree is damaged.

    Notes
    -----
    A box in absolute coordinates means the same pixels for all pieces.  FITS
    files decode each tile once; of other containers pieces are read one after
    the other.
    """
    if fill is not None and clip:
        raise InvalidParameterError(
            f"Both fill={fill!r} and clip=True are given; a piece is filled or cut, not both."
        )
    with contextlib.ExitStack() as stack:
        if isinstance(path, DatasetReader):
            reader = path
        else:
            reader = stack.enter_context(open_archive(path, format=format))
        recipe = _Recipe(reader, planes)
        full: Box = reader.get_component("bbox")
        # Pieces on the sky need it, and it is the same for all.
        projection = functools.cache(lambda: reader.get_component("sky_projection"))
        context = ReadContext(uri=reader.uri, projection=projection)
        return recipe.read_all([_place(context, where, full, fill, clip) for where in boxes], fill)


@dataclasses.dataclass(frozen=True, slots=True)
class _Wanted:
    """A piece that was asked for."""

    where: Any
    bbox: Box | None = None
    """Pixels that the result has."""
    inside: Box | None = None
    """Those of them that are in the file."""
    error: Exception | None = None


def _place(context: ReadContext, where: Any, full: Box, fill: str | None, clip: bool) -> _Wanted:
    try:
        bbox = parse_bbox(where, context)
        if fill is None and not clip:
            # Raises if the box does not fit.
            bbox.slice_within(full)
            return _Wanted(where, bbox, bbox)
        try:
            inside = bbox.intersection(full)
        except NoOverlapError as err:
            raise NoOverlapError(f"The piece {bbox} lies outside the image, {full}.") from err
        return _Wanted(where, inside if clip else bbox, inside)
    except ImagesError as err:
        return _Wanted(where, error=err)


class _Recipe:
    """How pieces are read: which components, and what becomes of them."""

    def __init__(self, reader: DatasetReader[Any], planes: str | Sequence[str] | None) -> None:
        self._reader = reader
        names = None if planes is None else {planes} if isinstance(planes, str) else set(planes)
        components = set(reader.component_names)
        self._components: list[str | None] = [None]
        self._read: Callable[[Box], Any] = self._read_whole
        if names is None or (names == set(PLANES) and not names & components):
            return
        if unknown := sorted(names - components):
            raise InvalidParameterError(
                f"The file has no planes {unknown}; it has the components {sorted(components)}."
            )
        if names == set(PLANES) and "masked_image" not in components:
            # Then the whole is the masked image.
            return
        if names == set(PLANES):
            self._components = ["masked_image"]
            self._read = self._read_masked_image
        elif isinstance(planes, str):
            self._components = [planes]
            self._read = lambda bbox: reader.get_component(planes, bbox=bbox)
        else:
            several = [*planes] if planes is not None else []
            self._components = [*several]
            self._read = lambda bbox: {name: reader.get_component(name, bbox=bbox) for name in several}

    def _read_whole(self, bbox: Box) -> Any:
        return self._reader.read(bbox=bbox)

    def _read_masked_image(self, bbox: Box) -> Any:
        return self._reader.get_component("masked_image", bbox=bbox)

    def read_all(self, wanted: Sequence[_Wanted], fill: str | None) -> list[Cutout]:
        """Read all pieces.

        Parameters
        ----------
        wanted
            The pieces.
        fill
            Mask plane of pixels beyond the edge; `None` if there are none.

        Returns
        -------
        `list` [ `Cutout` ]
            One for each.
        """
        inside = [piece.inside for piece in wanted if piece.inside is not None]
        # A damaged tile must not prevent reading the other pieces: reading a
        # piece that needs the tile raises the error again.
        with contextlib.suppress(ArchiveReadError):
            self._reader.read_ahead(inside, self._components)
        return [self._read_one(piece, fill) for piece in wanted]

    def _read_one(self, piece: _Wanted, fill: str | None) -> Cutout:
        if piece.inside is None:
            return Cutout(piece.where, piece.bbox, error=piece.error)
        try:
            image = self._read(piece.inside)
            if fill is not None:
                assert piece.bbox is not None, "known wherever inside is"
                image = _pad(image, piece.bbox, fill)
        except ImagesError as err:
            return Cutout(piece.where, piece.bbox, error=err)
        return Cutout(piece.where, piece.bbox, image)


def _pad(image: Any, bbox: Box, fill: str) -> Any:
    if isinstance(image, dict):
        return {name: _pad(plane, bbox, fill) for name, plane in image.items()}
    if not hasattr(image, "_padded"):
        raise InvalidParameterError(
            f"A {type(image).__name__} cannot be filled beyond its edge; name planes, or use clip=True."
        )
    return image._padded(bbox, fill)
