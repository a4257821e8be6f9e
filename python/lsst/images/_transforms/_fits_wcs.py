# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion between FITS world coordinate systems and AST mappings.

Users pass `astropy.wcs.WCS` objects; AST evaluates the mappings.  Every
conversion, in either direction, is compared with the original on a grid of
points, so that an inexact conversion raises an error.

Sources: Greisen & Calabretta 2002 (A&A 395, 1061), Calabretta & Greisen 2002
(A&A 395, 1077); Shupe et al. 2005 (ASP 347, 491) for SIP; the registry of FITS
conventions for TPV.
"""

from __future__ import annotations

__all__ = ("celestial_rotation", "mapping_from_fits_wcs", "mapping_to_fits_wcs")

import re
from typing import TYPE_CHECKING, Any

import astropy.units as u
import numpy as np
import numpy.typing as npt

from .._geom import Box
from ..errors import GeometryError, UnitMismatchError
from ..utils import short_repr
from ._ast import AstMapping, starlink_ast, write_fits_cards
from ._fits_tan import tangent_fits_wcs
from ._frames import Frame, SkyFrame
from ._sphere import ARCSEC, separations, unit_vectors

if TYPE_CHECKING:
    from astropy.wcs import WCS

TOLERANCE = 1e-4
"""Maximum deviation, in pixels, of a conversion that counts as exact."""

_EXACT = 1e-8
"""Maximum deviation, in pixels, of a tangent projection that was fitted to a mapping."""

_EXACT_ROUNDING = 4e-15
"""Rounding error of positions in radians."""

_MAX_ORIGIN = 360.0
"""Maximum offset of the origin of a projection plane, in degrees."""

_AST_ROUNDING = 1.6e-8
"""Angle that AST may neglect, in radians: AST rounds matrix elements to zero
if they are below the square root of the machine precision."""

_WRITE_OPTIONS = f"Encoding=FITS-WCS,CDMatrix=1,FitsDigits=17,FitsAxisOrder=<copy>,FitsTol={TOLERANCE}"

# AST iterates the inverse of a polynomial; it converges in a few steps.
_ITERATED = "IterInverse=1,NiterInverse=30,TolInverse=1e-14"

_PV_CARD = re.compile(r"PV(?P<axis>\d)_(?P<index>\d+) *= *(?P<value>\S+)")
_TPV_CARD = re.compile(r"CTYPE1 *= *'.{5}TPV")


def mapping_from_fits_wcs(fits_wcs: Any, out_frame: Frame, *, x0: int = 0, y0: int = 0) -> AstMapping:
    """Convert a FITS world coordinate system to an AST mapping.

    Parameters
    ----------
    fits_wcs
        An `astropy.wcs.WCS` with two axes.
    out_frame
        A `SkyFrame` for celestial axes, any other frame for linear axes.
    x0, y0
        Absolute coordinates of the first column and row.

    Returns
    -------
    mapping
        Mapping from absolute pixels to ICRS in radians, or to the unit of the
        frame.  For celestial axes it is a frame set with the frames PIXEL,
        GRID, IWC and SKY.

    Raises
    ------
    GeometryError
        If the axes do not match the frame, or cannot be converted exactly.
    UnitMismatchError
        If the unit of a linear axis does not convert to that of the frame.
    TypeError
        If ``fits_wcs`` is not an `astropy.wcs.WCS`.
    """
    wcs = _prepared(fits_wcs)
    celestial = wcs.wcs.lng >= 0 and wcs.wcs.lat >= 0
    if not isinstance(out_frame, SkyFrame):
        return _linear_mapping(wcs, out_frame, x0, y0)
    if not celestial:
        raise GeometryError(
            f"The axes {list(wcs.wcs.ctype)} of the FITS WCS are not celestial; a mapping to ICRS requires "
            "a longitude and a latitude axis."
        )
    rotation = celestial_rotation(wcs)
    mapping = _celestial_mapping(wcs, rotation, x0, y0)
    _check_import(wcs, rotation, mapping, x0, y0)
    return mapping


def celestial_rotation(wcs: WCS) -> npt.NDArray[np.float64] | None:
    """Return the rotation from the celestial frame of a FITS WCS to ICRS.

    Parameters
    ----------
    wcs
        WCS with celestial axes.

    Returns
    -------
    matrix
        Rotation of column vectors, of shape (3, 3); `None` for ICRS.

    Raises
    ------
    GeometryError
        If the frame is unknown, or not related to ICRS by a rotation.
    """
    from astropy.coordinates import FK5, ICRS, CartesianRepresentation, Galactic
    from astropy.wcs.utils import wcs_to_celestial_frame

    unknown = (
        f"Unsupported celestial frame of the axes {list(wcs.wcs.ctype)} with RADESYS={wcs.wcs.radesys!r}; "
        "expected ICRS, FK5 or Galactic coordinates. Fit a WCS in one of these instead."
    )
    # Astropy treats some other frames, ecliptic coordinates for instance, as ICRS.
    if wcs.wcs.lngtyp not in ("RA", "GLON"):
        raise GeometryError(unknown)
    try:
        frame = wcs_to_celestial_frame(wcs)
    except ValueError as err:
        raise GeometryError(unknown) from err
    if isinstance(frame, ICRS):
        return None
    if not isinstance(frame, FK5 | Galactic):
        raise GeometryError(unknown)
    axes = frame.realize_frame(CartesianRepresentation(np.eye(3)))
    return np.asarray(axes.transform_to(ICRS()).cartesian.xyz.value, dtype=np.float64)


def _prepared(fits_wcs: Any) -> WCS:
    """Return a copy that is set up; raise if the WCS is not supported."""
    from astropy.wcs import WCS, WcsError

    if not isinstance(fits_wcs, WCS):
        raise TypeError(f"Expected an astropy.wcs.WCS; got {type(fits_wcs).__name__}.")
    if fits_wcs.naxis != 2:
        raise GeometryError(
            f"Expected a FITS WCS with 2 axes; got {fits_wcs.naxis}. Consider its `celestial` attribute."
        )
    tables = (fits_wcs.cpdis1, fits_wcs.cpdis2, fits_wcs.det2im1, fits_wcs.det2im2)
    if any(table is not None for table in tables) or fits_wcs.wcs.tab:
        raise GeometryError(
            "Cannot convert a FITS WCS with look-up tables; remove the tables or fit a WCS without them."
        )
    wcs = fits_wcs.deepcopy()
    try:
        wcs.wcs.set()
    except (WcsError, ValueError) as err:
        raise GeometryError(f"The FITS WCS is invalid: {err}") from err
    if not np.isfinite(wcs.pixel_scale_matrix).all() or np.linalg.matrix_rank(wcs.pixel_scale_matrix) < 2:
        raise GeometryError(f"The FITS WCS has a singular matrix: {wcs.pixel_scale_matrix.tolist()}.")
    return wcs


# Celestial axes.


def _celestial_mapping(wcs: WCS, rotation: npt.NDArray[np.float64] | None, x0: int, y0: int) -> AstMapping:
    # Not by AST's FITS reader, which rounds tiny values to zero.
    matrix = wcs.pixel_scale_matrix[[wcs.wcs.lng, wcs.wcs.lat]]
    to_plane = starlink_ast.CmpMap(
        starlink_ast.ShiftMap([-float(value) for value in wcs.wcs.crpix]),
        starlink_ast.MatrixMap(matrix),
        True,
    )
    if wcs.sip is not None:
        to_plane = starlink_ast.CmpMap(_sip_mapping(wcs.sip), to_plane, True)
    result = starlink_ast.FrameSet(starlink_ast.Frame(2, "Domain=PIXEL"))
    result.addframe(1, starlink_ast.ShiftMap([1 - x0, 1 - y0]), starlink_ast.Frame(2, "Domain=GRID"))
    result.addframe(2, to_plane, starlink_ast.Frame(2, "Domain=IWC,Unit(1)=deg,Unit(2)=deg"))
    result.addframe(3, _plane_to_sky(wcs, rotation), starlink_ast.SkyFrame("System=ICRS"))
    return AstMapping(result)


def _plane_to_sky(wcs: WCS, rotation: npt.NDArray[np.float64] | None) -> Any:
    """Return the AST mapping from projection plane coordinates, in degrees."""
    code, parameters = _projection_parameters(wcs)
    try:
        kind = getattr(starlink_ast, code)
        options = ",".join(f"{name}={value!r}" for name, value in parameters.items())
        project = starlink_ast.WcsMap(2, kind, 1, 2, options)
    except (AttributeError, starlink_ast.AstError) as err:
        raise GeometryError(
            f"AST does not support the projection {short_repr(code)} of the FITS WCS."
        ) from err
    project.invert()
    to_vector = starlink_ast.SphMap("UnitRadius=1,PolarLong=0")
    to_vector.invert()
    euler = _native_rotation(*np.radians(wcs.wcs.cel.euler[:3]))
    pole = 0.0 if rotation is not None else float(np.radians(wcs.wcs.cel.euler[0]))
    # Non-zero if PV cards, or the old projection GLS, offset the origin.  PV
    # cards that are meant as distortions of TAN yield huge offsets.
    origin = [float(wcs.wcs.cel.prj.x0), float(wcs.wcs.cel.prj.y0)]
    if not max(map(abs, origin)) <= _MAX_ORIGIN:
        raise GeometryError(
            f"The PV cards of the axes {list(wcs.wcs.ctype)} offset the origin by {origin} degrees; the "
            f"maximum is {_MAX_ORIGIN:g}. Use the axis type TPV for a distorted tangent projection."
        )
    steps = [
        starlink_ast.ShiftMap(origin),
        starlink_ast.ZoomMap(2, float(np.radians(1.0))),
        project,
        to_vector,
        starlink_ast.MatrixMap(euler if rotation is None else rotation @ euler),
        starlink_ast.SphMap(f"UnitRadius=1,PolarLong={pole!r}"),
    ]
    return AstMapping.chain(*steps).mapping


def _projection_parameters(wcs: WCS) -> tuple[str, dict[str, float]]:
    """Return the AST code of a projection, and its parameters by name.

    Axis 1 is the longitude.
    """
    header = wcs.wcs.to_header(relax=True)
    header = header.decode() if isinstance(header, bytes) else header
    lines = [header[i : i + 80] for i in range(0, len(header), 80)]
    if not any(map(_TPV_CARD.match, lines)):
        values = wcs.wcs.cel.prj.pv
        # Parameters of projections that take none are ignored, as in wcslib.
        if not wcs.wcs.cel.prj.pvrange:
            return wcs.wcs.cel.prj.code, {}
        used = np.flatnonzero(np.isfinite(values) & (values != 0.0))
        return wcs.wcs.cel.prj.code, {f"PV2_{m}": float(values[m]) for m in used}
    # wcslib represents TPV as TAN with a distortion that only its header contains.
    axes = [wcs.wcs.lng, wcs.wcs.lat]
    matches = filter(None, map(_PV_CARD.match, lines))
    parameters = {f"PV{1 + axes.index(int(m['axis']) - 1)}_{m['index']}": float(m["value"]) for m in matches}
    # The linear terms that a header omits are one.
    return "TPN", {"PV1_1": 1.0, "PV2_1": 1.0, **parameters}


def _native_rotation(pole_lon: float, pole_colat: float, native_lon: float) -> npt.NDArray[np.float64]:
    """Return the rotation from native to celestial coordinates.

    Parameters are Euler angles: celestial longitude and colatitude of the
    native pole, and native longitude of the celestial pole.  These are
    equations (2) of Calabretta & Greisen 2002 as a matrix.
    """
    sin, cos = np.cos(pole_colat), np.sin(pole_colat)
    tilt = np.array([[-sin, 0.0, cos], [0.0, -1.0, 0.0], [cos, 0.0, sin]])
    result: npt.NDArray[np.float64] = _turn(pole_lon) @ tilt @ _turn(-native_lon)
    return result


def _turn(angle: float) -> npt.NDArray[np.float64]:
    """Return the rotation about the z axis, which adds to longitudes."""
    sin, cos = np.sin(angle), np.cos(angle)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def _sip_mapping(sip: Any) -> Any:
    """Return the AST mapping from FITS pixels to undistorted FITS pixels."""
    forward = [*_sip_terms(1, sip.a), *_sip_terms(2, sip.b)]
    inverse = None
    if sip.ap is not None and sip.bp is not None:
        # Kept for FITS headers; AST iterates the inverse instead of using them.
        inverse = np.array([*_sip_terms(1, sip.ap), *_sip_terms(2, sip.bp)])
    polynomial = starlink_ast.PolyMap(np.array(forward), inverse, _ITERATED)
    shift = starlink_ast.ShiftMap([-float(value) for value in sip.crpix])
    back = shift.copy()
    back.invert()
    return AstMapping.chain(shift, polynomial, back).mapping


def _sip_terms(output: int, coefficients: npt.NDArray[np.float64] | None) -> list[tuple[float, ...]]:
    """Return the rows (coefficient, output, power of x, power of y) of a PolyMap."""
    linear = (1.0, output, 1, 0) if output == 1 else (1.0, output, 0, 1)
    if coefficients is None:
        return [linear]
    powers = np.argwhere(coefficients)
    return [linear, *((float(coefficients[p, q]), output, int(p), int(q)) for p, q in powers)]


def _check_import(
    wcs: WCS, rotation: npt.NDArray[np.float64] | None, mapping: AstMapping, x0: int, y0: int
) -> None:
    """Raise if a mapping deviates from the FITS WCS from which it was created."""
    if wcs.pixel_shape is not None:
        columns, rows = (np.linspace(0, size - 1, 3) for size in wcs.pixel_shape)
    else:
        columns, rows = (np.array([-100.0, 0.0, 100.0]) + value - 1 for value in wcs.wcs.crpix)
    x, y = (grid.ravel() for grid in np.meshgrid(columns, rows))
    lon, lat = _evaluate(wcs, x, y)
    if rotation is not None:
        vectors = unit_vectors(lon, lat) @ rotation.T
        lon, lat = np.arctan2(vectors[:, 1], vectors[:, 0]), np.arcsin(np.clip(vectors[:, 2], -1, 1))
    distance = separations(*mapping.apply(x + x0, y + y0), lon, lat)
    # The mapping may be defined where wcslib is not, but not vice versa.
    worst = np.nanmax(np.where(np.isnan(lon), 0.0, np.where(np.isnan(distance), np.inf, distance)))
    if np.isnan(lon).all() or worst > TOLERANCE * _pixel_scale(wcs) + _AST_ROUNDING:
        raise GeometryError(
            f"The FITS WCS with axes {list(wcs.wcs.ctype)} has no exact AST equivalent: the best one "
            f"deviates by {worst / ARCSEC:.3g} arcsec; the maximum is {TOLERANCE:g} pixels."
        )


def _evaluate(wcs: WCS, x: Any, y: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return longitude and latitude in radians at zero-based pixels."""
    with np.errstate(invalid="ignore"):
        world = wcs.all_pix2world(np.stack([x, y], axis=-1), 0)
    return np.radians(world[:, wcs.wcs.lng]), np.radians(world[:, wcs.wcs.lat])


