# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Plots of images, masks and PSFs, tested from the artists on the axes."""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from astropy.visualization import MinMaxInterval, PercentileInterval, ZScaleInterval
from helpers.exposures import BOX, make_cell_coadd, make_visit_image
from hypothesis import given, settings
from hypothesis import strategies as st
from lsst.images import Box, ColorImage, Image, Mask, MaskedImage, MaskPlane, MaskSchema, VisitImage
from lsst.images.errors import GeometryError, InvalidArgumentError, UnsupportedConversionError
from lsst.images.plugins import registry

matplotlib = pytest.importorskip("matplotlib")
matplotlib.use("Agg")
from astropy.visualization.wcsaxes import WCSAxes  # noqa: E402
from lsst.images.display import DEFAULT_PLANE_COLORS, plot_mask  # noqa: E402
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.colors import to_rgb  # noqa: E402

EDGES = (19.5, 59.5, 9.5, 39.5)
"""Outer edges of the pixels of BOX: left, right, bottom, top."""


@pytest.fixture(autouse=True)
def close_figures() -> Iterator[None]:
    yield
    pyplot.close("all")


@pytest.fixture(scope="module")
def visit() -> VisitImage:
    return make_visit_image()


def limits(ax: Axes) -> tuple[float, ...]:
    return (*ax.get_xlim(), *ax.get_ylim())


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def legend_names(ax: Axes) -> list[str]:
    """Return the names in the legend below new axes, or inside of given axes."""
    legends = [*ax.figure.legends, *([ax.get_legend()] if ax.get_legend() else [])]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


@pytest.mark.parametrize("wcs", [False, True])
def test_plot_image_axes_are_absolute_pixels_with_y_upwards(visit: VisitImage, wcs: bool) -> None:
    ax = visit.image.plot(wcs=wcs)
    (artist,) = ax.images
    assert isinstance(ax, WCSAxes) is wcs
    assert tuple(artist.get_extent()) == EDGES
    assert limits(ax) == EDGES
    assert artist.origin == "lower"
    np.testing.assert_array_equal(artist.get_array(), visit.image.array)
    # The first row is drawn at the bottom of the figure.
    assert ax.transData.transform((20, 10))[1] < ax.transData.transform((20, 39))[1]
    assert ax.get_aspect() == 1


def test_plot_image_wcs_axes_map_pixels_to_sky_of_projection(visit: VisitImage) -> None:
    ax: Any = visit.image.plot(wcs=True)
    assert visit.projection is not None
    x, y = np.array([20.0, 59.0, 33.3]), np.array([10.0, 39.0, 21.7])
    expected = visit.projection.pixel_to_sky(x=x, y=y)
    found = ax.wcs.pixel_to_world(x, y)
    assert found.separation(expected).max() < 1e-9 * u.arcsec
    ax.figure.canvas.draw()
    ra, dec = (coordinate.get_format_unit() for coordinate in ax.coords)
    assert (ra, dec) == (u.hourangle, u.deg)
    position = ax.format_coord(20, 10).replace(" ", "")
    assert position.startswith("3h") or position.startswith("2h59m"), position


def test_plot_image_without_projection_on_sky_axes_raises() -> None:
    with pytest.raises(GeometryError, match="has no sky projection"):
        Image(np.eye(3)).plot(wcs=True)


def test_plot_image_given_axes_are_returned_and_used(visit: VisitImage) -> None:
    _, (left, right) = pyplot.subplots(1, 2)
    assert visit.image.plot(left) is left
    assert visit.image.plot(ax=right, colorbar=False) is right
    assert len(left.images) == len(right.images) == 1
    assert len(left.figure.axes) == 2


def test_plot_image_on_axes_with_data_keeps_limits(visit: VisitImage) -> None:
    ax = visit.image.plot()
    inner = Box.factory[15:20, 30:40]
    visit.image[inner].plot(ax)
    assert limits(ax) == EDGES
    assert tuple(ax.images[1].get_extent()) == (29.5, 39.5, 14.5, 19.5)


def test_plot_image_on_wcs_axes_of_array_shifts_to_its_origin(visit: VisitImage) -> None:
    ax = pyplot.figure().add_subplot(axes_class=WCSAxes, wcs=visit.fits_wcs)
    visit.image[Box.factory[15:20, 30:40]].plot(ax)
    assert tuple(ax.images[0].get_extent()) == (9.5, 19.5, 4.5, 9.5)


