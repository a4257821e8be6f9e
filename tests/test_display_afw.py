# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Displays with the method names of lsst.afw.display, and comparisons, tested from the artists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from helpers.exposures import BOX, make_visit_image
from lsst.images import Box, Image, Mask, MaskedImage, MaskPlane, MaskSchema, VisitImage
from lsst.images.errors import InvalidArgumentError, UnsupportedConversionError

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from lsst.images.display import Display, compare, getDisplay, setDefaultBackend  # noqa: E402
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

EDGES = (19.5, 59.5, 9.5, 39.5)


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def visit() -> VisitImage:
    return make_visit_image()


@pytest.fixture
def masked() -> MaskedImage:
    image = Image(np.arange(1200.0).reshape(30, 40), start=(10, 20))
    schema = MaskSchema([MaskPlane(name, name) for name in ("BAD", "SAT", "EMPTY")])
    result = MaskedImage(image, mask_schema=schema)
    result.mask.set("BAD", image.array < 10)
    result.mask.set("SAT", image.array > 1190)
    return result


def limits(ax: Axes) -> tuple[float, ...]:
    return (*ax.get_xlim(), *ax.get_ylim())


def overlays(ax: Axes) -> dict[str, Any]:
    return {image.get_label(): image for image in ax.images[1:]}


def test_display_mtv_draws_absolute_pixels_and_replaces_image(visit: VisitImage) -> None:
    with Display(frame=1, backend="matplotlib") as display:
        display.mtv(visit.image, title="first")
        assert limits(display.axes) == EDGES
        assert display.axes.get_title() == "first"
        display.dot("+", 30, 20)
        display.image(visit.image[Box.factory[15:20, 30:40]])
        assert limits(display.axes) == (29.5, 39.5, 14.5, 19.5)
        assert len(display.axes.images) == 1
        assert not display.axes.collections
    with pytest.raises(InvalidArgumentError, match="call mtv"):
        display.zoom(2)


def test_display_mask_planes_have_their_colors_and_transparencies(masked: MaskedImage) -> None:
    display = Display()
    display.setMaskPlaneColor({"BAD": "lime"})
    display.mtv(masked)
    assert sorted(overlays(display.axes)) == ["BAD", "SAT"]
    display.zoom(2)
    seen = limits(display.axes)
    display.setMaskTransparency(80)
    display.setMaskTransparency(20, "BAD")
    assert overlays(display.axes)["BAD"].get_array()[0, 0].tolist() == [0, 255, 0, 204]
    assert overlays(display.axes)["SAT"].get_array()[-1, -1, 3] == 51
    assert limits(display.axes) == seen
    display.setMaskPlaneColor("BAD", "ignore")
    assert sorted(overlays(display.axes)) == ["SAT"]
    display.setMaskTransparency(100)
    assert not overlays(display.axes)
    assert display.getMaskTransparency("BAD") == 100
    assert display.getMaskPlaneColor("BAD") == "ignore"
    with pytest.raises(InvalidArgumentError, match="from 0 to 100"):
        display.setMaskTransparency(101)


def test_display_scale_sets_limits_and_stretch(masked: MaskedImage) -> None:
    display = Display()
    display.mtv(masked)
    display.scale("asinh", 5, 50)
    norm = display.axes.images[0].norm
    assert (norm.vmin, norm.vmax, type(norm.stretch).__name__) == (5, 50, "AsinhStretch")
    display.scale("linear", "minmax")
    norm = display.axes.images[0].norm
    assert (norm.vmin, norm.vmax) == (0, 1199)
    with pytest.raises(InvalidArgumentError, match="Unknown stretch"):
        display.scale("cubic", "minmax")
    assert display.axes.images[0].norm.vmax == 1199


