# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read many cutouts of one file, decoding each tile of the file once."""

from __future__ import annotations

__all__ = ("PLANES", "Cutout", "CutoutOptions", "read_cutouts")

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterable, Sequence
from typing import IO, TYPE_CHECKING, Any

from lsst.resources import ResourcePathExpression

from .._geom import Box
from ..errors import (
    ArchiveReadError,
    ImagesError,
    InvalidParameterError,
    NoOverlapError,
)
from ..plugins import ReadContext
from ..utils import short_repr
from ._dataset_reader import DatasetReader
from ._reader import open_archive, parse_bbox

if TYPE_CHECKING:
    from lsst.daf.butler import DatasetRef  # noqa: TID251  # for an annotation only

PLANES = ("image", "mask", "variance")
"""Names of the planes of a masked image."""


@dataclasses.dataclass(frozen=True, slots=True)
class Cutout:
    """A cutout of an image, or the error that prevented reading it.

    Parameters
    ----------
    where
        The region as it was requested.
    bbox
        Pixels of the cutout, in absolute coordinates; `None` if ``where``
        could not be converted to a box.
    image
        The cutout, or `None` if it could not be read.
    error
        Error that prevented reading the cutout, or `None`.
    ref
        Butler dataset of the image, or `None` if it was read from a file.
    """

    where: Any
    bbox: Box | None = None
    image: Any = None
    error: Exception | None = None
    ref: DatasetRef | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class CutoutOptions:
    """Options of `read_cutouts` that apply to every cutout.

    Parameters
    ----------
    planes, fill, clip
        As for `read_cutouts`.

    Raises
    ------
    InvalidParameterError
        If both ``fill`` and ``clip`` are given.
    """

    planes: str | Sequence[str] | None = PLANES
    fill: str | None = None
    clip: bool = False

    def __post_init__(self) -> None:
        if self.fill is not None and self.clip:
            raise InvalidParameterError(
                f"Both fill={short_repr(self.fill)} and clip=True are given; a cutout is filled or clipped, "
                "not both. "
                "Remove one of the arguments."
            )


def read_cutouts(
    path: ResourcePathExpression | IO[bytes] | DatasetReader[Any],
    boxes: Iterable[Any],
    *,
    planes: str | Sequence[str] | None = PLANES,
    fill: str | None = None,
    clip: bool = False,
    keep_errors: bool = True,
    format: str | None = None,
) -> list[Cutout]:
    """Read many cutouts of one file, decoding each tile of the file once.

    `lsst.images.butler.read_cutouts` does the same for Butler datasets, with
    the same options and defaults.

    Parameters
    ----------
    path
        URI, path, or seekable binary stream; or an open reader, which is not
        closed.
    boxes
        Regions of the cutouts: any value that the read parameter ``bbox``
        accepts.
    planes
        Content of each cutout.  All of ``"image"``, ``"mask"`` and
        ``"variance"`` give a `~lsst.images.MaskedImage`, several other names a
        `dict`, and one name that component.  `None` gives an object of the
        type in the file, including for instance its point-spread function;
        so do files without these three planes.
    fill
        Name of a mask plane, for instance ``"NO_DATA"``, to set in pixels of
        a cutout that lie outside the image.  There, floating-point planes are
        NaN and integer planes are 0.  All cutouts get the mask plane, and
        consist of planes only.
    clip
        Whether to clip boxes to the image.  If neither ``fill`` nor ``clip``
        is given, a box that is not within the image is an error.
    keep_errors
        Whether a cutout that cannot be read is returned with its ``error``;
        otherwise the first error is raised.
    format
        Name of the container; `None` selects it by file name or content.

    Returns
    -------
    `list` [ `Cutout` ]
        The cutouts in the order of ``boxes``.

    Raises
    ------
    FileNotFoundError
        If the file does not exist.
    InvalidParameterError
        If both ``fill`` and ``clip`` are given, or the file does not have
        these planes.
    ArchiveReadError
        If the file was not written by this package, or its tree is damaged.
    ImagesError
        With ``keep_errors=False``, if a cutout cannot be read:
        `~lsst.images.NoOverlapError` if it is completely outside the image,
        `~lsst.images.errors.BoxIndexError` if it is partly outside.

    Notes
    -----
    Pixel coordinates are absolute, so that equal boxes select the same pixels
    in all cutouts.  FITS files are decoded tile by tile, each tile once; other
    containers are read cutout by cutout.
    """
    options = CutoutOptions(planes, fill, clip)
    with contextlib.ExitStack() as stack:
        if isinstance(path, DatasetReader):
            reader = path
        else:
            reader = stack.enter_context(open_archive(path, format=format))
        recipe = _Recipe(reader, options)
        full: Box = reader.get_component("bbox")
        # Positions on the sky need the projection; it is the same for all.
        projection = functools.cache(lambda: reader.get_component("sky_projection"))
        context = ReadContext(uri=reader.uri, projection=projection)
        cutouts = recipe.read_all([_locate(context, where, full, options) for where in boxes])
    if not keep_errors:
        for cutout in cutouts:
            if cutout.error is not None:
                raise cutout.error
    return cutouts


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """A requested cutout, located in the image."""

    where: Any
    bbox: Box | None = None
    """Box of the result."""
    inside: Box | None = None
    """Part of the box that is inside the image."""
    error: Exception | None = None