def _pixel_scale(wcs: WCS) -> float:
    """Return the mean side of a pixel at the reference pixel, in radians."""
    return float(np.radians(np.sqrt(np.abs(np.linalg.det(wcs.pixel_scale_matrix)))))


# Linear axes.


def _linear_mapping(wcs: WCS, out_frame: Frame, x0: int, y0: int) -> AstMapping:
    if np.any(wcs.wcs.axis_types) or wcs.sip is not None:
        raise GeometryError(
            f"The axes {list(wcs.wcs.ctype)} of the FITS WCS are not linear, as a mapping to "
            f"{short_repr(out_frame)} "
            "requires; use ICRS as the output frame of celestial axes."
        )
    try:
        factors = np.array(
            [
                1.0 if unit == u.dimensionless_unscaled else unit.to(out_frame.unit)
                for unit in map(u.Unit, wcs.wcs.cunit)
            ]
        )
    except u.UnitConversionError as err:
        raise UnitMismatchError(
            f"The units {list(wcs.wcs.cunit)} of the axes of the FITS WCS do not convert to "
            f"{out_frame.unit}, the unit of the output frame."
        ) from err
    matrix = factors[:, np.newaxis] * wcs.pixel_scale_matrix
    offset = factors * wcs.wcs.crval - matrix @ (wcs.wcs.crpix - 1 + [x0, y0])
    return AstMapping.chain(starlink_ast.MatrixMap(matrix), starlink_ast.ShiftMap(offset.tolist()))


