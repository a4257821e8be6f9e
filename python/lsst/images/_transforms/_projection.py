# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sky projections: mappings from pixels to ICRS."""

from __future__ import annotations

__all__ = ("Projection",)

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import astropy.units as u
import numpy as np

from .._aliases import accepts_aliases, moved_names
from .._content_token import token
from .._geom import XY, YX, Bounds, Box, parse_positions
from ..describe import DescribeOptions, Report, describe
from ..errors import ArchiveReadError, GeometryError
from ..io import Serializable
from ..plugins import registry
from ..utils import short_repr
from ._ast import AstMapping, starlink_ast
from ._fits_approximation import FitsWcsAccuracy, fit_tan_sip, measure_fits_wcs
from ._frames import ICRS, Frame, SkyFrame
from ._sky_circle import circle_bounds
from ._sphere import icrs_radians, unit_vectors, y_axis_angle
from ._summary import describe_projection
from ._transform import Transform

if TYPE_CHECKING:
    from astropy.coordinates import SkyCoord

    from ._astropy_view import ProjectionAstropyView

F = TypeVar("F", bound=Frame)


class Projection(Serializable, Generic[F]):
    """An immutable mapping from pixels to the sky.

    Parameters
    ----------
    pixel_to_sky
        Transform from absolute pixels to `ICRS`.
    fits_approximation
        Approximation of ``pixel_to_sky`` that FITS headers can represent: a
        transform or a projection from the same pixels.  Without it, FITS
        headers are written only if they can represent ``pixel_to_sky`` itself.

    Raises
    ------
    GeometryError
        If one of the transforms does not map from pixels to ICRS, or their
        input frames differ.

    Notes
    -----
    Pixel coordinates are absolute: an image and all of its subimages share
    them, and the centers of pixels are at integers.
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
                f"{short_repr(pixel_to_sky)} is not a mapping from pixel coordinates; the unit of its input "
                "frame is "
                f"{pixel_to_sky.in_frame.unit}."
            )
        if pixel_to_sky.out_frame != ICRS:
            raise GeometryError(
                f"{short_repr(pixel_to_sky)} is not a mapping to ICRS; its output frame is "
                f"{short_repr(pixel_to_sky.out_frame)}."
            )
        self._pixel_to_sky = pixel_to_sky
        if isinstance(fits_approximation, Transform):
            fits_approximation = Projection(fits_approximation)
        if fits_approximation is not None and fits_approximation.pixel_frame != pixel_to_sky.in_frame:
            raise GeometryError(
                f"The FITS approximation maps from {short_repr(fits_approximation.pixel_frame)}; expected "
                f"{short_repr(pixel_to_sky.in_frame)}, the pixel frame of the projection."
            )
        self._fits_approximation = fits_approximation

    @classmethod
    def _deferred(cls, load: Callable[[], Projection[F]]) -> Projection[F]:
        """Create a projection that is loaded when it is first used."""
        self = cls.__new__(cls)
        self._load = load
        return self

    def __getattr__(self, name: str) -> Any:
        # Called only for missing attributes: load them on first access.
        if name not in ("_pixel_to_sky", "_fits_approximation"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {short_repr(name)}")
        loaded = self._load()
        self._pixel_to_sky, self._fits_approximation = loaded._pixel_to_sky, loaded._fits_approximation
        return self.__dict__[name]

    def __getstate__(self) -> dict[str, Any]:
        try:
            state = {"_pixel_to_sky": self._pixel_to_sky, "_fits_approximation": self._fits_approximation}
        except ArchiveReadError:
            # The error is raised on first use after unpickling, too.
            return dict(self.__dict__)
        return {**{key: value for key, value in self.__dict__.items() if key != "_load"}, **state}

    # Constructors.

    @staticmethod
    def from_fits_wcs(
        fits_wcs: Any, pixel_frame: F, pixel_bounds: Bounds | None = None, x0: int = 0, y0: int = 0
    ) -> Projection[F]:
        """Create a projection from a FITS world coordinate system.

        Parameters
        ----------
        fits_wcs
            An `astropy.wcs.WCS` with two celestial axes in either order, in
            ICRS, FK5 or Galactic coordinates; SIP and TPV distortions are
            supported.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Region in which the projection is valid.  By default, the ``bbox``
            of the frame, if it has one.
        x0, y0
            Absolute coordinates of the first column and row.

        Returns
        -------
        projection
            Projection to ICRS, identical to ``fits_wcs`` up to rounding errors.

        Raises
        ------
        GeometryError
            If the axes are not celestial, their coordinate system is not
            supported, or AST cannot represent the WCS exactly.
        """
        return Projection(
            Transform.from_fits_wcs(fits_wcs, pixel_frame, ICRS, in_bounds=pixel_bounds, x0=x0, y0=y0)
        )

    @staticmethod
    def from_ast_frame_set(
        ast_frame_set: Any, pixel_frame: F, pixel_bounds: Bounds | None = None
    ) -> Projection[F]:
        """Create a projection from an AST frame set.

        Parameters
        ----------
        ast_frame_set
            A `starlink.Ast.FrameSet`, or its native text.  Its base frame
            contains absolute pixels; its current frame is a sky frame in any
            celestial system.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Region in which the projection is valid.  By default, the ``bbox``
            of the frame, if it has one.

        Returns
        -------
        projection
            Projection to ICRS, longitude first; preserves the frames.

        Raises
        ------
        GeometryError
            If the current frame is not a sky frame, or AST cannot parse the
            text.
        """
        if isinstance(ast_frame_set, str):
            ast_frame_set = AstMapping.from_text(ast_frame_set).ast_object
        is_frame_set = isinstance(ast_frame_set, starlink_ast.FrameSet)
        if not is_frame_set or not ast_frame_set.getframe(starlink_ast.CURRENT).isaskyframe():
            raise GeometryError(
                f"Expected an AST FrameSet whose current frame is a SkyFrame; got {ast_frame_set!r:.60}."
            )
        frame_set = ast_frame_set.copy()
        # AST adjusts the mapping when these attributes are set.
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
        """Region of the pixels in which the projection is valid."""
        return self._pixel_to_sky.in_bounds

    @property
    def pixel_to_sky_transform(self) -> Transform[F, SkyFrame]:
        """Transform from pixels to right ascension and declination in radians."""
        return self._pixel_to_sky

    @property
    def sky_to_pixel_transform(self) -> Transform[SkyFrame, F]:
        """Transform from right ascension and declination in radians to pixels."""
        return self._pixel_to_sky.inverted()

    @property
    def fits_approximation(self) -> Projection[F] | None:
        """Approximation that FITS headers can represent, or `None`."""
        return self._fits_approximation

    # Mapping points.

    def pixel_to_sky(
        self,
        point: XY[Any] | YX[Any] | None = None,
        /,
        *extra: object,
        x: Any = None,
        y: Any = None,
    ) -> SkyCoord:
        """Map pixels to the sky.

        Parameters
        ----------
        point
            Positions in absolute pixels.
        *extra
            Not accepted; the error message names the correct call.
        x, y
            Positions in absolute pixels, instead of ``point``: numbers, arrays
            or nested lists, which are broadcast.

        Returns
        -------
        sky
            A `~astropy.coordinates.SkyCoord` in ICRS of the broadcast shape;
            NaN where the mapping is undefined.

        Raises
        ------
        TypeError
            If neither ``point`` nor both of ``x`` and ``y`` are given, both
            forms are mixed, or a value is not a real number.
        UnitMismatchError
            If a position has a unit other than pixels.
        GeometryError
            If the shapes cannot be broadcast.
        """
        if extra:
            raise TypeError(
                f"pixel_to_sky got {short_repr((point, *extra))}; it takes x and y by name: "
                "pixel_to_sky(x=x, y=y)."
            )
        x, y = parse_positions(point, x, y, caller="pixel_to_sky")
        ra, dec = self._pixel_to_sky.apply_forward(x=x, y=y)
        ra, dec = np.asarray(ra), np.asarray(dec)
        # A general AST mapping may yield latitudes beyond the poles.
        if dec.size and not (np.abs(dec).max() <= 0.5 * np.pi):
            outside = np.abs(dec) > 0.5 * np.pi
            ra, dec = np.where(outside, np.nan, ra), np.where(outside, np.nan, dec)
        from astropy.coordinates import ICRS as AstropyICRS
        from astropy.coordinates import Latitude, Longitude, SkyCoord, UnitSphericalRepresentation

        # Faster than SkyCoord(ra, dec), whose parsing takes longer than the mapping.
        data = UnitSphericalRepresentation(
            Longitude(ra, u.rad, copy=False), Latitude(dec, u.rad, copy=False), copy=False
        )
        return SkyCoord(AstropyICRS(data, copy=False), copy=False)

    def sky_to_pixel(self, sky: SkyCoord, *extra: object) -> XY[Any]:
        """Map the sky to pixels.

        Parameters
        ----------
        sky
            Positions in any celestial frame that converts to ICRS.
        *extra
            Not accepted; the error message names the correct call.

        Returns
        -------
        point
            Absolute pixels: two `float` for a scalar, otherwise two arrays of
            the same shape.  NaN where the mapping is undefined.

        Raises
        ------
        TypeError
            If ``sky`` is not a `~astropy.coordinates.SkyCoord`.
        GeometryError
            If its frame does not convert to ICRS.
        """
        from astropy.coordinates import SkyCoord

        if extra or not isinstance(sky, SkyCoord):
            raise TypeError(
                f"sky_to_pixel requires one SkyCoord; got {short_repr((sky, *extra))}. For right ascension "
                "and declination in degrees use sky_to_pixel(SkyCoord(ra, dec, unit='deg'))."
            )
        lon, lat = icrs_radians(sky)
        return self._pixel_to_sky.apply_inverse(x=lon, y=lat)

    def pixel_scale(self, point: XY[float] | YX[float] | None = None, /) -> u.Quantity:
        """Return the pixel scale: the square root of the area of a pixel.

        Parameters
        ----------
        point
            Position in absolute pixels; by default, the center of the pixel
            bounds, or the origin if they are not set.

        Returns
        -------
        scale
            Quantity in arcsec.
        """
        point = self._center() if point is None else point
        # Central differences over one pixel.
        x = point.x + np.array([-0.5, 0.5, 0.0, 0.0])
        y = point.y + np.array([0.0, 0.0, -0.5, 0.5])
        vectors = unit_vectors(*self._pixel_to_sky.apply_forward(x=x, y=y))
        area = np.linalg.norm(np.cross(vectors[1] - vectors[0], vectors[3] - vectors[2]))
        return u.Quantity(np.sqrt(area), u.rad).to(u.arcsec)

    def position_angle(self, point: XY[float] | YX[float] | None = None, /) -> u.Quantity:
        """Return the position angle of the y axis of the pixels.

        Parameters
        ----------
        point
            Position in absolute pixels; by default, the center of the pixel
            bounds, or the origin if they are not set.

        Returns
        -------
        angle
            Quantity in degrees from north through east, from 0 to 360.
        """
        point = self._center() if point is None else point
        return u.Quantity(y_axis_angle(self._pixel_to_sky.apply_forward, point.x, point.y), u.deg)

    def sky_circle_bounds(self, center: SkyCoord, radius: Any) -> tuple[float, float, float, float]:
        """Return the extremes of the pixel coordinates of a circle on the sky.

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
            If the center or the radius is not a scalar, the radius is negative,
            or the projection is undefined somewhere on the circle.
        """
        return circle_bounds(self._pixel_to_sky, center, radius)

    def _center(self) -> XY[float]:
        """Return the center of the pixel bounds, or the origin."""
        if self.pixel_bounds is None:
            return XY(0.0, 0.0)
        bbox = self.pixel_bounds.bbox
        return XY(0.5 * (bbox.x.min + bbox.x.max), 0.5 * (bbox.y.min + bbox.y.max))

    # FITS.

    def as_fits_wcs(self, bbox: Box, allow_approximation: bool = False) -> Any:
        """Convert the projection to a FITS world coordinate system.

        Parameters
        ----------
        bbox
            Pixels of an array; the first one is FITS pixel (1, 1).
        allow_approximation
            Whether to use `fits_approximation`, if it is set, for a projection
            that FITS cannot represent.

        Returns
        -------
        fits_wcs
            An `astropy.wcs.WCS`, or `None` if FITS cannot represent the
            projection to within 1e-4 pixels and no approximation is used.
        """
        exact = self._pixel_to_sky.as_fits_wcs(bbox)
        if exact is None and allow_approximation and self._fits_approximation is not None:
            return self._fits_approximation.as_fits_wcs(bbox)
        return exact

    def fits_wcs_error(self, bbox: Box) -> FitsWcsAccuracy | None:
        """Measure the deviation of the FITS WCS of an array from this projection.

        Parameters
        ----------
        bbox
            Pixels of the array.

        Returns
        -------
        accuracy
            Maximum and root-mean-square distance on the sky, over the array,
            from ``as_fits_wcs(bbox, allow_approximation=True)``; `None` if that
            is `None`.
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
            Pixels over which the projection is fitted.
        order
            Degree of the polynomials, 1 to 9.  By default, the lowest degree
            whose maximum deviation is below ``tolerance``, or the best one if
            none is.
        tolerance
            Target maximum deviation in arcsec.

        Returns
        -------
        approximation
            A projection that FITS headers can represent; pass it to
            `with_fits_approximation`.

        Raises
        ------
        GeometryError
            If the order is invalid, or the projection is undefined somewhere
            in the box.
        """
        fits_wcs = fit_tan_sip(self._pixel_to_sky, bbox, order=order, tolerance=tolerance)
        return Projection.from_fits_wcs(
            fits_wcs, self.pixel_frame, self.pixel_bounds, x0=bbox.x.start, y0=bbox.y.start
        )

    def with_fits_approximation(
        self, fits_approximation: Transform[F, SkyFrame] | Projection[F] | None
    ) -> Projection[F]:
        """Return the same projection with another FITS approximation.

        Parameters
        ----------
        fits_approximation
            The approximation, or `None`.

        Returns
        -------
        projection
            New projection that shares the mapping.
        """
        return Projection(self._pixel_to_sky, fits_approximation)

    def as_astropy(self, bbox: Box | None = None) -> ProjectionAstropyView:
        """Return a view with astropy's shared WCS interface.

        Parameters
        ----------
        bbox
            Pixels of an array; the first one is (0, 0) in the view.  By
            default, pixels are absolute.

        Returns
        -------
        view
            An implementation of APE 14.
        """
        view: ProjectionAstropyView = moved_names(__package__)("ProjectionAstropyView")(
            self._pixel_to_sky, bbox
        )
        return view

    # Text, reports and conversions.

    def show(self, simplified: bool = False, comments: bool = False) -> str:
        """Return the mapping as AST native text.

        Parameters
        ----------
        simplified
            Whether AST simplifies the mapping first; this drops the frames of
            an AST frame set.
        comments
            Whether to include AST's explanatory comments.

        Returns
        -------
        text
            Text of many lines.
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
        """Return a human-readable report about the projection.

        Parameters
        ----------
        bbox
            Pixels to describe; by default, the pixel bounds.
        brief, detail, exclude
            See `lsst.images.describe.describe`.

        Returns
        -------
        report
            Center, extent, pixel scale, and whether FITS headers can represent
            the projection.
        """
        if bbox is None:
            return describe(self, brief=brief, detail=detail, exclude=exclude)
        return describe_projection(self, DescribeOptions(brief, detail, frozenset(exclude)), bbox)

    @staticmethod
    @accepts_aliases(sky_wcs="legacy_wcs")
    def from_legacy(sky_wcs: Any, pixel_frame: F, pixel_bounds: Bounds | None = None) -> Projection[F]:
        """Convert a `lsst.afw.geom.SkyWcs`.

        Parameters
        ----------
        sky_wcs
            The legacy object.
        pixel_frame
            Frame of the pixels.
        pixel_bounds
            Region in which the projection is valid.  By default, the ``bbox``
            of the frame, if it has one.

        Returns
        -------
        projection
            Projection with the same frames and FITS approximation.
        """
        return registry.convert_from_legacy(
            sky_wcs, Projection, pixel_frame=pixel_frame, pixel_bounds=pixel_bounds
        )

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
        return token(self)

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: Any) -> Self:
        return self

    def __str__(self) -> str:
        return str(self._pixel_to_sky)

    def __repr__(self) -> str:
        return f"<Projection: {self}>"