def test_plot_image_on_axes_of_other_sky_projection_raises(visit: VisitImage) -> None:
    wcs = visit.fits_wcs.deepcopy()
    wcs.wcs.cd = wcs.wcs.cd * 1.5
    ax = pyplot.figure().add_subplot(axes_class=WCSAxes, wcs=wcs)
    with pytest.raises(GeometryError, match="differs from that of"):
        visit.image.plot(ax)


def test_plot_image_sky_coordinates_on_plain_axes_raises(visit: VisitImage) -> None:
    with pytest.raises(InvalidArgumentError, match="requires axes with sky coordinates"):
        visit.image.plot(pyplot.figure().add_subplot(), wcs=True)


@pytest.mark.parametrize(
    ("interval", "expected"),
    [
        ("zscale", ZScaleInterval()),
        ("minmax", MinMaxInterval()),
        (98.0, PercentileInterval(98.0)),
        (MinMaxInterval(), MinMaxInterval()),
    ],
)
def test_plot_image_limits_are_those_of_astropy(visit: VisitImage, interval: Any, expected: Any) -> None:
    (artist,) = visit.image.plot(interval=interval, downsample=False).images
    np.testing.assert_allclose(artist.get_clim(), expected.get_limits(visit.image.array))


def test_plot_image_pair_of_percentiles_gives_limits(visit: VisitImage) -> None:
    (artist,) = visit.image.plot(interval=(10, 90)).images
    np.testing.assert_allclose(artist.get_clim(), np.percentile(visit.image.array, (10, 90)))


def test_plot_image_explicit_limits_and_stretch_are_used(visit: VisitImage) -> None:
    (artist,) = visit.image.plot(vmin=80.0, vmax=120.0, stretch="sqrt").images
    assert artist.get_clim() == (80.0, 120.0)
    np.testing.assert_allclose(artist.norm(90.0), np.sqrt(0.25))


@pytest.mark.parametrize(
    "options",
    [
        {"stretch": "steep"},
        {"interval": "all"},
        {"interval": 101},
        {"interval": (90, 10)},
        {"downsample": 0},
    ],
)
def test_plot_image_invalid_option_raises(options: dict[str, Any]) -> None:
    with pytest.raises(InvalidArgumentError, match=repr(next(iter(options.values())))[:3].strip("(")):
        Image(np.eye(5)).plot(**options)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.int64, np.uint64, np.float32, ">f4", np.float16])
def test_plot_image_pixel_type_is_supported(dtype: Any) -> None:
    array = np.eye(6).astype(dtype)
    ax = Image(array).plot(downsample=2)
    np.testing.assert_allclose(ax.images[0].get_array(), np.eye(3) / 2)
    ax.figure.canvas.draw()


def test_plot_image_complex_pixels_raise() -> None:
    with pytest.raises(InvalidArgumentError, match="complex"):
        Image(np.eye(3, dtype=complex)).plot()


@pytest.mark.parametrize(
    ("pixels", "expected"),
    [
        (np.zeros((4, 5)), "All pixels are 0 nJy"),
        (np.full((4, 5), np.nan), "All pixels are NaN"),
        (np.full((4, 5), np.inf), "No pixel is finite"),
        (np.where(np.eye(4, 5) > 0, np.nan, 2.5), "All finite pixels are 2.5 nJy"),
        (np.full((1, 1), 7.0), "All pixels are 7 nJy"),
    ],
)
def test_plot_image_uniform_pixels_are_described_in_the_picture(pixels: np.ndarray, expected: str) -> None:
    ax = Image(pixels, unit=u.nJy).plot()
    assert texts(ax) == [expected]
    assert len(ax.figure.axes) == 1  # without a color bar
    ax.figure.canvas.draw()


def test_plot_image_different_pixels_with_equal_block_means_are_not_described_as_uniform() -> None:
    checkers = np.indices((8, 8)).sum(axis=0) % 2
    assert texts(Image(checkers).plot(downsample=2)) == []


def test_plot_image_color_bar_has_unit(visit: VisitImage) -> None:
    ax = visit.image.plot()
    (bar,) = [other for other in ax.figure.axes if other is not ax]
    assert bar.get_ylabel() == "electron"


