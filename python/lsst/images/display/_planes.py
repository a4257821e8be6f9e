# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mask planes as coloured overlays with a legend."""

from __future__ import annotations

__all__ = ("DEFAULT_PLANE_COLORS", "PlaneSelection", "draw_planes")

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from .._pixels import Mask
from ..errors import InvalidArgumentError
from ._axes import Canvas
from ._blocks import block_unions
from ._matplotlib import Patch, to_rgba

PlaneSelection = bool | str | Iterable[str] | Mapping[str, Any]

DEFAULT_PLANE_COLORS: Mapping[str, str] = MappingProxyType(
    {
        "BAD": "red",
        "CLIPPED": "hotpink",
        "CR": "magenta",
        "COSMIC_RAY": "magenta",
        "CROSSTALK": "mediumpurple",
        "DETECTED": "dodgerblue",
        "DETECTED_NEGATIVE": "cyan",
        "DETECTION_EDGE": "gold",
        "EDGE": "gold",
        "HIGH_VARIANCE": "sienna",
        "INEXACT_PSF": "thistle",
        "INTERPOLATED": "limegreen",
        "INTRP": "limegreen",
        "ITL_DIP": "olive",
        "NOT_DEBLENDED": "slateblue",
        "NO_DATA": "darkorange",
        "PARTLY_VIGNETTED": "tan",
        "REJECTED": "crimson",
        "SAT": "lawngreen",
        "SATURATED": "lawngreen",
        "SAT_TEMPLATE": "yellowgreen",
        "SENSOR_EDGE": "khaki",
        "SPIKE": "orchid",
        "STREAK": "turquoise",
        "SUSPECT": "yellow",
        "UNMASKEDNAN": "deeppink",
        "UNMASKED_NAN": "deeppink",
        "VIGNETTED": "peru",
    }
)
"""Colours of mask planes of the pipelines, by name."""

OTHER_COLORS = ("#e69f00", "#56b4e9", "#009e73", "#f0e442", "#0072b2", "#d55e00", "#cc79a7", "#999999")
"""Colours of other planes, in the order of the planes of a mask."""


def draw_planes(
    canvas: Canvas,
    mask: Mask,
    planes: PlaneSelection,
    *,
    alpha: float | Mapping[str, float],
    legend: bool,
    factor: int,
) -> list[str]:
    """Draw mask planes over an image.

    Parameters
    ----------
    canvas
        Axes, and position of the mask on them.
    mask
        The mask.
    planes
        `True` for all planes that are set in any pixel, `False` for no planes,
        a name, several names, or a mapping of names to colours.
    alpha
        Opacity, from 0 to 1, or the opacity of each plane by name.
    legend
        Whether to add a legend with the names of the planes.
    factor
        Pixels of the image for each drawn pixel, in each direction.

    Returns
    -------
    names
        Names of the planes that were drawn.

    Raises
    ------
    KeyError
        If the mask does not have one of the planes.
    InvalidArgumentError
        If the opacity is out of range, or a colour is invalid.
    """
    colors = _select_colors(mask, planes)
    opacities = (
        {name: alpha[name] for name in colors} if isinstance(alpha, Mapping) else dict.fromkeys(colors, alpha)
    )
    for opacity in opacities.values() if isinstance(alpha, Mapping) else (alpha,):
        if not 0 <= opacity <= 1:
            raise InvalidArgumentError(
                f"Invalid opacity of mask planes {opacity!r}; expected a number from 0 to 1."
            )
    if not colors:
        return []
    flags = block_unions(mask.array, factor)
    handles = []
    for name, color in colors.items():
        bit = mask.schema.bit(name)
        is_set = (flags[..., bit.index] & bit.mask) != 0
        if not is_set.any() and planes is True:
            continue
        rgba = np.zeros((*is_set.shape, 4), np.uint8)
        rgba[is_set] = np.round(255 * np.array([*color[:3], opacities[name]])).astype(np.uint8)
        canvas.draw(rgba, factor, label=name)
        handles.append(Patch(color=color, alpha=max(opacities[name], 0.5), label=name))
    if handles and legend:
        _add_legend(canvas, handles)
    return [str(handle.get_label()) for handle in handles]


def _select_colors(mask: Mask, planes: PlaneSelection) -> dict[str, tuple[float, float, float, float]]:
    """Return the colours of the selected planes by name."""
    others = [name for name in mask.schema.names if name not in DEFAULT_PLANE_COLORS]
    defaults: dict[str, Any] = {
        name: OTHER_COLORS[n % len(OTHER_COLORS)] for n, name in enumerate(others)
    } | dict(DEFAULT_PLANE_COLORS)
    if isinstance(planes, bool):
        chosen: Mapping[str, Any] = dict.fromkeys(mask.schema.names if planes else ())
    elif isinstance(planes, Mapping):
        chosen = planes
    else:
        chosen = dict.fromkeys((planes,) if isinstance(planes, str) else planes)
    for name in chosen:
        mask.schema.bit(name)
    return {
        name: _to_rgba(defaults[name] if color is None else color, name) for name, color in chosen.items()
    }


def _to_rgba(color: Any, name: str) -> tuple[float, float, float, float]:
    try:
        return to_rgba(color)
    except ValueError as err:
        raise InvalidArgumentError(f"Invalid colour {color!r} of the mask plane {name!r}: {err}.") from err


def _add_legend(canvas: Canvas, handles: list[Patch]) -> None:
    if canvas.is_new:
        canvas.figure.legend(
            handles=handles, loc="outside lower center", ncols=min(4, len(handles)), fontsize="small"
        )
    else:
        canvas.ax.legend(handles=handles, loc="upper right", fontsize="x-small")
