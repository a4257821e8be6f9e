# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""PSFs and fields of legacy coadds with input images that are not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.testing as npt
import pytest
from helpers.legacy_archives import archive_of, box, chebyshev, table
from helpers.legacy_archives import sky_wcs as wcs
from lsst.images import BoundsError, Box
from lsst.images.errors import ArchiveReadError
from lsst.images.legacy._convert_fields import make_field  # private: compared with the coadd reader
from lsst.images.legacy._convert_psf import make_psf  # private: compared with the coadd reader

BOUNDS = Box.factory[0:100, 0:100]
APART = {"vertices_x": ("D", [40.0, 60.0, 60.0, 40.0]), "vertices_y": ("D", [40.0, 40.0, 60.0, 60.0])}
EDGE = {"vertices_x": ("D", [30.5, 60.0, 60.0, 30.5]), "vertices_y": ("D", [0.0, 0.0, 60.0, 60.0])}
WITHIN = {"vertices_x": ("D", [-1.0, 60.0, 60.0, -1.0]), "vertices_y": ("D", [-1.0, -1.0, 60.0, 60.0])}


def field_of(*polygons: Any) -> Any:
    """Create a coadded field of images with the values 1, 2, ..., valid in given polygons."""
    count = len(polygons)
    head = {**box(0, 0, 99, 99), "coaddWcs": ("J", [2]), "default": ("D", [-1.0])}
    rows = {
        "field": ("J", [10 + n for n in range(count)]),
        "wcs": ("J", [2] * count),
        "validPolygon": ("J", [20 + n for n in range(count)]),
        "weight": ("D", [1.0] * count),
    }
    archive = archive_of(
        (1, "CoaddBoundedField", [table(head, throwOnMissing=[False]), table(rows)]),
        wcs(2),
        *(chebyshev(10 + n, [1.0 + n], box(0, 0, 30, 30)) for n in range(count)),
        *((20 + n, "Polygon", [table(polygon)]) for n, polygon in enumerate(polygons)),
    )
    return make_field(archive.get(1), BOUNDS)


def psf_of(*polygons: Any, empty: bool = False) -> Any:
    """Create a coadd PSF of images with decreasing PSF widths, valid in given polygons.

    The box of the first may be empty.
    """
    count = len(polygons)
    boxes = box(0, 0, 30, 30, count + 1)
    if empty:
        for name in boxes:
            boxes[name][1][0] = -1 if "max" in name else 0
    rows = {
        "wcs": ("J", [2] * (count + 1)),
        "psf": ("J", [*(10 + n for n in range(count)), 0]),
        "validPolygon": ("J", [*(20 + n for n in range(count)), 0]),
        "id": ("K", list(range(count + 1))),
        "weight": ("D", [1.0] * count + [0.0]),
        **boxes,
    }
    archive = archive_of(
        (1, "CoaddPsf", [table(rows)]),
        wcs(2),
        *(
            (
                10 + n,
                "GaussianPsf",
                [table({"dimensions": ("2J", [[21, 21]]), "sigma": ("D", [2.0 / (n + 1)])})],
            )
            for n in range(count)
        ),
        *((20 + n, "Polygon", [table(polygon)]) for n, polygon in enumerate(polygons)),
    )
    return make_psf(archive.get(1), BOUNDS)


@pytest.mark.parametrize("beside", [APART, EDGE])
def test_make_field_omits_images_without_valid_pixels(beside: Any) -> None:
    field = field_of(WITHIN, beside, WITHIN)
    assert [item.bounds for item in field.inputs] == [Box.factory[0:31, 0:31]] * 2
    # The mean of 1 and 3; the default of afw outside the images.
    npt.assert_allclose(field(x=np.array([10.0, 50.0]), y=np.array([10.0, 50.0])), [2.0, -1.0])


def test_make_field_without_valid_pixels_equals_default() -> None:
    assert field_of(APART)(x=10.0, y=10.0) == -1.0


@pytest.mark.parametrize("beside", [APART, EDGE])
def test_make_psf_omits_images_without_valid_pixels(beside: Any) -> None:
    psf, expected = psf_of(beside, WITHIN), psf_of(WITHIN, WITHIN)
    (used,) = psf.inputs
    assert used == expected.inputs[1]
    alone = psf.compute_kernel_image(x=10.0, y=10.0)
    assert alone.array.max() > expected.compute_kernel_image(x=10.0, y=10.0).array.max()
    with pytest.raises(BoundsError, match="none of the 1 input images"):
        psf.compute_kernel_image(x=50.0, y=50.0)


def test_make_psf_omits_images_with_empty_box() -> None:
    psf = psf_of(WITHIN, WITHIN, empty=True)
    (used,) = psf.inputs
    assert used == psf_of(WITHIN, WITHIN).inputs[1]


@pytest.mark.parametrize("empty", [False, True])
def test_make_psf_without_valid_pixels_raises_error(empty: bool) -> None:
    with pytest.raises(ArchiveReadError, match="at least one input image"):
        psf_of(WITHIN if empty else APART, empty=empty)
