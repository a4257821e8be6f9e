# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of fields from and to bounded fields, calibrations and backgrounds of `lsst.afw`."""

from __future__ import annotations

__all__ = (
    "corrections_from",
    "corrections_to",
    "field_from",
    "field_to",
    "function_from",
    "instrumental_unit_of",
    "photo_calib_from",
    "unscaled_to",
)

import os
import tempfile
import warnings
from collections.abc import Mapping
from typing import Any

import astropy.units as u
import numpy as np

from .._geom import Bounds, Box, Polygon
from .._transforms import Projection
from ..errors import (
    LegacyConversionError,
    LegacyValueError,
    LossyConversionWarning,
    NoOverlapError,
    UnitMismatchError,
    UnsupportedFieldError,
)
from ..fields import (
    ApertureCorrectionMap,
    BaseField,
    ChebyshevField,
    CoaddField,
    CoaddFieldInput,
    ProductField,
    SumField,
)
from ..plugins import Found
from ._convert_background import make_background_field
from ._convert_fields import NOMINAL, make_field
from ._convert_wcs import PIXEL_FRAME
from ._live_geom import box_to, polygon_to
from ._live_kept import keep_live, kept_live
from ._live_modules import is_kind, message_of, stack_module
from ._live_wcs import projection_from, projection_to
from .afw_archive import LegacyArchive, open_legacy_fits
from .afw_archive._functions import triangular
from .afw_archive._image_files import LegacyBackground

AKIMA_SPLINE = 5
"""Value of the interpolation style."""

UNKNOWN = -1
CHEBYSHEV = 0
"""Values of the approximation styles."""

_SAMPLES = 11


def field_from(
    legacy: Any,
    pytype: type,
    *,
    bounds: Bounds | None = None,
    unit: u.UnitBase | None = None,
    instrumental_unit: u.UnitBase | None = None,
) -> Any:
    """Convert a bounded field, function, background or calibration.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        Requested field type.
    bounds
        Where the field is defined.
    unit
        Unit of the values.
    instrumental_unit
        Unit of the pixels that a calibration applies to.

    Returns
    -------
    field
        The field; for a calibration, a `Found`, which may hold `None`.
    """
    if instrumental_unit is not None:
        return Found(photo_calib_from(legacy, bounds, instrumental_unit))
    field = _any_field_from(legacy, bounds, unit)
    if not isinstance(field, pytype):
        raise LegacyConversionError(
            f"A {type(legacy).__name__} is converted to a {type(field).__name__}, not to a {pytype.__name__}."
        )
    return field


def _any_field_from(legacy: Any, bounds: Bounds | None, unit: u.UnitBase | None) -> BaseField:
    if hasattr(legacy, "getCoefficients"):
        box = Box.from_legacy(legacy.getBBox())
        if bounds is not None and bounds.bbox != box:
            raise LegacyValueError(
                f"The bounding box of the bounds must be that of the Chebyshev field, {box}; {bounds} have "
                f"{bounds.bbox}."
            )
        return ChebyshevField(bounds or box, np.array(legacy.getCoefficients(), dtype=np.float64), unit=unit)
    if hasattr(legacy, "getFactors"):
        factors = [_any_field_from(factor, bounds, None) for factor in legacy.getFactors()]
        if unit is not None:
            factors[0] = factors[0] * unit
        return ProductField(factors)
    if hasattr(legacy, "getXYRange"):
        return function_from(legacy, bounds, unit=unit)
    if is_kind(legacy, "BackgroundList") or isinstance(legacy, list):
        return SumField([_background_from(entry, bounds, unit) for entry in legacy])
    if hasattr(legacy, "getStatsImage") or isinstance(legacy, tuple):
        return _background_from(legacy, bounds, unit)
    if is_kind(legacy, "CoaddBoundedField") and hasattr(legacy, "getElements"):
        return _coadd_field_from(legacy, unit)
    if (found := _field_through_file(legacy, unit)) is not None:
        return found
    raise UnsupportedFieldError(f"A {type(legacy).__name__} cannot be converted to a field.")