def _linear_fits_wcs(mapping: AstMapping, unit: u.UnitBase, bbox: Box) -> WCS | None:
    from astropy.wcs import WCS

    if not mapping.mapping.simplify().IsLinear:
        return None
    # Widely separated points, to avoid cancellation in their differences.
    distance = 2.0**20
    x = np.array([0.0, distance, 0.0]) + bbox.x.start
    y = np.array([0.0, 0.0, distance]) + bbox.y.start
    points = np.array(mapping.apply(x, y))
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["LINEAR", "LINEAR"]
    wcs.wcs.crpix = [1.0, 1.0]
    wcs.wcs.crval = points[:, 0]
    wcs.wcs.cd = (points[:, 1:] - points[:, :1]) / distance
    try:
        wcs.wcs.cunit = [unit.to_string("fits")] * 2
    except ValueError:
        return None
    wcs.wcs.set()
    return wcs


# Conversion to FITS.


def mapping_to_fits_wcs(mapping: AstMapping, out_frame: Frame, bbox: Box) -> Any:
    """Convert a mapping to a FITS world coordinate system.

    Parameters
    ----------
    mapping
        Mapping from absolute pixels.
    out_frame
        Frame of its output.
    bbox
        Pixels of an array; the first one is FITS pixel (1, 1).

    Returns
    -------
    fits_wcs
        An `astropy.wcs.WCS`, or `None` if FITS cannot represent the mapping to
        within `TOLERANCE`.
    """
    if isinstance(out_frame, SkyFrame):
        wcs = _celestial_fits_wcs(mapping, bbox)
    else:
        wcs = _linear_fits_wcs(mapping, out_frame.unit, bbox)
    if wcs is not None:
        wcs.pixel_shape = (bbox.x.size, bbox.y.size)
    return wcs