def _locate(context: ReadContext, where: Any, full: Box, options: CutoutOptions) -> _Request:
    try:
        bbox = parse_bbox(where, context)
        try:
            inside = bbox.intersection(full)
        except NoOverlapError as err:
            raise NoOverlapError(f"The cutout {bbox} is outside the image {full}.") from err
        if options.fill is None and not options.clip:
            # Raises if the box is partly outside the image.
            bbox.slice_within(full)
        return _Request(where, inside if options.clip else bbox, inside)
    except ImagesError as err:
        return _Request(where, error=err)


class _Recipe:
    """Reads cutouts as the components that the options select."""

    def __init__(self, reader: DatasetReader[Any], options: CutoutOptions) -> None:
        self._reader = reader
        self._fill = options.fill
        self._components: list[str | None] = [None]
        self._read: Callable[[Box], Any] = lambda bbox: reader.read(bbox=bbox)
        planes = options.planes
        names = None if planes is None else {planes} if isinstance(planes, str) else set(planes)
        components = set(reader.component_names)
        if planes is None or (names == set(PLANES) and not names & components):
            return
        if unknown := sorted((names or set()) - components):
            raise InvalidParameterError(
                f"The file does not have the planes {unknown}; it has the components {sorted(components)}."
            )
        if names == set(PLANES) and "masked_image" not in components:
            # The object in the file is itself a masked image.
            return
        if isinstance(planes, str) or names == set(PLANES):
            name = planes if isinstance(planes, str) else "masked_image"
            self._components = [name]
            self._read = lambda bbox: reader.get_component(name, bbox=bbox)
        else:
            self._components = [*planes]
            self._read = lambda bbox: {name: reader.get_component(name, bbox=bbox) for name in planes}

    def read_all(self, requests: Sequence[_Request]) -> list[Cutout]:
        """Read all cutouts.

        Parameters
        ----------
        requests
            The requested cutouts.

        Returns
        -------
        `list` [ `Cutout` ]
            One for each request, in the same order.
        """
        inside = [request.inside for request in requests if request.inside is not None]
        # A damaged tile must not prevent reading other cutouts: reading a
        # cutout that needs the tile raises the error again.
        with contextlib.suppress(ArchiveReadError, OSError):
            self._reader.read_ahead(inside, self._components)
        return [self._read_one(request) for request in requests]

    def _read_one(self, request: _Request) -> Cutout:
        if request.inside is None or request.bbox is None:
            return Cutout(request.where, error=request.error)
        try:
            image = self._read(request.inside)
            if self._fill is not None:
                image = _pad(image, request.bbox, self._fill)
        except (ImagesError, OSError) as err:
            # A file may vanish, or a server fail, in the middle of a batch.
            return Cutout(request.where, request.bbox, error=err)
        return Cutout(request.where, request.bbox, image)


def _pad(image: Any, bbox: Box, fill: str) -> Any:
    if isinstance(image, dict):
        return {name: _pad(plane, bbox, fill) for name, plane in image.items()}
    if not hasattr(image, "_padded"):
        raise InvalidParameterError(
            f"Cannot fill a {type(image).__name__} outside the image; select planes with planes=, or use "
            "clip=True."
        )
    return image._padded(bbox, fill)
