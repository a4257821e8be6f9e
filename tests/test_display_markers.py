# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Markers, boxes and regions on plots, tested from the artists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import shapely
from helpers.exposures import make_visit_image
from lsst.images import Box, Region, VisitImage
from lsst.images.errors import GeometryError, InvalidArgumentError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from lsst.images.display import draw_boxes, draw_markers, draw_regions  # noqa: E402
from matplotlib import pyplot  # noqa: E402


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def visit() -> VisitImage:
    return make_visit_image()


@pytest.mark.parametrize("wcs", [False, True])
def test_draw_markers_sky_positions_are_drawn_at_their_pixels(visit: VisitImage, wcs: bool) -> None:
    ax = visit.image.plot(wcs=wcs)
    before = ax.get_xlim(), ax.get_ylim()
    pixels = np.array([[25.25, 15.5], [50.0, 30.0], [500.0, 30.0]])
    assert visit.projection is not None
    sky = visit.projection.pixel_to_sky(x=pixels[:, 0], y=pixels[:, 1])
    artist: Any = draw_markers(ax, sky, projection=visit.projection, labels="abc")
    np.testing.assert_allclose(artist.get_offsets(), pixels, atol=1e-6)
    assert [text.get_text() for text in ax.texts] == ["a", "b", "c"]
    assert (ax.get_xlim(), ax.get_ylim()) == before
    ax.figure.canvas.draw()


def test_draw_markers_pixels_are_drawn_at_absolute_coordinates(visit: VisitImage) -> None:
    artist: Any = draw_markers(visit.plot(), x=[21, 22.5], y=[11, 12.25])
    np.testing.assert_array_equal(artist.get_offsets(), [[21, 11], [22.5, 12.25]])


def test_draw_markers_invalid_arguments_raise(visit: VisitImage) -> None:
    ax = visit.image.plot()
    assert visit.projection is not None
    sky = visit.projection.pixel_to_sky(x=30.0, y=20.0)
    with pytest.raises(GeometryError, match="require a sky projection"):
        draw_markers(ax, sky)
    with pytest.raises(InvalidArgumentError, match="both x= and y="):
        draw_markers(ax, x=[1])
    with pytest.raises(InvalidArgumentError, match="Got 2 labels for 1 markers"):
        draw_markers(ax, x=[1], y=[1], labels="ab")


def test_draw_boxes_outline_is_at_outer_edges_of_pixels(visit: VisitImage) -> None:
    ax = visit.image.plot()
    before = ax.get_xlim(), ax.get_ylim()
    artists: Any = draw_boxes(ax, [Box.factory[15:20, 30:40], Box.factory[0:99, 0:99]])
    assert artists[0].get_path().get_extents().extents.tolist() == [29.5, 14.5, 39.5, 19.5]
    assert len(artists) == 2
    assert (ax.get_xlim(), ax.get_ylim()) == before


def test_draw_regions_holes_have_an_outline(visit: VisitImage) -> None:
    ring = shapely.Point(40, 25).buffer(10).difference(shapely.box(38, 23, 42, 27))
    (artist,) = draw_regions(visit.image.plot(), Region(ring), edgecolor="cyan")
    polygons: Any = artist
    found = [shapely.Polygon(part) for part in polygons.get_path().to_polygons(closed_only=True)]
    assert found[0].symmetric_difference(found[1]).area == pytest.approx(ring.area)
