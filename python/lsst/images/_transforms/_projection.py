# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mappings from pixels to the sky."""

from __future__ import annotations

__all__ = ("Projection",)

from collections.abc import Callable, Iterable
from typing import Any, Generic, Self, TypeVar

import astropy.units as u
import numpy as np
from astropy.coordinates import ICRS as AstropyICRS
from astropy.coordinates import Latitude, Longitude, SkyCoord, UnitSphericalRepresentation

from .._geom import XY, YX, Bounds, Box, parse_positions
from ..describe import DescribeOptions, Report, describe
from ..errors import ArchiveReadError, GeometryError
from ..io import Serializable
from ..plugins import registry
from ._ast import AstMapping, starlink_ast
from ._astropy_view import ProjectionAstropyView
from ._fits_approximation import FitsWcsAccuracy, fit_tan_sip, measure_fits_wcs
from ._frames import ICRS, Frame, SkyFrame
from ._sky_circle import circle_bounds
from ._sphere import icrs_radians, unit_vectors
from ._summary import describe_projection
from ._transform import Transform

F = TypeVar("F", bound=Frame)


class Projection(Serializable, Generic[F]):
    """A mapping from pixels to the sky; immutable.

    Parameters
    ----------
    pixel_to_sky
        Maps absolute pixels to `ICRS`.
    fits_approximation
        Maps the same pixels to the sky nearly as well, in a way that FITS
        headers can express: a transform or a projection.  By default there is
        none, and headers can only be written if they express ``pixel_to_sky``
        itself.

    Raises
    ------
    GeometryError
        If one of them does not map from pixels, or not to ICRS, or if they map
        from different frames.

    Notes
    -----
    Pixel coordinates are absolute: an image and all of its subimages share
    them, and the center of a pixel is at integers.
    """

    _pixel_to_sky: Transform[F, SkyFrame]
    _fits_approximation: Projection[F] | None
    _load: Callable[[], Projection[F]]

    def __init__(
        self,
        pixel_to_sky: Transform[F, SkyFrame],
        fits_approximation: Transform[F, SkyFrame] | Projection[F] | None = None,
    ) -> None:
        if pixel_to_sky.in_frame.unit != u.pix:
            raise GeometryError(
                f"{pixel_to_sky!r} is not a mapping from pixel coordinates; its input is in "
                f"{pixel_to_sky.in_frame.unit}."
            )
        if pixel_to_sky.out_frame != ICRS:
            raise GeometryError(
                f"{pixel_to_sky!r} is not a mapping to ICRS; its output is {pixel_to_sky.out_frame!r}."
            )
        self._pixel_to_sky = pixel_to_sky
        if isinstance(fits_approximation, Transform):
            fits_approximation = Projection(fits_approximation)
        if fits_approximation is not None and fits_approximation.pixel_frame != pixel_to_sky.in_frame:
            raise GeometryError(
                f"A FITS approximation maps the same pixels, {pixel_to_sky.in_frame!r}; this one maps "
                f"{fits_approximation.pixel_frame!r}."
            )
        self._fits_approximation = fits_approximation

    @classmethod
    def _deferred(cls, load: Callable[[], Projection[F]]) -> Projection[F]:
        """Make a projection that is loaded when somebody asks for the sky."""
        self = cls.__new__(cls)
        self._load = load
        return self

    def __getattr__(self, name: str) -> Any:
        # Only called for what is not there yet.
        if name not in ("_pixel_to_sky", "_fits_approximation"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        loaded = self._load()
        self._pixel_to_sky, self._fits_approximation = loaded._pixel_to_sky, loaded._fits_approximation
        return self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        try:
            state = {"_pixel_to_sky": self._pixel_to_sky, "_fits_approximation": self._fits_approximation}
        except ArchiveReadError:
            # It complains where it arrives, too.
            return dict(self.__dict__)
        return {**{key: value for key, value in self.__dict__.items() if key != "_load"}, **state}

    # Making projections.

    @staticmethod
    def from_fits_wcs(
        fits_wcs: Any, pixel_frame: F, pixel_bounds: Bounds | None = None, x0: int = 0, y0: int = 0
    ) -> Projection[F]:
        """Make a projection of a FITS world coordinate system.

        Parameters
        ----------
        fits_wcs
            An `astropy.wcs.WCS` with two celestial axes in either order, in
            ICRS, FK5 or Galactic coordinates; SIP and TPV distortions are
            understood.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Where the projection is meant to be used.  By default, the ``bbox``
            of the frame, if it has one.
        x0, y0
            Absolute coordinates of the first column and row.

        Returns
        -------
        projection
            To ICRS; it is the original to rounding errors.

        Raises
        ------
        GeometryError
            If the axes are not celestial, or in other coordinates, or there is
            no exact equivalent.
        """
        return Projection(
            Transform.from_fits_wcs(fits_wcs, pixel_frame, ICRS, in_bounds=pixel_bounds, x0=x0, y0=y0)
        )

    @staticmethod
    def from_ast_frame_set(
        ast_frame_set: Any, pixel_frame: F, pixel_bounds: Bounds | None = None
    ) -> Projection[F]:
        """Make a projection of an AST frame set.

        Parameters
        ----------
        ast_frame_set
            A `starlink.Ast.FrameSet`, or its native text.  Its base frame is
            that of absolute pixels, its current frame a sky frame, in any
            celestial system.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Where the projection is meant to be used.  By default, the ``bbox``
            of the frame, if it has one.

        Returns
        -------
        projection
            To ICRS, longitude first; it keeps the frames.

        Raises
        ------
        GeometryError
            If there is no sky frame, or AST does not understand the text.
        """
        if isinstance(ast_frame_set, str):
            ast_frame_set = AstMapping.from_text(ast_frame_set).ast_object
        is_frame_set = isinstance(ast_frame_set, starlink_ast.FrameSet)
        if not is_frame_set or not ast_frame_set.getframe(starlink_ast.CURRENT).isaskyframe():
            raise GeometryError(
                f"An AST frame set whose current frame is a SkyFrame is needed, not {ast_frame_set!r:.60}."
            )
        frame_set = ast_frame_set.copy()
        # AST changes the mapping along with these attributes.
        if frame_set.System != "ICRS":
            frame_set.System = "ICRS"
        if frame_set.get("LonAxis") != "1":
            frame_set.permaxes([2, 1])
        return Projection(Transform(pixel_frame, ICRS, frame_set, in_bounds=pixel_bounds))

    # Properties.

    @property
    def pixel_frame(self) -> F:
        """Frame of the pixels."""
        return self._pixel_to_sky.in_frame

    @property
    def sky_frame(self) -> SkyFrame:
        """Frame of the sky: `ICRS`."""
        return self._pixel_to_sky.out_frame

    @property
    def pixel_bounds(self) -> Bounds | None:
        """Region of the pixels for which the projection is meant."""
        return self._pixel_to_sky.in_bounds

    @property
    def pixel_to_sky_transform(self) -> Transform[F, SkyFrame]:
        """Maps pixels to right ascension and declination in radians."""
        return self._pixel_to_sky

    @property
    def sky_to_pixel_transform(self) -> Transform[SkyFrame, F]:
        """Maps right ascension and declination in radians to pixels."""
        return self._pixel_to_sky.inverted()

    @property
    def fits_approximation(self) -> Projection[F] | None:
        """A stand-in that FITS headers can express, or `None`."""
        return self._fits_approximation

    # Mapping points.

    def pixel_to_sky(
        self,
        point: XY[Any] | YX[Any] | None = None,
        /,
        *,
        x: Any = None,
        y: Any = None,
    ) -> SkyCoord:
        """Map pixels to the sky.

        Parameters
        ----------
        point
            Positions in absolute pixels.
        x, y
            The same, instead of ``point``: numbers, arrays or nested lists,
            which are broadcast.

        Returns
        -------
        sky
            A `~astropy.coordinates.SkyCoord` in ICRS of the broadcast shape;
            NaN where there is no such position.

        Raises
        ------
        TypeError
            If nothing, both ways, or half a point was given, or something
            that is no real number.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes cannot be broadcast.
        """
        x, y = parse_positions(point, x, y, caller="pixel_to_sky")
        ra, dec = self._pixel_to_sky.apply_forward(x=x, y=y)
        ra, dec = np.asarray(ra), np.asarray(dec)
        # A mapping that is no real projection may leave the sphere.
        if dec.size and not (np.abs(dec).max() <= 0.5 * np.pi):
            outside = np.abs(dec) > 0.5 * np.pi
            ra, dec = np.where(outside, np.nan, ra), np.where(outside, np.nan, dec)
        # SkyCoord's own parsing of numbers costs more than the mapping.
        data = UnitSphericalRepresentation(
            Longitude(ra, u.rad, copy=False), Latitude(dec, u.rad, copy=False), copy=False
        )
        return SkyCoord(AstropyICRS(data, copy=False), copy=False)

    def sky_to_pixel(self, sky: SkyCoord) -> XY[Any]:
        """Map the sky to pixels.

        Parameters
        ----------
        sky
            Positions in any celestial frame that converts to ICRS.

        Returns
        -------
        point
            Absolute pixels: two `float` for a scalar, else two arrays of the
            same shape.  NaN where there is no such pixel.

        Raises
        ------
        TypeError
            If ``sky`` is no `~astropy.coordinates.SkyCoord`.
        GeometryError
            If its frame does not convert to ICRS.
        """
        if not isinstance(sky, SkyCoord):
            raise TypeError(f"A SkyCoord is needed, not {sky!r:.60}.")
        lon, lat = icrs_radians(sky)
        return self._pixel_to_sky.apply_inverse(x=lon, y=lat)

    def pixel_scale(self, point: XY[float] | YX[float] | None = None, /) -> u.Quantity:
        """Measure the side of a square of the area of a pixel.

        Parameters
        ----------
        point
            Where, in absolute pixels; by default, in the middle of the pixel
            bounds, or at the origin if there are none.

        Returns
        -------
        scale
            In arcsec.
        """
        if point is None:
            point = self._center()
        # Central differences over one pixel.
        x = point.x + np.array([-0.5, 0.5, 0.0, 0.0])
        y = point.y + np.array([0.0, 0.0, -0.5, 0.5])
        vectors = unit_vectors(*self._pixel_to_sky.apply_forward(x=x, y=y))
        area = np.linalg.norm(np.cross(vectors[1] - vectors[0], vectors[3] - vectors[2]))
        return u.Quantity(np.sqrt(area), u.rad).to(u.arcsec)

    def sky_circle_bounds(self, center: SkyCoord, radius: Any) -> tuple[float, float, float, float]:
        """Find how far a circle on the sky reaches in pixels.

        Parameters
        ----------
        center
            Center of the circle, a scalar in any celestial frame.
        radius
            Angle from the center to the edge, a scalar `~astropy.units.Quantity`.

        Returns
        -------
        x_min, x_max, y_min, y_max
            Extremes of the absolute pixel coordinates of the circle.

        Raises
        ------
        GeometryError
            If the center or the radius is no scalar, the radius negative, or
            part of the circle lies where the projection is not defined.
        """
        return circle_bounds(self._pixel_to_sky, center, radius)

    def _center(self) -> XY[float]:
        """Return the middle of the pixel bounds, or the origin."""
        if self.pixel_bounds is None:
            return XY(0.0, 0.0)
        bbox = self.pixel_bounds.bbox
        return XY(0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max))

    # FITS.

    def as_fits_wcs(self, bbox: Box, allow_approximation: bool = False) -> Any:
        """Express the projection as a FITS world coordinate system.

        Parameters
        ----------
        bbox
            Pixels of an array, the first of which gets FITS pixel (1, 1).
        allow_approximation
            Whether the `fits_approximation` may stand in, if there is one, for
            a projection that FITS cannot express.

        Returns
        -------
        fits_wcs
            An `astropy.wcs.WCS`, or `None`.  Without approximation it is
            within 1e-4 pixels of the projection.
        """
        exact = self._pixel_to_sky.as_fits_wcs(bbox)
        if exact is None and allow_approximation and self._fits_approximation is not None:
            return self._fits_approximation.as_fits_wcs(bbox)
        return exact

    def fits_wcs_error(self, bbox: Box) -> FitsWcsAccuracy | None:
        """Measure how far the FITS WCS of an array is from this projection.

        Parameters
        ----------
        bbox
            Pixels of the array.

        Returns
        -------
        accuracy
            Largest and root-mean-square distance on the sky, over all of the
            array, from what ``as_fits_wcs(bbox, allow_approximation=True)``
            says; `None` if that is none.
        """
        fits_wcs = self.as_fits_wcs(bbox, allow_approximation=True)
        return None if fits_wcs is None else measure_fits_wcs(self._pixel_to_sky, fits_wcs, bbox)

    def fit_fits_approximation(
        self, bbox: Box, *, order: int | None = None, tolerance: float = 1e-4
    ) -> Projection[F]:
        """Fit a tangent projection with SIP distortions to this one.

        Parameters
        ----------
        bbox
            Pixels for which the fit is meant.
        order
            Degree of the polynomials, 1 to 9.  By default, the lowest one with
            which the largest deviation is below ``tolerance``, else the best.
        tolerance
            Wanted largest deviation in arcsec.

        Returns
        -------
        approximation
            A projection that FITS headers can express; give it to
            `with_fits_approximation`.

        Raises
        ------
        GeometryError
            If the order is none of these, or the projection is not defined
            everywhere in the box.
        """
        fits_wcs = fit_tan_sip(self._pixel_to_sky, bbox, order=order, tolerance=tolerance)
        return Projection.from_fits_wcs(
            fits_wcs, self.pixel_frame, self.pixel_bounds, x0=bbox.x.start, y0=bbox.y.start
        )

    def with_fits_approximation(
        self, fits_approximation: Transform[F, SkyFrame] | Projection[F] | None
    ) -> Projection[F]:
        """Make the same projection with another stand-in for FITS headers.

        Parameters
        ----------
        fits_approximation
            The stand-in, or `None`.

        Returns
        -------
        projection
            Shares the mapping.
        """
        return Projection(self._pixel_to_sky, fits_approximation)

    def as_astropy(self, bbox: Box | None = None) -> ProjectionAstropyView:
        """Make a view for Astropy's interface for world coordinates.

        Parameters
        ----------
        bbox
            Pixels of an array, the first of which is (0, 0) in the view.  By
            default, pixels are absolute.

        Returns
        -------
        view
            An implementation of APE 14.
        """
        return ProjectionAstropyView(self._pixel_to_sky, bbox)

    # Other forms.

    def show(self, simplified: bool = False, comments: bool = False) -> str:
        """Write the mapping in AST's native text.

        Parameters
        ----------
        simplified
            Whether the steps of the mapping are merged first; this loses the
            frames of an AST frame set.
        comments
            Whether the text explains itself.

        Returns
        -------
        text
            Many lines.
        """
        return self._pixel_to_sky.show(simplified, comments)

    def describe(
        self,
        bbox: Box | None = None,
        *,
        brief: bool = False,
        detail: bool = False,
        exclude: Iterable[str] = (),
    ) -> Report:
        """Describe the projection for people.

        Parameters
        ----------
        bbox
            Pixels to describe; by default, those of the pixel bounds.
        brief, detail, exclude
            As for `lsst.images.describe.describe`.

        Returns
        -------
        report
            Where the center is, how far the pixels reach, their scale, and
            whether FITS headers can say it.
        """
        if bbox is None:
            return describe(self, brief=brief, detail=detail, exclude=exclude)
        return describe_projection(self, DescribeOptions(brief, detail, frozenset(exclude)), bbox)

    @staticmethod
    def from_legacy(sky_wcs: Any, pixel_frame: F, pixel_bounds: Bounds | None = None) -> Projection[F]:
        """Convert a `lsst.afw.geom.SkyWcs`.

        Parameters
        ----------
        sky_wcs
            The other object.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Where the projection is meant to be used.  By default, the ``bbox``
            of the frame, if it has one.

        Returns
        -------
        projection
            Keeps the frames, and the FITS approximation.
        """
        result: Projection[F] = registry.convert_from_legacy(
            sky_wcs, Projection, pixel_frame=pixel_frame, pixel_bounds=pixel_bounds
        )
        return result

    def to_legacy(self) -> Any:
        """Convert to a `lsst.afw.geom.SkyWcs`."""
        return registry.convert_to_legacy(self)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Projection):
            return NotImplemented
        return self is other or (
            self._pixel_to_sky == other._pixel_to_sky
            and self._fits_approximation == other._fits_approximation
        )

    __hash__ = None  # type: ignore[assignment]  # transforms are not hashable

    def __dask_tokenize__(self) -> Any:
        return registry.load("lsst.images.interop:token")(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __str__(self) -> str:
        return str(self._pixel_to_sky)

    def __repr__(self) -> str:
        return f"<Projection: {self}>"
