# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Symbols of displays with the method names of `lsst.afw.display`."""

from __future__ import annotations

__all__ = ("draw_symbol",)

from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..utils import short_repr
from ._matplotlib import Artist, Axes, Ellipse

SYMBOLS = {"+": "+", "x": "x", "*": "*", ".": "."}
"""Markers of matplotlib by symbol."""


def draw_symbol(ax: Axes, symb: Any, position: tuple[float, float], size: float, color: Any) -> Artist:
    """Draw a symbol, an ellipse or a text; see `Display.dot`.

    Parameters
    ----------
    ax
        The axes; a marker may change their limits.
    symb
        Symbol, second moments or text.
    position
        Position (x, y) in absolute pixels.
    size
        Half of the size of the symbol in pixels.
    color
        Colour of matplotlib.

    Returns
    -------
    artist
        The artist.

    Raises
    ------
    InvalidArgumentError
        If the second moments are invalid.
    """
    if not isinstance(symb, str) or symb.startswith("@:"):
        return ax.add_artist(_ellipse(symb, position, size, color))
    if symb == "o":
        return ax.add_artist(Ellipse(position, 2 * size, 2 * size, fill=False, edgecolor=color))
    if symb in SYMBOLS:
        points = np.asarray(ax.transData.transform([(0.0, 0.0), (2.0 * size, 0.0)]))
        width = float(np.ptp(points[:, 0])) * 72.0 / float(ax.figure.dpi)
        return ax.scatter(*position, marker=SYMBOLS[symb], s=max(width, 1.0) ** 2, c=[color])
    return ax.text(*position, symb, color=color, ha="center", va="center", clip_on=True)


def _ellipse(symb: Any, position: tuple[float, float], size: float, color: Any) -> Artist:
    values = symb.removeprefix("@:").split(",") if isinstance(symb, str) else symb
    try:
        xx, xy, yy = (float(value) for value in values)
        squares, axes = np.linalg.eigh([[xx, xy], [xy, yy]])
    except (TypeError, ValueError, np.linalg.LinAlgError) as err:
        raise InvalidArgumentError(
            f"Invalid symbol {short_repr(symb)}; expected three second moments: (xx, xy, yy)."
        ) from err
    if not (squares > 0).all():
        raise InvalidArgumentError(
            f"The second moments {short_repr(symb)} are not those of an ellipse; xx * yy must exceed xy**2."
        )
    minor, major = 2.0 * size * np.sqrt(squares)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    return Ellipse(position, major, minor, angle=angle, fill=False, edgecolor=color)
