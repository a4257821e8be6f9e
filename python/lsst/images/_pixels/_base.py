# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class of image-like types."""

from __future__ import annotations

__all__ = ("GeneralizedImage",)

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import deepcopy
from types import EllipsisType
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
import numpy.typing as npt

from .._aliases import alias_property
from .._content_token import token
from .._geom import YX, Box
from .._transforms import Projection
from ..errors import GeometryError, NoOverlapError, NotContainedError
from ..io import Serializable
from ..plugins import registry
from ..serialization import (
    ArchiveTree,
    MetadataView,
    PassthroughMetadata,
    attach,
    attach_from,
    native_metadata,
)
from ..utils import did_you_mean, short_repr
from ._plotting import axes_type
from ._slices import AbsoluteSliceProxy, LocalSliceProxy

if TYPE_CHECKING:
    import astropy.coordinates
    import astropy.wcs
    from astropy.io.fits import HDUList  # noqa: TID251  # target type of a conversion
    from matplotlib.axes import Axes

    from .._transforms import ProjectionAstropyView


T = TypeVar("T", bound="GeneralizedImage")


class GeneralizedImage(Serializable, ABC):
    """A rectangle of pixels on a grid that it shares with its subimages.

    Parameters
    ----------
    metadata
        Arbitrary values by name.  A dictionary is kept by reference, and that
        of another image is shared with it.  By default, empty.

    Notes
    -----
    Index an image with a `Box` of absolute coordinates, or with a circle on
    the sky ``[center, radius]``, for a view of some of its pixels, or with
    ``...`` for a view of all of them.  Use `absolute` or
    `local` to index with slices.
    """

    def __init__(self, metadata: Mapping[str, Any] | None = None) -> None:
        self._metadata = native_metadata(metadata)
        self._fits_wcs: tuple[astropy.wcs.WCS | None] | None = None

    # Abstract methods.

    @property
    @abstractmethod
    def bbox(self) -> Box:
        """Pixels of the image, in absolute coordinates (`Box`)."""

    @property
    def projection(self) -> Projection[Any] | None:
        """The projection that maps the pixel grid to the sky
        (`Projection` | `None`).

        Its pixel coordinates are absolute: they do not start at zero but at
        ``bbox.start``.  `None`, unless a type overrides this property, or its alias
        ``sky_projection``.
        """
        return None

    @abstractmethod
    def copy(self) -> Self:
        """Deep-copy the pixels, and copy the metadata.

        Returns
        -------
        copy
            New image that shares immutable attributes: the projection, the
            observation information and the schema of a mask.
        """

    # Overridden by types that do not override indexing.

    def _view(self, bbox: Box) -> Self:
        """Return an image that shares the pixels of a box.

        Parameters
        ----------
        bbox
            The pixels; raise `BoxIndexError` when they are not within
            ``self.bbox``.
        """
        raise TypeError(f"{type(self).__name__} does not have subimages.")

    def _assign(self, bbox: Box, other: Any) -> None:
        """Set the pixels of a box in place.

        Parameters
        ----------
        bbox
            The pixels; within ``self.bbox``.
        other
            An image of the same kind.
        """
        raise TypeError(f"The pixels of {type(self).__name__} cannot be set by a box.")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "sky_projection" in vars(cls) and "projection" not in vars(cls):
            # The type was written for newer names.
            cls.projection = alias_property("sky_projection")  # type: ignore[method-assign]  # a property

    # Coordinates.

    @property
    def start(self) -> YX[int]:
        """Absolute coordinates of the first pixel (`YX`)."""
        return self.bbox.start

    yx0 = alias_property("start")
    sky_projection = alias_property("projection")

    @property
    def astropy_wcs(self) -> ProjectionAstropyView | None:
        """An Astropy WCS for this image's pixel array.

        Notes
        -----
        As expected for Astropy WCS objects, the first row and column of the
        array are (0, 0), not ``bbox.start`` as they are for `projection`.

        This object satisfies the `astropy.wcs.wcsapi.BaseHighLevelWCS` and
        `astropy.wcs.wcsapi.BaseLowLevelWCS` interfaces, but it is not an
        `astropy.wcs.WCS` (use `fits_wcs` for that).
        """
        return None if self.projection is None else self.projection.as_astropy(self.bbox)

    @property
    def fits_wcs(self) -> astropy.wcs.WCS | None:
        """An Astropy FITS WCS for this image's pixel array.

        Notes
        -----
        As expected for Astropy WCS objects, the first row and column of the
        array are (0, 0), not ``bbox.start`` as they are for `projection`.

        This may be an approximation or absent if `projection` is not
        naturally representable as a FITS WCS.  The object is cached; copy it
        before modifying it.
        """
        if self._fits_wcs is None:
            projection = self.projection
            self._fits_wcs = (
                None if projection is None else projection.as_fits_wcs(self.bbox, allow_approximation=True),
            )
        return self._fits_wcs[0]

    def bbox_from_sky_circle(
        self,
        center: astropy.coordinates.SkyCoord,
        radius: astropy.coordinates.Angle,
        clip: bool = False,  # may be passed by position
    ) -> Box:
        """Return the box of the pixels that overlap a circle on the sky.

        Parameters
        ----------
        center
            Centre of the circle, a scalar in any frame.
        radius
            Angular radius of the circle, a scalar.
        clip
            Whether to clip the box to the image.  By default, a box that
            extends beyond the image raises an error.

        Returns
        -------
        bbox
            Box in absolute pixels that lies within the image.

        Raises
        ------
        NotContainedError
            If the circle extends beyond the image, or with ``clip`` if it lies
            completely outside.
        GeometryError
            If the image has no projection, or if ``center`` or ``radius`` is
            not a scalar.
        """
        if self.projection is None:
            raise GeometryError(
                f"{self} has no sky projection, which mapping a sky circle to pixels requires."
            )
        result = Box.from_sky_circle(self.projection, center, radius)
        if self.bbox.contains(result):
            return result
        if not clip:
            raise NotContainedError(
                f"The sky circle covers the pixels {result}, which extend beyond the image {self.bbox}; "
                "pass clip=True to clip them."
            )
        try:
            return self.bbox.intersection(result)
        except NoOverlapError as err:
            raise NotContainedError(
                f"The sky circle covers the pixels {result}, which do not overlap the image {self.bbox}."
            ) from err

    @property
    def sky_corners(self) -> astropy.coordinates.SkyCoord:
        """Positions of the four outer corners of the image, counterclockwise in pixels from
        the lower left (`~astropy.coordinates.SkyCoord`).

        Raises
        ------
        GeometryError
            If the image has no sky projection.
        """
        x, y = self.bbox.x, self.bbox.y
        left, right, bottom, top = x.min - 0.5, x.max + 0.5, y.min - 0.5, y.max + 0.5
        return self._require_projection("its sky corners").pixel_to_sky(
            x=np.array([left, right, right, left]), y=np.array([bottom, bottom, top, top])
        )

    def contains_sky(self, sky: astropy.coordinates.SkyCoord) -> bool | npt.NDArray[np.bool_]:
        """Return whether positions on the sky lie within the outer edges of the image.

        Parameters
        ----------
        sky
            Positions in any frame.

        Returns
        -------
        is_inside
            A boolean for each position.

        Raises
        ------
        GeometryError
            If the image has no sky projection, or the frame does not convert to
            ICRS.
        TypeError
            If ``sky`` is not a `~astropy.coordinates.SkyCoord`.
        """
        x, y = self._require_projection("positions on the sky").sky_to_pixel(sky)
        is_inside: bool | npt.NDArray[np.bool_] = self.bbox.contains(x=x, y=y)
        return is_inside

    def _require_projection(self, purpose: str) -> Projection[Any]:
        if self.projection is None:
            raise GeometryError(f"{self} has no sky projection, which {purpose} require.")
        return self.projection

    # Subimages.

    @property
    def absolute(self) -> AbsoluteSliceProxy[Self]:
        """A proxy object for slicing a generalized image using absolute pixel
        coordinates.

        Notes
        -----
        In this convention, the first row and column of the pixel grid is
        ``bbox.start``.  A subimage and its parent image share the same
        absolute pixel coordinate system, and most types of this package
        (`Box`, `Projection`, `PointSpreadFunction`) operate exclusively in
        this system.

        Note that `astropy.wcs` and `numpy.ndarray` are not aware of the
        offset that defines this coordinate system; use `local` for indices
        obtained from those.
        """
        return AbsoluteSliceProxy(self)

    @property
    def local(self) -> LocalSliceProxy[Self]:
        """A proxy object for slicing a generalized image using "local" or
        "array" pixel coordinates.

        Notes
        -----
        In this convention, the first row and column of the pixel grid is
        always at (0, 0), as for `numpy` and `astropy.wcs`.  The local
        coordinates of a subimage are offset from those of its parent.

        Most types of this package (`Box`, `Projection`,
        `PointSpreadFunction`) operate in `absolute` coordinates instead.
        """
        return LocalSliceProxy(self)

    def __getitem__(self, bbox: Box | EllipsisType) -> Self:
        if bbox is ...:
            return self._with_attachments_of(self._view(self.bbox), whole=True)
        return self._with_attachments_of(self._view(self._check_key(bbox)), whole=False)

    def __setitem__(self, bbox: Box | EllipsisType, value: Any) -> None:
        if bbox is ...:
            self._assign(self.bbox, value)
        else:
            key = self._check_key(bbox)
            key.slice_within(self.bbox)
            self._assign(key, value)

    def _check_key(self, key: Any) -> Box:
        if isinstance(key, Box):
            return key
        if isinstance(key, tuple) and len(key) == 2 and hasattr(key[0], "transform_to"):
            if self.projection is None:
                raise GeometryError(
                    f"A circle on the sky requires a sky projection, but this {type(self).__name__} does not "
                    "have one; index it with a Box."
                )
            return Box.from_sky_circle(self.projection, *key)
        if isinstance(key, str):
            problem = self._explain_name(key)
        else:
            problem = (
                f"Invalid index {short_repr(key)} of {type(self).__name__}; expected a Box, a circle on the "
                "sky (center, radius) or '...'."
            )
        raise TypeError(
            f"{problem} For slices use .local[y, x] (relative to the first pixel) or .absolute[y, x]."
        )

    def _explain_name(self, name: str) -> str:
        """Return the error message for a string as index."""
        problem = f"Invalid index {short_repr(name)} of {type(self).__name__}: images are indexed by a Box."
        if name.isidentifier() and not name.startswith("_") and hasattr(type(self), name):
            return f"{problem} Use the attribute .{name}."
        if name in self.metadata:
            return f"{problem} Use .metadata[{short_repr(name)}]."
        names = [other for other in dir(type(self)) if not other.startswith("_")]
        return f"{problem} Components are attributes.{did_you_mean(name, names)}"

    # Protocol of types that implement indexing and copies themselves; released packages use these names.

    def _handle_getitem_args(self, bbox: Box | EllipsisType) -> tuple[Box, YX[slice]]:
        """Return the box that an index means, and its slices within `bbox`.

        Parameters
        ----------
        bbox
            The index.

        Raises
        ------
        TypeError
            If it is not a box.
        BoxIndexError
            If the box is not within the image.
        """
        box = self.bbox if bbox is ... else self._check_key(bbox)
        return box, box.slice_within(self.bbox)

    def _transfer_metadata(self, new: T, copy: bool = False, bbox: Box | None = None) -> T:
        """Pass metadata, Butler information and passthrough metadata on to another image.

        Parameters
        ----------
        new
            The image to change.
        copy
            Whether to copy the metadata deeply; by default they are shared.
        bbox
            Box of the new image, if it is a part of this one.

        Returns
        -------
        new
            The argument.
        """
        new._metadata = deepcopy(self._metadata) if copy else self._metadata
        attach_from(new, self, whole=not copy and bbox in (None, self.bbox))
        return new

    def _finish_deserialize(self, model: ArchiveTree) -> Self:
        """Take metadata and Butler information over from a tree.

        Parameters
        ----------
        model
            The tree that this image was made from.

        Returns
        -------
        image
            This image.
        """
        self._metadata = native_metadata(model.metadata)
        attach(self, butler_info=model.butler_info)
        return self

    @property
    def _opaque_metadata(self) -> PassthroughMetadata | None:
        """File content that the container preserves when the image is rewritten."""
        return self._attachments.passthrough

    @_opaque_metadata.setter
    def _opaque_metadata(self, value: PassthroughMetadata | None) -> None:
        attach(self, passthrough=value)

    def _with_attachments_of(self, result: Self, *, whole: bool) -> Self:
        """Pass the attachments (passthrough metadata) on to a view or a copy."""
        attach_from(result, self, whole=whole)
        return result

    def to_hdulist(self) -> HDUList:
        """Convert to plain FITS HDUs, for ds9, Firefly and other viewers.

        Returns
        -------
        hdulist
            See `lsst.images.interop.to_hdulist`.
        """
        from astropy.io.fits import HDUList  # noqa: TID251  # target type of a conversion

        return registry.convert_to(self, HDUList)

    def plot(self, ax: Axes | None = None, **options: Any) -> Axes:
        """Plot the image with matplotlib, in absolute pixels or with sky coordinates.

        Parameters
        ----------
        ax
            Axes to draw on; by default, those of a new figure.
        **options
            ``wcs=True`` for sky coordinates, ``title``, ``downsample``, and
            those of the function for the type of the image:
            `~lsst.images.display.plot_image` (stretch, limits, colours),
            `~lsst.images.display.plot_masked_image` (also mask planes),
            `~lsst.images.display.plot_mask` or
            `~lsst.images.display.plot_color_image`.

        Returns
        -------
        ax
            The axes.

        Raises
        ------
        MissingOptionalDependencyError
            If matplotlib is not installed.
        GeometryError
            If sky coordinates are requested and the image has no sky
            projection.
        """
        return registry.convert_to(self, axes_type(), ax=ax, **options)

    def __dask_tokenize__(self) -> Any:
        return token(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_fits_wcs": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)

    def __copy__(self) -> Self:
        return self[...]

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self.copy()

    # Attachments.

    @property
    def metadata(self) -> MetadataView:
        """Arbitrary values by name, and the header cards of the file
        (`MetadataView`, a `dict`).

        Notes
        -----
        ``metadata.native`` has the values that are written as metadata.
        ``metadata.external`` has the header cards that came with a FITS or NDF
        file; they cannot be changed.  ``metadata[name]`` finds both.

        Metadata is shared with subimages and other views.  Assigning a mapping
        copies its values (of the metadata of an image, the native ones), and
        so disconnects the image from the others::

            image.metadata = image.metadata
        """
        return MetadataView(self._metadata, self._attachments.external_metadata)

    @metadata.setter
    def metadata(self, value: Mapping[str, Any]) -> None:
        self._metadata = native_metadata(value, copy=True)
