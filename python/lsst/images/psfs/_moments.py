# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Second moments of the kernel images of PSFs."""

from __future__ import annotations

__all__ = ("Moments", "PsfMoments", "measure_moments")

import dataclasses
import math

import numpy as np

from .._geom import Box
from ..fields._points import Float64Array

FWHM_PER_SIGMA = 2.0 * math.sqrt(2.0 * math.log(2.0))
"""Full width at half maximum of a Gaussian with a standard deviation of 1."""

MAX_BATCH_SIZE = 2**18
"""Maximum number of pixels that are measured at once."""

MAX_ITERATIONS = 200
"""Maximum number of changes of the weight of adaptive moments."""

TOLERANCE = 1e-8
"""Relative change of adaptive moments at which the iteration ends."""


@dataclasses.dataclass(frozen=True)
class Moments:
    """Centroids and second moments of images.

    Parameters
    ----------
    x, y
        Centroids, in pixels relative to the centre of the star.
    xx, yy, xy
        Second moments about the centroids, in square pixels.
    """

    x: Float64Array
    y: Float64Array
    xx: Float64Array
    yy: Float64Array
    xy: Float64Array

    @property
    def sigma(self) -> Float64Array:
        """Fourth root of the determinant, the standard deviation of a circular Gaussian, in pixels."""
        with np.errstate(invalid="ignore"):
            result: Float64Array = np.sqrt(np.sqrt(self.xx * self.yy - self.xy**2))
        return result

    @property
    def fwhm(self) -> Float64Array:
        """Full width at half maximum of a Gaussian with the same `sigma`, in pixels."""
        return FWHM_PER_SIGMA * self.sigma

    @property
    def e1(self) -> Float64Array:
        """Ellipticity along the axes: ``(xx - yy) / (xx + yy)``."""
        return (self.xx - self.yy) / (self.xx + self.yy)

    @property
    def e2(self) -> Float64Array:
        """Ellipticity along the diagonals: ``2 xy / (xx + yy)``."""
        return 2.0 * self.xy / (self.xx + self.yy)


@dataclasses.dataclass(frozen=True)
class PsfMoments:
    """Sizes and shapes of a PSF at some positions.

    Parameters
    ----------
    adaptive
        Moments with an elliptical Gaussian weight of the same moments, as
        defined by Hirata and Seljak (2003).  NaN where the iteration does not
        converge.
    unweighted
        Moments of all pixels of the kernel image.
    effective_area
        Square of the sum of the pixels, divided by the sum of their squares,
        in pixels.
    """

    adaptive: Moments
    unweighted: Moments
    effective_area: Float64Array


