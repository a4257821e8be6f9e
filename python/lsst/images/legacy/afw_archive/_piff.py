# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Piff PSFs, which are pickles that are read without executing them."""

from __future__ import annotations

__all__ = (
    "LegacyBasisPolynomial",
    "LegacyPiffPsf",
    "LegacyPiffStar",
    "LegacyPixelGrid",
    "decode_piff",
)

import dataclasses
from typing import Any

import numpy as np

from ..._geom import XY
from ...errors import CorruptArchiveError
from ...psfs._piff_safety import MAX_LANCZOS_ORDER
from ._entries import LegacyEntry
from ._kernels import MAX_SIDE
from ._pickle import read_pickle
from ._pickle_numpy import to_array, to_flag, to_float, to_integer, to_plain
from ._pickle_records import PickleObject
from ._reader import LegacyArchive
from ._rows import LegacyRows

INTERPOLANTS = ("Delta", "Nearest", "SincInterpolant", "Linear", "Cubic", "Quintic", "Lanczos")
"""Supported GalSim interpolants."""


@dataclasses.dataclass(frozen=True)
class LegacyPixelGrid:
    """A Piff ``PixelGrid`` model.

    Parameters
    ----------
    scale
        Pixel scale, in the unit of u and v.
    size
        Number of rows and columns.
    interpolant
        Interpolant with its order: ``Lanczos(11)``, ``Quintic``.
    conserve_dc
        Whether a Lanczos interpolant preserves constants.
    centered
        Whether the centroid is at the origin.
    fit_flux
        Whether the flux was fitted.
    """

    scale: float
    size: int
    interpolant: str
    conserve_dc: bool
    centered: bool
    fit_flux: bool


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyBasisPolynomial:
    """A Piff ``BasisPolynomial``: parameters of a model as polynomials of the position.

    Parameters
    ----------
    keys
        Names of the variables, for example ``u`` and ``v``, or ``x`` and ``y``.
    orders
        Degree in each variable.
    mask
        Which products of powers are terms; one axis for each variable.
    coefficients
        Shape ``(parameters, terms)``.
    """

    keys: tuple[str, ...]
    orders: tuple[int, ...]
    mask: np.ndarray
    coefficients: np.ndarray

    def evaluate(self, *values: Any) -> np.ndarray:
        """Return the parameters of the model.

        Parameters
        ----------
        *values
            Values of each of `keys`, arrays of equal shapes.

        Returns
        -------
        parameters
            Shape ``(..., parameters)``.
        """
        terms = np.ones((*np.shape(values[0]), *(1 for _ in self.keys)))
        for axis, (value, order) in enumerate(zip(values, self.orders, strict=True)):
            powers = np.asarray(value, dtype=np.float64)[..., np.newaxis] ** np.arange(order + 1)
            shape = [order + 1 if n == axis else 1 for n in range(len(self.keys))]
            terms = terms * powers.reshape(*np.shape(value), *shape)
        return np.asarray(terms[..., self.mask] @ self.coefficients.T)


@dataclasses.dataclass(frozen=True)
class LegacyPiffStar:
    """A star of the PSF fit.

    Parameters
    ----------
    position
        In pixels.
    is_flagged
        Whether the fit rejected it.
    is_reserve
        Whether it was reserved for validation.
    """

    position: XY[float]
    is_flagged: bool
    is_reserve: bool


@dataclasses.dataclass(frozen=True, eq=False)
class LegacyPiffPsf:
    """A PSF of Piff.

    Parameters
    ----------
    shape
        Rows and columns of its images.
    class_name
        ``SimplePSF`` or another class of Piff.
    model
        A `LegacyPixelGrid`, or the record of another model.
    interp
        A `LegacyBasisPolynomial`, or the record of another interpolation.
    pixel_scale
        Units of u and v per pixel; `None` if u and v are not scaled pixels.
    stars
        Stars of the fit.
    fit
        Statistics of the fit: ``chisq``, ``dof``, ``nremoved``...
    options
        Plain values in the configuration of the fit.
    record
        The whole record of the pickled PSF.
    """

    shape: tuple[int, int]
    class_name: str
    model: LegacyPixelGrid | PickleObject
    interp: LegacyBasisPolynomial | PickleObject
    pixel_scale: float | None
    stars: tuple[LegacyPiffStar, ...]
    fit: dict[str, float]
    options: dict[str, Any]
    record: PickleObject