def _coadd_field_from(legacy: Any, unit: u.UnitBase | None) -> CoaddField:
    """Convert the field of a coadd, and the fields of the images that it consists of."""
    inputs = []
    for element in legacy.getElements():
        used: Bounds = Box.from_legacy(element.field.getBBox())
        if element.validPolygon is not None:
            try:
                used = used.intersection(Polygon.from_legacy(element.validPolygon))
            except NoOverlapError:
                # The image does not contribute anywhere.
                continue
        values = _any_field_from(element.field, None, unit)
        wcs: Projection[Any] = projection_from(element.wcs, Projection, pixel_frame=PIXEL_FRAME)
        inputs.append(CoaddFieldInput(values, wcs, used, float(element.weight)))
    projection: Projection[Any] = projection_from(legacy.getCoaddWcs(), Projection, pixel_frame=PIXEL_FRAME)
    box = Box.from_legacy(legacy.getBBox())
    return CoaddField(inputs, projection, box, default=float(legacy.getDefault()), unit=unit)


def _field_through_file(legacy: Any, unit: u.UnitBase | None) -> BaseField | None:
    """Convert a field through the file that afw writes for it, which has more than its methods provide.

    Returns
    -------
    field
        `None` if afw cannot write the field, or its type is unknown.
    """
    if not (hasattr(legacy, "writeFits") and hasattr(legacy, "getBBox")):
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "field.fits")
        try:
            legacy.writeFits(path)
            with open_legacy_fits(path) as file:
                archive = LegacyArchive.find(file)
                if archive is None:
                    return None
                return make_field(archive.root(), Box.from_legacy(legacy.getBBox()), unit=unit)
        except Exception:
            # If a field cannot be written, afw raises exceptions that derive from Exception only.
            return None


def function_from(
    legacy: Any, bounds: Bounds | None = None, *, unit: u.UnitBase | None = None
) -> ChebyshevField:
    """Convert a function of two variables.

    Parameters
    ----------
    legacy
        The afw object.
    bounds
        Where the field is defined.
    unit
        Unit of the values.
    """
    square = triangular(np.array(legacy.getParameters(), dtype=np.float64))
    if not hasattr(legacy, "getXYRange"):
        return ChebyshevField.from_power_series(NOMINAL if bounds is None else bounds, square, unit=unit)
    area = legacy.getXYRange()
    low = (area.getMinY(), area.getMinX())
    high = (area.getMaxY(), area.getMaxX())
    if any((edge + 0.5) % 1.0 for edge in (*low, *high)):
        raise LegacyValueError(
            f"The range of the function is {low} to {high}; its ends must be half-integers (edges of pixels)."
        )
    shape = [round(b - a) for a, b in zip(low, high, strict=True)]
    box = Box.from_shape(shape, start=[round(a + 0.5) for a in low])
    if bounds is not None and bounds.bbox != box:
        raise LegacyValueError(
            f"The bounding box of the bounds must be the range of the function, {box}; {bounds} have "
            f"{bounds.bbox}."
        )
    return ChebyshevField(box if bounds is None else bounds, square, unit=unit)


def _background_from(entry: Any, bounds: Bounds | None, unit: u.UnitBase | None) -> BaseField:
    """Convert a background, given alone or as a tuple with its styles."""
    background, *styles = entry if isinstance(entry, tuple | list) else (entry,)
    box = Box.from_legacy(background.getImageBBox())
    stats = background.getStatsImage()
    interpolation = _number(styles[0]) if styles else _number(background.getAsUsedInterpStyle())
    approximation = _number(styles[2]) if len(styles) > 2 else UNKNOWN
    if approximation != CHEBYSHEV and interpolation != AKIMA_SPLINE:
        raise LegacyConversionError(
            f"A background with interpolation style {interpolation} cannot be converted to a field; "
            f"supported are Akima splines ({AKIMA_SPLINE}) and Chebyshev approximations."
        )
    record = LegacyBackground(
        bbox=box,
        image=np.array(stats.image.array),
        mask=np.array(stats.mask.array),
        variance=np.array(stats.variance.array),
        interpolation="AKIMA_SPLINE" if interpolation == AKIMA_SPLINE else "UNKNOWN",
        undersampling="THROW_EXCEPTION",
        approximation="CHEBYSHEV" if approximation == CHEBYSHEV else "UNKNOWN",
        order=_orders(styles),
        weighting=bool(styles[5]) if len(styles) > 5 else False,
    )
    return make_background_field(record, bounds, unit)


