# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs of Piff, which are pickles; they are taken apart, not run."""

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
"""Ways in which GalSim interpolates between pixels."""


@dataclasses.dataclass(frozen=True)
class LegacyPixelGrid:
    """A model that is an image.

    Parameters
    ----------
    scale
        Size of its pixels, in the unit of u and v.
    size
        Number of rows and columns.
    interpolant
        Name of how to get values between pixels: ``Lanczos(11)``, ``Quintic``.
    conserve_dc
        Whether a Lanczos interpolant keeps a constant constant.
    centered
        Whether its centroid was made the origin.
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
    """Parameters of a model as polynomials of the position.

    Parameters
    ----------
    keys
        Names of the variables: ``u`` and ``v``, or ``x`` and ``y``; perhaps
        others.
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
            For each of `keys`, arrays of one shape.

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
    """A star that the PSF was fitted to.

    Parameters
    ----------
    position
        In pixels.
    is_flagged
        Whether the fit rejected it.
    is_reserve
        Whether it was kept out of the fit.
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
        ``SimplePSF`` and the like.
    model
        A `LegacyPixelGrid`, or the record of another model.
    interp
        A `LegacyBasisPolynomial`, or the record of another interpolation.
    pixel_scale
        Of its coordinates u and v: so many units a pixel; `None` if they are
        not simply scaled pixels.
    stars
        Stars that it was fitted to.
    fit
        Numbers about the fit: ``chisq``, ``dof``, ``nremoved``...
    options
        How the fit was configured, as far as plain values go.
    record
        Everything that the pickle says.
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
    """Take a pickled PSF apart.

    Parameters
    ----------
    data
        Pickle of width, height, and a ``piff.PSF``.

    Raises
    ------
    CorruptArchiveError
        If the pickle is damaged, or of something else.
    """
    value = read_pickle(data)
    if not (isinstance(value, tuple) and len(value) == 3 and isinstance(value[2], PickleObject)):
        raise CorruptArchiveError("the pickle is not that of a size and a Piff PSF")
    width, height, psf = to_integer(value[0]), to_integer(value[1]), value[2]
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise CorruptArchiveError(f"a PSF of {width} times {height} pixels")
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
        raise CorruptArchiveError(f"a Piff PSF whose {what} is a {type(value).__name__}")
    return value


def _read_model(value: Any) -> LegacyPixelGrid | PickleObject:
    model = _object(value, "model")
    if not model.is_of("piff", "PixelGrid"):
        return model
    attributes = model.attributes
    interp = attributes.get("interp")
    size = to_integer(attributes.get("size"))
    if not 0 < size <= MAX_SIDE:
        raise CorruptArchiveError(f"a Piff model of {size} rows")
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
        raise CorruptArchiveError(f"a Piff model with the unknown interpolant {interp.class_name!r:.40}")
    if interp.class_name != "Lanczos":
        return interp.class_name
    order = to_integer(interp.attributes.get("_n"))
    if not 0 < order <= MAX_LANCZOS_ORDER:
        raise CorruptArchiveError(f"a Lanczos interpolant of order {order}")
    return f"Lanczos({order})"


def _read_interp(value: Any) -> LegacyBasisPolynomial | PickleObject:
    interp = _object(value, "interpolation")
    if not interp.is_of("piff", "BasisPolynomial"):
        return interp
    attributes = interp.attributes
    keys = attributes.get("_keys")
    if not isinstance(keys, list | tuple) or not all(isinstance(key, str) for key in keys):
        raise CorruptArchiveError("a Piff polynomial without names of its variables")
    orders = tuple(int(n) for n in to_array(attributes.get("_orders")).reshape(-1))
    mask = to_array(attributes.get("_mask")).astype(bool)
    coefficients = to_array(attributes.get("q")).astype(np.float64)
    if mask.shape != tuple(n + 1 for n in orders) or len(keys) != len(orders):
        raise CorruptArchiveError(f"a Piff polynomial of degrees {orders} with a mask of shape {mask.shape}")
    if coefficients.ndim != 2 or coefficients.shape[1] != int(mask.sum()):
        raise CorruptArchiveError(
            f"Piff coefficients of shape {coefficients.shape} for {int(mask.sum())} terms"
        )
    return LegacyBasisPolynomial(tuple(keys), orders, mask, coefficients)


def _read_scale(value: Any) -> float | None:
    chips = list(_as_dict(value).values())
    if len(chips) == 1 and isinstance(chips[0], PickleObject) and chips[0].is_of("galsim", "PixelScale"):
        return to_float(chips[0].attributes.get("_scale"))
    return None


def _read_stars(value: Any) -> tuple[LegacyPiffStar, ...]:
    """Read positions of stars; stars in another form are left out."""
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
