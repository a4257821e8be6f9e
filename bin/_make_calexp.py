# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write a simulated calexp in the file layout of ``lsst.afw``.

The file has three tile-compressed HDUs of a full detector: stars and sky background with
photon noise, defects with mask planes, a nonzero pixel origin, a TAN-SIP WCS.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

__all__ = ("write_calexp",)


def make_planes(shape: tuple[int, int], bits: dict[str, int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return simulated image, mask and variance arrays with stars, sky background and defects."""
    rng = np.random.default_rng(42)
    ny, nx = shape
    signal = np.full(shape, 250.0, dtype=np.float32)
    offsets = np.arange(-12, 13)
    stamp = np.exp(-0.5 * (offsets[:, None] ** 2 + offsets**2) / 1.8**2)
    mask = np.zeros(shape, dtype=np.int32)
    for y, x, flux in zip(
        rng.integers(12, ny - 12, 2500),
        rng.integers(12, nx - 12, 2500),
        200 * rng.pareto(1.2, 2500),
        strict=True,
    ):
        window = np.s_[y - 12 : y + 13, x - 12 : x + 13]
        signal[window] += flux * stamp
        mask[window][flux * stamp > 20] |= 1 << bits["DETECTED"]
    mask[signal > 60000] |= 1 << bits["SAT"]
    rays = rng.integers(0, ny, 400), rng.integers(0, nx, 400)
    signal[rays] += 3000
    mask[rays] |= (1 << bits["CR"]) | (1 << bits["INTRP"])
    mask[:, nx // 3] |= 1 << bits["BAD"]
    for edge in (np.s_[:8], np.s_[-8:], np.s_[:, :8], np.s_[:, -8:]):
        mask[edge] |= 1 << bits["EDGE"]
    image = signal - 250 + np.sqrt(signal) * rng.standard_normal(shape, dtype=np.float32)
    return image, mask, signal


def make_header(role: str, shape: tuple[int, int], yx0: tuple[int, int]) -> fits.Header:
    """Return the header of one plane: EXTTYPE, pixel origin and celestial WCS."""
    ny, nx = shape
    header = fits.Header()
    header["INHERIT"] = True
    header["EXTTYPE"] = header["EXTNAME"] = role
    for axis, start in ((1, yx0[1]), (2, yx0[0])):
        header[f"LTV{axis}"] = -float(start)
        header[f"CTYPE{axis}A"], header[f"CUNIT{axis}A"] = "LINEAR", "PIXEL"
        header[f"CRPIX{axis}A"], header[f"CRVAL{axis}A"], header[f"CDELT{axis}A"] = 1.0, float(start), 1.0
    header["CTYPE1"], header["CTYPE2"], header["RADESYS"] = "RA---TAN-SIP", "DEC--TAN-SIP", "ICRS"
    header["CRVAL1"], header["CRVAL2"], header["CUNIT1"], header["CUNIT2"] = 53.13, -28.1, "deg", "deg"
    header["CRPIX1"], header["CRPIX2"] = nx / 2, ny / 2
    header["CD1_1"], header["CD1_2"], header["CD2_1"], header["CD2_2"] = -5.5e-5, 8e-7, 8e-7, 5.5e-5
    for letter, coefficient in (("A", 2.1e-8), ("B", -1.4e-8)):
        header[f"{letter}_ORDER"], header[f"{letter}P_ORDER"] = 2, 2
        for term in ("2_0", "0_2"):
            header[f"{letter}_{term}"], header[f"{letter}P_{term}"] = coefficient, -coefficient
    return header


def write_calexp(path: Path) -> None:
    """Write image, mask and variance in three tile-compressed HDUs."""
    shape, yx0 = (4000, 4072), (100, 200)
    names = ("BAD", "SAT", "INTRP", "CR", "EDGE", "DETECTED", "DETECTED_NEGATIVE", "SUSPECT", "NO_DATA")
    bits = {name: bit for bit, name in enumerate(names)}
    primary = fits.Header([("TELESCOP", "Demo"), ("INSTRUME", "DemoCam"), ("EXPTIME", 30.0)])
    primary["DATE-OBS"], primary["FILTER"] = "2026-01-02T03:04:05.000", "r_demo"
    hdus: list[Any] = [fits.PrimaryHDU(header=primary)]
    lossy = {"compression_type": "RICE_1", "quantize_level": 16.0, "quantize_method": 2, "dither_seed": 42}
    units = {"IMAGE": "nJy", "VARIANCE": "nJy**2"}
    for role, plane in zip(("IMAGE", "MASK", "VARIANCE"), make_planes(shape, bits), strict=True):
        header = make_header(role, shape, yx0)
        if role in units:
            header["BUNIT"] = units[role]
        else:
            for name, bit in bits.items():
                header[f"HIERARCH MP_{name}" if len(name) > 5 else f"MP_{name}"] = bit
        options = lossy if role in units else {"compression_type": "GZIP_2"}
        hdus.append(fits.CompImageHDU(plane, header, tile_shape=(256, 256), **options))
    # Write to a temporary name and rename, so that an interrupted run leaves no incomplete file.
    partial = path.with_name(path.name + ".partial")
    fits.HDUList(hdus).writeto(partial, overwrite=True)
    partial.rename(path)