def _orders(styles: list[Any]) -> Any:
    from_list = styles[3:5] if len(styles) > 4 else (0, 0)
    return Box.from_shape((1, 1), start=(int(from_list[1]), int(from_list[0]))).start.xy


def _number(style: Any) -> int:
    return int(getattr(style, "value", style))


def photo_calib_from(
    legacy: Any, bounds: Bounds | None, instrumental_unit: u.UnitBase, *, is_calibrated: bool = True
) -> BaseField | None:
    """Convert a ``PhotoCalib`` to a photometric scaling.

    Parameters
    ----------
    legacy
        The afw object.
    bounds
        Where a constant scaling is defined.
    instrumental_unit
        Unit of the pixels that it applies to.
    is_calibrated
        Whether a constant scaling of 1 means that the pixels are calibrated.

    Returns
    -------
    scaling
        Factor to nJy, in nJy per instrumental unit; `None` if the pixels are
        calibrated.
    """
    if not hasattr(legacy, "getCalibrationMean"):
        raise LegacyConversionError(f"A {type(legacy).__name__} is not a PhotoCalib of lsst.afw.")
    unit = u.nJy / instrumental_unit
    mean = float(legacy.getCalibrationMean())
    if legacy._isConstant:
        if mean == 1.0 and is_calibrated:
            return None
        return ChebyshevField(NOMINAL if bounds is None else bounds, [[mean]], unit=unit)
    # afw gives access to the field only relative to the mean.
    return _any_field_from(legacy.computeScaledCalibration(), None, unit) * mean


def instrumental_unit_of(scaling: BaseField) -> u.UnitBase:
    """Return the unit of the pixels that a photometric scaling converts to nJy.

    Parameters
    ----------
    scaling
        The scaling.
    """
    unit = (u.nJy / (u.dimensionless_unscaled if scaling.unit is None else scaling.unit)).decompose()
    return u.CompositeUnit(1.0, unit.bases, unit.powers)


def field_to(obj: BaseField, *, form: str | None = None, image_unit: u.UnitBase | None = None) -> Any:
    """Convert to a bounded field, function or calibration.

    Parameters
    ----------
    obj
        The field.
    form
        ``PhotoCalib``, ``Function2``, or by default a bounded field.
    image_unit
        Unit of the image that a calibration belongs to.
    """
    if form == "PhotoCalib":
        assert image_unit is not None, "always given with this form"
        return _calibration_to(obj, image_unit)
    if form == "Function2":
        return _function_to(obj)
    math = stack_module("afw.math")
    if isinstance(obj, ChebyshevField):
        # afw shares the memory of the array, so this must be a copy.
        return math.ChebyshevBoundedField(
            box_to(obj.bounds.bbox), np.array(obj.coefficients, dtype=np.float64, order="C")
        )
    if isinstance(obj, ProductField):
        return math.ProductBoundedField([field_to(operand) for operand in obj.operands])
    if isinstance(obj, CoaddField):
        return _coadd_field_to(obj)
    raise UnsupportedFieldError(f"A {type(obj).__name__} cannot be converted to a bounded field of lsst.afw.")


def _coadd_field_to(obj: CoaddField) -> Any:
    algorithms = stack_module("meas.algorithms")
    elements = []
    for item in obj.inputs:
        polygon = None
        if isinstance(item.bounds, Polygon):
            polygon = polygon_to(item.bounds)
        elif isinstance(item.bounds, Box) and item.bounds != item.field.bounds.bbox:
            polygon = polygon_to(Polygon.from_box(item.bounds))
        elif not isinstance(item.bounds, Box):
            raise UnsupportedFieldError(f"lsst.afw does not have an equivalent of the bounds {item.bounds}.")
        elements.append(
            algorithms.CoaddBoundedFieldElement(
                field_to(item.field), projection_to(item.projection), polygon, float(item.weight)
            )
        )
    return algorithms.CoaddBoundedField(
        box_to(obj.bounds.bbox), projection_to(obj.projection), elements, float(obj.default)
    )