def test_display_zoom_and_pan_center_the_position(visit: VisitImage) -> None:
    display = Display()
    display.mtv(visit.image)
    display.zoom(4, 30, 20)
    assert limits(display.axes) == (25.0, 35.0, 16.25, 23.75)
    display.pan(10, 10, origin="LOCAL")
    assert limits(display.axes) == (25.0, 35.0, 16.25, 23.75)
    display.pan(40)
    assert limits(display.axes) == (35.0, 45.0, 16.25, 23.75)
    for factor in (0, -1, float("nan")):
        with pytest.raises(InvalidArgumentError, match="zoom factor"):
            display.zoom(factor)


def test_display_overlays_are_drawn_at_absolute_pixels_until_erased(visit: VisitImage) -> None:
    display = Display()
    display.mtv(visit.image)
    ax = display.axes
    with display.Buffering():
        for symbol in ("+", "x", "*", "."):
            display.dot(symbol, 30.25, 20.5)
        display.dot("o", 5, 6, size=3, origin="LOCAL")
        display.dot("@:9,0,4", 30, 20, size=2, ctype="cyan")
        display.dot((4, 0, 9), 30, 20)
        display.dot("star 1", 31, 21)
        display.line([(20, 10), (70, 50)])
    for artist in ax.collections:
        np.testing.assert_array_equal(artist.get_offsets(), [[30.25, 20.5]])
    circle, ellipse, upright = ax.patches
    assert (circle.center, circle.width, circle.height) == ((25, 16), 6, 6)
    assert (ellipse.width, ellipse.height, ellipse.angle % 180) == (12, 8, 0)
    assert (upright.width, upright.height, upright.angle % 180) == (12, 8, 90)
    assert [text.get_text() for text in ax.texts] == ["star 1"]
    assert ax.lines[0].get_xdata().tolist() == [20, 70]
    assert limits(ax) == EDGES
    display.erase()
    assert not [*ax.collections, *ax.patches, *ax.texts, *ax.lines]
    assert len(ax.images) == 1


@pytest.mark.parametrize("symbol", [(1, 2), (1, 2, 1), "@:1,a,2", (1, 0, float("nan"))])
def test_display_dot_invalid_moments_raise(visit: VisitImage, symbol: Any) -> None:
    display = Display()
    display.mtv(visit.image)
    with pytest.raises(InvalidArgumentError, match="second moments"):
        display.dot(symbol, 30, 20)
    with pytest.raises(InvalidArgumentError, match="origin"):
        display.dot("+", 30, 20, origin="CENTER")


def test_display_unknown_backend_and_object_raise() -> None:
    setDefaultBackend("matplotlib")
    with pytest.raises(InvalidArgumentError, match="backend"):
        Display(backend="virtualDevice")
    with pytest.raises(UnsupportedConversionError, match="ndarray"):
        Display().mtv(np.eye(3))  # type: ignore[arg-type]
    assert getDisplay(7) is getDisplay(7)


def test_display_mask_draws_planes(masked: MaskedImage) -> None:
    display = Display()
    display.mtv(Mask(masked.mask.array, schema=masked.mask.schema, bbox=BOX))
    assert [image.get_label() for image in display.axes.images] == ["BAD", "SAT"]


def test_compare_draws_same_pixels_at_same_place_with_same_limits(visit: VisitImage) -> None:
    part = visit.image[Box.factory[15:20, 30:40]].copy()
    part.array[...] *= 100
    left, right = compare(visit.image, part, titles=("a", "b"))
    assert limits(left) == limits(right) == EDGES
    assert tuple(right.images[0].get_extent()) == (29.5, 39.5, 14.5, 19.5)
    assert left.images[0].norm.vmax == right.images[0].norm.vmax
    assert (left.get_title(), right.get_title()) == ("a", "b")
    _, other = compare(visit.image, part, same_limits=False)
    assert other.images[0].norm.vmax != left.images[0].norm.vmax


def test_compare_other_objects_raise(visit: VisitImage) -> None:
    with pytest.raises(UnsupportedConversionError, match="Cannot draw"):
        compare(visit, "image")  # type: ignore[arg-type]