def _celestial_fits_wcs(mapping: AstMapping, bbox: Box) -> WCS | None:
    written = _written_by_ast(mapping, bbox)
    if written is not None and _agrees(written, mapping, bbox, _EXACT, _EXACT_ROUNDING):
        return written
    # AST writes nothing, or an approximation, for rotated systems whose axes are parallel to the pixels.
    fitted = tangent_fits_wcs(mapping, bbox)
    if fitted is not None and _agrees(fitted, mapping, bbox, _EXACT, _EXACT_ROUNDING):
        return fitted
    return written


def _written_by_ast(mapping: AstMapping, bbox: Box) -> WCS | None:
    from astropy.wcs import WCS

    frame_set = starlink_ast.FrameSet(starlink_ast.Frame(2, "Domain=GRID"))
    shift = starlink_ast.ShiftMap([bbox.x.start - 1, bbox.y.start - 1])
    pixel_to_sky = starlink_ast.CmpMap(shift, mapping.mapping, True)
    frame_set.addframe(1, pixel_to_sky, starlink_ast.SkyFrame("System=ICRS"))
    cards = write_fits_cards(frame_set, _WRITE_OPTIONS)
    if not cards:
        return None
    wcs = WCS("".join(_standard_cards(cards)).encode("ascii"), fix=False)
    if _agrees(wcs, mapping, bbox):
        return wcs
    # AST rounds a reference point very close to zero to zero, so compute it again.
    crpix = np.array(wcs.wcs.crpix) - 1.0 + [bbox.x.start, bbox.y.start]
    sky = np.degrees(mapping.apply(crpix[:1], crpix[1:]))
    wcs.wcs.crval = sky[:, 0]
    return wcs if np.isfinite(sky).all() and _agrees(wcs, mapping, bbox) else None