def _function_to(obj: BaseField) -> Any:
    if not isinstance(obj, ChebyshevField):
        raise UnsupportedFieldError(f"A {type(obj).__name__} cannot be converted to a function of lsst.afw.")
    size = max(obj.coefficients.shape)
    square = np.zeros((size, size))
    square[: obj.coefficients.shape[0], : obj.coefficients.shape[1]] = obj.coefficients
    parameters = [float(square[j, order - j]) for order in range(size) for j in range(order + 1)]
    if np.count_nonzero(square) != np.count_nonzero(parameters):
        # A function has all terms up to an order; a field may have other terms.
        parameters = [
            float(square[j, order - j]) if j < size and order - j < size else 0.0
            for order in range(2 * size - 1)
            for j in range(order + 1)
        ]
    area = stack_module("geom").Box2D(box_to(obj.bounds.bbox))
    return stack_module("afw.math").Chebyshev1Function2D(parameters, area)


def _calibration_to(obj: BaseField, image_unit: u.UnitBase) -> Any:
    if image_unit.is_equivalent(u.nJy):
        # The pixels are already calibrated.
        return unscaled_to(image_unit=image_unit)
    unit = u.dimensionless_unscaled if obj.unit is None else obj.unit
    if not (image_unit * unit).is_equivalent(u.nJy):
        raise UnitMismatchError(f"Pixels in {image_unit} times a scaling in {unit} do not have the unit nJy.")
    factor = float((image_unit * unit).to(u.nJy))
    box = obj.bounds.bbox
    calibration = stack_module("afw.image").PhotoCalib
    if obj.is_constant:
        return calibration(factor * float(np.asarray(obj(x=box.x.center, y=box.y.center))))
    y, x = (np.linspace(side.min, side.max, _SAMPLES) for side in (box.y, box.x))
    mean = factor * float(np.mean(np.asarray(obj(x=x[np.newaxis, :], y=y[:, np.newaxis]))))
    return calibration(mean, 0.0, field_to(obj * factor), False)


def unscaled_to(*, form: str = "PhotoCalib", image_unit: u.UnitBase) -> Any:
    """Create the calibration of an image without a scaling.

    Parameters
    ----------
    form
        ``PhotoCalib``.
    image_unit
        Unit of the image, which must convert to nJy.
    """
    if not image_unit.is_equivalent(u.nJy):
        raise UnitMismatchError(
            f"Pixels in {image_unit} cannot be converted to nJy without a photometric scaling."
        )
    return stack_module("afw.image").PhotoCalib(float(image_unit.to(u.nJy)))


def corrections_from(
    legacy: Any, pytype: type, *, form: str = "ApertureCorrectionMap"
) -> ApertureCorrectionMap:
    """Convert an ``ApCorrMap``.

    Parameters
    ----------
    legacy
        The afw object.
    pytype
        `dict`.
    form
        ``ApertureCorrectionMap``.
    """
    result: ApertureCorrectionMap = {}
    for name, field in legacy.items():
        try:
            converted = _any_field_from(field, None, None)
        except Exception as err:
            _warn_about_correction(str(name), err)
            continue
        keep_live(converted, field)
        result[str(name)] = converted
    return result


def _warn_about_correction(name: str, err: Exception) -> None:
    warnings.warn(
        f"The aperture correction {name!r} cannot be converted; it is left out: {message_of(err)}",
        LossyConversionWarning,
        stacklevel=5,
    )


def corrections_to(obj: Mapping[str, BaseField], *, form: str = "ApCorrMap") -> Any:
    """Convert to an ``ApCorrMap``.

    Parameters
    ----------
    obj
        Fields by name; those that cannot be converted are left out with a
        `LossyConversionWarning`.
    form
        ``ApCorrMap``.
    """
    result = stack_module("afw.image").ApCorrMap()
    for name, field in obj.items():
        try:
            live = kept_live(field)
            result[name] = field_to(field) if live is None else live
        except Exception as err:
            _warn_about_correction(name, err)
    return result