def decode_piff(archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]) -> LegacyPiffPsf:
    """Decode a ``PiffPsf``.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    return piff_from_pickle(tables[0].one().blob("bytes"))


def piff_from_pickle(data: bytes) -> LegacyPiffPsf:
    """Decode a pickled PSF.

    Parameters
    ----------
    data
        Pickle of a tuple of width, height, and a ``piff.PSF``.

    Raises
    ------
    CorruptArchiveError
        If the pickle is damaged, or holds something else.
    """
    value = read_pickle(data)
    if not (isinstance(value, tuple) and len(value) == 3 and isinstance(value[2], PickleObject)):
        raise CorruptArchiveError("the pickle does not hold a size and a Piff PSF")
    width, height, psf = to_integer(value[0]), to_integer(value[1]), value[2]
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise CorruptArchiveError(f"a Piff PSF has the invalid size {width} x {height} pixels")
    attributes = psf.attributes
    return LegacyPiffPsf(
        shape=(height, width),
        class_name=psf.class_name,
        model=_read_model(attributes.get("model")),
        interp=_read_interp(attributes.get("interp")),
        pixel_scale=_read_scale(attributes.get("wcs")),
        stars=_read_stars(attributes.get("stars")),
        fit=_numbers(attributes, "chisq", "last_delta_chisq", "dof", "nremoved", "niter"),
        options={
            key: plain
            for key, item in _as_dict(attributes.get("kwargs")).items()
            if isinstance(key, str) and isinstance(plain := to_plain(item), bool | int | float | str)
        },
        record=psf,
    )


def _as_dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _numbers(attributes: dict[str, Any], *names: str) -> dict[str, float]:
    found = {name: to_plain(attributes.get(name)) for name in names}
    return {name: value for name, value in found.items() if isinstance(value, int | float)}


def _object(value: Any, what: str) -> PickleObject:
    if not isinstance(value, PickleObject):
        raise CorruptArchiveError(f"the {what} of a Piff PSF is a {type(value).__name__}")
    return value


def _read_model(value: Any) -> LegacyPixelGrid | PickleObject:
    model = _object(value, "model")
    if not model.is_of("piff", "PixelGrid"):
        return model
    attributes = model.attributes
    interp = attributes.get("interp")
    size = to_integer(attributes.get("size"))
    if not 0 < size <= MAX_SIDE:
        raise CorruptArchiveError(f"a Piff model has the invalid size {size}")
    return LegacyPixelGrid(
        scale=to_float(attributes.get("scale")),
        size=size,
        interpolant=_interpolant(_object(interp, "interpolant")),
        conserve_dc=to_flag(_object(interp, "interpolant").attributes.get("_conserve_dc", True)),
        centered=to_flag(attributes.get("_centered", True)),
        fit_flux=to_flag(attributes.get("_fit_flux", False)),
    )


def _interpolant(interp: PickleObject) -> str:
    if not interp.is_of("galsim", *INTERPOLANTS):
        raise CorruptArchiveError(
            f"a Piff model has the interpolant {interp.class_name!r:.40}, which is not supported"
        )
    if interp.class_name != "Lanczos":
        return interp.class_name
    order = to_integer(interp.attributes.get("_n"))
    if not 0 < order <= MAX_LANCZOS_ORDER:
        raise CorruptArchiveError(f"a Lanczos interpolant has the invalid order {order}")
    return f"Lanczos({order})"


def _read_interp(value: Any) -> LegacyBasisPolynomial | PickleObject:
    interp = _object(value, "interpolation")
    if not interp.is_of("piff", "BasisPolynomial"):
        return interp
    attributes = interp.attributes
    keys = attributes.get("_keys")
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        raise CorruptArchiveError("a Piff polynomial does not have names of its variables")
    orders = tuple(int(n) for n in to_array(attributes.get("_orders")).reshape(-1))
    mask = to_array(attributes.get("_mask")).astype(bool)
    coefficients = to_array(attributes.get("q")).astype(np.float64)
    if mask.shape != tuple(n + 1 for n in orders) or len(keys) != len(orders):
        raise CorruptArchiveError(f"a Piff polynomial of degrees {orders} has a mask of shape {mask.shape}")
    if coefficients.ndim != 2 or coefficients.shape[1] != int(mask.sum()):
        raise CorruptArchiveError(
            f"a Piff polynomial with {int(mask.sum())} terms has coefficients of shape {coefficients.shape}"
        )
    return LegacyBasisPolynomial(tuple(keys), orders, mask, coefficients)


def _read_scale(value: Any) -> float | None:
    chips = list(_as_dict(value).values())
    if len(chips) == 1 and isinstance(chips[0], PickleObject) and chips[0].is_of("galsim", "PixelScale"):
        return to_float(chips[0].attributes.get("_scale"))
    return None


def _read_stars(value: Any) -> tuple[LegacyPiffStar, ...]:
    """Read positions of stars; records of another form are skipped."""
    found = []
    for star in value if isinstance(value, list | tuple) else ():
        data = star.attributes.get("data") if isinstance(star, PickleObject) else None
        if not isinstance(data, PickleObject):
            continue
        attributes = data.attributes
        properties = _as_dict(attributes.get("properties"))
        position = attributes.get("image_pos")
        place = position.attributes if isinstance(position, PickleObject) else properties
        x, y = to_plain(place.get("x")), to_plain(place.get("y"))
        if isinstance(x, int | float) and isinstance(y, int | float):
            flags = [to_flag(properties.get(name)) for name in ("is_flagged", "is_reserve")]
            found.append(LegacyPiffStar(XY(float(x), float(y)), *flags))
    return tuple(found)