def _agrees(
    wcs: WCS, mapping: AstMapping, bbox: Box, tolerance: float = TOLERANCE, rounding: float = 0.0
) -> bool:
    """Return whether a FITS WCS is equivalent to a mapping.

    The tolerance is in pixels; the rounding error of positions, in radians, is added to it.
    """
    x, y = (grid.ravel().astype(np.float64) for grid in bbox.meshgrid(5))
    lon, lat = _evaluate(wcs, x - bbox.x.start, y - bbox.y.start)
    distance = separations(*mapping.apply(x, y), lon, lat)
    # NaN compares as false, which is the wanted result here.
    return bool(np.all(distance <= tolerance * _pixel_scale(wcs) + rounding))


def _standard_cards(cards: list[str]) -> list[str]:
    """Return the cards that AST writes, in the form that other software reads.

    AST writes a distorted tangent projection as TAN with ``QV`` cards, and
    writes dates for coordinate systems that do not depend on an epoch.
    """
    distorted = any(card.startswith("QV") for card in cards)
    result = []
    for card in cards:
        if card.startswith(("MJD-OBS", "DATE-OBS")):
            continue
        if distorted and card.startswith("QV"):
            card = "PV" + card[2:]
        elif distorted and card.startswith("CTYPE"):
            card = card.replace("-TAN", "-TPV")
        result.append(card.ljust(80))
    return result