@settings(deadline=None, max_examples=40)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    factor=st.integers(1, 9),
    start=st.tuples(st.integers(-(10**6), 10**6), st.integers(-(10**6), 10**6)),
    seed=st.integers(0, 1000),
)
def test_plot_image_blocks_are_means_of_finite_pixels(
    shape: tuple[int, int], factor: int, start: tuple[int, int], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    pixels = rng.normal(size=shape)
    pixels[rng.random(shape) < 0.2] = np.nan
    pixels[rng.random(shape) < 0.05] = np.inf
    image = Image(pixels, start=start)
    figure, ax = pyplot.subplots()
    image.plot(ax, downsample=factor)
    (artist,) = ax.images
    drawn = np.ma.getdata(artist.get_array())
    left, right, bottom, top = artist.get_extent()
    assert (left, bottom) == (start[1] - 0.5, start[0] - 0.5)
    assert limits(ax) == (left, left + shape[1], bottom, bottom + shape[0])
    assert ((right - left) / drawn.shape[1], (top - bottom) / drawn.shape[0]) == (factor, factor)
    for row, column in np.ndindex(drawn.shape):
        block = pixels[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        finite = block[np.isfinite(block)]
        if factor > 1:
            np.testing.assert_allclose(drawn[row, column], finite.mean() if finite.size else np.nan)
    pyplot.close(figure)


def test_plot_image_values_near_the_float_limit_do_not_overflow_in_blocks() -> None:
    array = np.full((4, 4), 2e38, np.float32)
    array[0, 0] = -2e38
    drawn = Image(array).plot(downsample=2).images[0].get_array()
    np.testing.assert_allclose(drawn, [[1e38, 2e38], [2e38, 2e38]], rtol=1e-6)


def test_plot_masked_image_planes_have_colors_and_legend_by_name(visit: VisitImage) -> None:
    ax = visit.plot(mask_alpha=0.25)
    image, *planes = ax.images
    assert [plane.get_label() for plane in planes] == ["BAD", "SATURATED"]
    assert legend_names(ax) == ["BAD", "SATURATED"]
    np.testing.assert_array_equal(image.get_array(), visit.image.array)
    for plane in planes:
        name = str(plane.get_label())
        rgba = np.asarray(plane.get_array()) / 255
        np.testing.assert_array_equal(rgba[..., 3] > 0, visit.mask.get(name))
        assert tuple(plane.get_extent()) == EDGES
        is_set = visit.mask.get(name)
        np.testing.assert_allclose(rgba[is_set][:, :3] - to_rgb(DEFAULT_PLANE_COLORS[name]), 0, atol=0.003)
        np.testing.assert_allclose(rgba[is_set][:, 3], 0.25, atol=0.003)


@pytest.mark.parametrize(
    ("selection", "names"),
    [
        (False, []),
        ("SATURATED", ["SATURATED"]),
        (["SATURATED", "BAD"], ["SATURATED", "BAD"]),
        ({"BAD": "blue"}, ["BAD"]),
        ({"BAD": None}, ["BAD"]),
    ],
)
def test_plot_masked_image_selected_planes_are_drawn(
    visit: VisitImage, selection: Any, names: list[str]
) -> None:
    ax = visit.plot(mask_planes=selection)
    assert [plane.get_label() for plane in ax.images[1:]] == names
    assert legend_names(ax) == names


def test_plot_masked_image_color_of_a_plane_can_be_chosen(visit: VisitImage) -> None:
    plane = visit.plot(mask_planes={"BAD": "blue"}).images[1]
    rgba = np.asarray(plane.get_array())
    assert set(map(tuple, rgba[visit.mask.get("BAD")][:, :3])) == {(0, 0, 255)}


def test_plot_masked_image_invalid_planes_raise(visit: VisitImage) -> None:
    with pytest.raises(KeyError, match="Unknown mask plane 'WORSE'"):
        visit.plot(mask_planes="WORSE")
    with pytest.raises(InvalidArgumentError, match="Invalid colour 'reddish' of the mask plane 'BAD'"):
        visit.plot(mask_planes={"BAD": "reddish"})
    with pytest.raises(InvalidArgumentError, match=r"opacity of mask planes 1\.5"):
        visit.plot(mask_alpha=1.5)


def test_plot_masked_image_on_given_axes_has_legend_inside(visit: VisitImage) -> None:
    ax = visit.plot(pyplot.figure().add_subplot())
    assert ax.get_legend() is not None
    assert legend_names(ax) == ["BAD", "SATURATED"]


def test_plot_masked_image_without_legend_has_none(visit: VisitImage) -> None:
    assert legend_names(visit.plot(legend=False)) == []


def test_plot_cell_coadd_draws_image_and_mask() -> None:
    coadd = make_cell_coadd()
    ax = coadd.plot(wcs=True)
    bbox = coadd.bbox
    assert tuple(ax.images[0].get_extent()) == (
        bbox.x.start - 0.5,
        bbox.x.stop - 0.5,
        bbox.y.start - 0.5,
        bbox.y.stop - 0.5,
    )


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(st.integers(1, 30), st.integers(1, 30)),
    factor=st.integers(1, 7),
    n_planes=st.integers(1, 20),
    seed=st.integers(0, 1000),
)
def test_plot_mask_block_is_set_if_any_pixel_is_set(
    shape: tuple[int, int], factor: int, n_planes: int, seed: int
) -> None:
    schema = MaskSchema([MaskPlane(f"P{n}", "A plane.") for n in range(n_planes)])
    rng = np.random.default_rng(seed)
    mask = Mask(0, schema=schema, shape=shape)
    for name in schema.names:
        mask.set(name, rng.random(shape) < 0.05)
    figure, ax = pyplot.subplots()
    plot_mask(mask, ax, downsample=factor, mask_planes=list(schema.names))
    assert [image.get_label() for image in ax.images] == list(schema.names)
    for image in ax.images:
        flags = mask.get(str(image.get_label()))
        drawn = np.asarray(image.get_array())[..., 3] > 0
        for row, column in np.ndindex(drawn.shape):
            block = flags[row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
            assert drawn[row, column] == block.any()
    pyplot.close(figure)


def test_plot_mask_without_set_planes_is_described_in_the_picture() -> None:
    mask = Mask(0, schema=MaskSchema([MaskPlane("BAD", "Bad.")]), bbox=BOX)
    ax = mask.plot()
    assert texts(ax) == ["No mask plane is set"]
    assert limits(ax) == EDGES


@pytest.mark.parametrize(("dtype", "full"), [(np.uint8, 255), (np.uint16, 65535), (np.float32, 1.0)])
def test_plot_color_image_maps_full_range_of_type_to_white(dtype: Any, full: float) -> None:
    array = np.zeros((4, 6, 3), dtype)
    array[..., 0] = full
    array[0, 0] = full
    ax = ColorImage(array, start=(5, 7)).plot()
    (artist,) = ax.images
    assert tuple(artist.get_extent()) == (6.5, 12.5, 4.5, 8.5)
    drawn = np.asarray(artist.get_array())
    np.testing.assert_allclose(drawn[0, 0], [1, 1, 1])
    np.testing.assert_allclose(drawn[3, 5], [1, 0, 0])


def test_plot_color_image_nan_and_out_of_range_pixels_are_clipped() -> None:
    array = np.array([[[np.nan, 2.0, -1.0], [0.5, 0.25, 0.0]]])
    drawn = np.asarray(ColorImage(array).plot().images[0].get_array())
    np.testing.assert_allclose(drawn, [[[0, 1, 0], [0.5, 0.25, 0]]])


def test_plot_psf_draws_kernel_image_at_position(visit: VisitImage) -> None:
    ax = visit.psf.plot(30, 20)
    kernel = visit.psf.compute_kernel_image(x=30, y=20)
    (artist,) = ax.images
    np.testing.assert_array_equal(artist.get_array(), kernel.array)
    box = kernel.bbox
    assert tuple(artist.get_extent())[::2] == (box.x.start - 0.5, box.y.start - 0.5)
    assert artist.get_clim() == (kernel.array.min(), kernel.array.max())
    assert ax.get_title() == "PSF at x=30, y=20"


def test_plot_of_a_type_without_plot_raises() -> None:
    with pytest.raises(UnsupportedConversionError, match="Axes"):
        registry.convert_to(BOX, Axes)


def test_plot_large_masked_image_is_fast_and_needs_little_memory() -> None:
    """Issue 15: 4000 x 4072 pixels in 0.5 s and 50 MB; the time has a margin for shared machines."""
    rng = np.random.default_rng(1)
    image = Image(rng.normal(size=(4000, 4072)).astype(np.float32))
    masked = MaskedImage(image, mask_schema=MaskSchema([MaskPlane("BAD", "Bad.")]))
    masked.image.array[1000:1010] = np.nan
    masked.mask.set("BAD", masked.image.array > 4)
    Image(np.eye(3)).plot().figure.canvas.draw()  # imports, fonts
    tracemalloc.start()
    masked.plot().figure.canvas.draw()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    begin = time.process_time()
    masked.plot().figure.canvas.draw()
    elapsed = time.process_time() - begin
    assert peak < 50e6
    assert elapsed < 1.5


def test_plot_without_matplotlib_raises_error_that_names_the_extra() -> None:
    code = """
import sys
sys.modules["matplotlib"] = None
import numpy as np
from lsst.images import Image
from lsst.images.errors import MissingOptionalDependencyError
from lsst.images.psfs import GaussianPointSpreadFunction
image = Image(np.eye(3))
for attempt in (image.plot, lambda: __import__("lsst.images.display")):
    try:
        attempt()
    except MissingOptionalDependencyError as err:
        assert "lsst-images[plot]" in str(err), err
    else:
        raise AssertionError("no error")
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