def measure_moments(stack: Float64Array, bbox: Box) -> PsfMoments:
    """Measure a stack of kernel images.

    Parameters
    ----------
    stack
        Images of shape ``(..., ny, nx)``.
    bbox
        Box of the images.

    Returns
    -------
    moments
        Arrays of the shape of the leading axes.
    """
    shape = stack.shape[:-2]
    pixels = stack.reshape(-1, bbox.shape.y * bbox.shape.x)
    y, x = (grid.ravel() for grid in np.meshgrid(bbox.y.arange, bbox.x.arange, indexing="ij"))
    basis = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1).astype(np.float64)
    unweighted = _central(pixels @ basis)
    adaptive = np.empty_like(unweighted)
    step = max(1, MAX_BATCH_SIZE // len(basis))
    for first in range(0, len(pixels), step):
        batch = slice(first, first + step)
        adaptive[batch] = _adapt(pixels[batch], basis, unweighted[batch])
    with np.errstate(divide="ignore", invalid="ignore"):
        area = pixels.sum(axis=1) ** 2 / np.einsum("ij,ij->i", pixels, pixels)
    return PsfMoments(_moments(adaptive, shape), _moments(unweighted, shape), area.reshape(shape))


def _moments(rows: Float64Array, shape: tuple[int, ...]) -> Moments:
    return Moments(*(column.reshape(shape) for column in rows.T))


def _central(sums: Float64Array) -> Float64Array:
    """Convert sums of the basis to columns x, y, xx, yy, xy of central moments."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y, xx, yy, xy = (sums[:, 1:] / sums[:, :1]).T
    return np.stack([x, y, xx - x * x, yy - y * y, xy - x * y], axis=1)


def _adapt(pixels: Float64Array, basis: Float64Array, start: Float64Array) -> Float64Array:
    """Iterate the weights of images until they have the moments of the weighted images."""
    result = np.full_like(start, np.nan)
    active = np.arange(len(pixels))
    weight = np.where(_is_positive(start)[:, np.newaxis], start, _default_weight(basis))
    for _ in range(MAX_ITERATIONS):
        measured = _central((pixels * _gaussians(weight, basis)) @ basis)
        changed = _updated(weight, measured)
        valid = _is_positive(changed)
        size = 0.5 * (weight[:, 2] + weight[:, 3])
        scale = np.stack([np.sqrt(size), np.sqrt(size), size, size, size], axis=1)
        done = valid & (np.abs(changed - weight) <= TOLERANCE * scale).all(axis=1)
        result[active[done]] = changed[done]
        going = valid & ~done
        if not going.any():
            break
        if not going.all():
            pixels, active = pixels[going], active[going]
        weight = changed[going]
    return result


def _default_weight(basis: Float64Array) -> Float64Array:
    """Return a circular weight for images whose unweighted moments are not positive."""
    size = (np.ptp(basis[:, 1]) / 10.0 + 1.0) ** 2
    return np.array([0.0, 0.0, size, size, 0.0])


def _gaussians(weight: Float64Array, basis: Float64Array) -> Float64Array:
    x, y, xx, yy, xy = weight.T
    determinant = xx * yy - xy**2
    a, b, c = yy / determinant, xx / determinant, -xy / determinant
    constant = a * x * x + b * y * y + 2.0 * c * x * y
    linear_x, linear_y = -2.0 * (a * x + c * y), -2.0 * (b * y + c * x)
    exponents: Float64Array = np.stack([constant, linear_x, linear_y, a, b, 2.0 * c], axis=1) @ basis.T
    exponents *= -0.5
    return np.asarray(np.exp(exponents, out=exponents))


def _updated(weight: Float64Array, measured: Float64Array) -> Float64Array:
    """Return the next weight.

    Notes
    -----
    The inverse of the covariance of a Gaussian is that of the weighted image
    minus that of the weight, which converges in one step; twice the weighted
    covariance has the same limit and is positive.  The first is used where it
    does not change the size much.
    """
    old, new = _matrices(weight), _matrices(measured)
    doubled = measured.copy()
    doubled[:, 2:] *= 2.0
    with np.errstate(all="ignore"):
        factors = _determinants(new), _determinants(old)
        inverse = _adjugates(new) / factors[0][:, None, None] - _adjugates(old) / factors[1][:, None, None]
        estimate = _adjugates(inverse) / _determinants(inverse)[:, None, None]
        fast = measured.copy()
        fast[:, 2], fast[:, 3], fast[:, 4] = estimate[:, 0, 0], estimate[:, 1, 1], estimate[:, 0, 1]
        growth = _determinants(estimate) / factors[1]
        use_fast = _is_positive(fast) & (growth > 1.0 / 16.0) & (growth < 16.0)
    # The centroid of a weighted Gaussian moves by half of its offset.
    fast[:, :2] = weight[:, :2] + 2.0 * (measured[:, :2] - weight[:, :2])
    return np.where(use_fast[:, np.newaxis], fast, doubled)


def _matrices(rows: Float64Array) -> Float64Array:
    return rows[:, [2, 4, 4, 3]].reshape(-1, 2, 2)


def _determinants(matrices: Float64Array) -> Float64Array:
    return np.asarray(matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0])


def _adjugates(matrices: Float64Array) -> Float64Array:
    swapped = matrices[:, ::-1, ::-1].transpose(0, 2, 1)
    return np.asarray(swapped * np.array([[1.0, -1.0], [-1.0, 1.0]]))


def _is_positive(rows: Float64Array) -> np.ndarray:
    """Return where the matrices of second moments are positive definite."""
    with np.errstate(invalid="ignore"):
        finite = np.isfinite(rows).all(axis=1)
        result: np.ndarray = finite & (rows[:, 2] > 0) & (rows[:, 2] * rows[:, 3] > rows[:, 4] ** 2)
    return result
