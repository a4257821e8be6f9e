# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about images and masks."""

from __future__ import annotations

__all__ = ("report_on",)

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .._components import AnnotatedImage, components_of
from .._exposures import VisitImage
from .._pixels import ColorImage, GeneralizedImage, Image, Mask, MaskedImage, MaskSchema
from .._transforms._summary import describe_projection
from ..cells import CellCoadd
from ..describe import (
    DescribeOptions,
    FieldRole,
    Report,
    ReportField,
    ReportTable,
    make_report,
)
from ..errors import ArchiveReadError
from ._base import add_part, derived
from ._parts import report_on

_STATISTICS = (("min", np.nanmin), ("median", np.nanmedian), ("max", np.nanmax))


@report_on.register
def _(obj: Image, options: DescribeOptions) -> Report:
    fields = [*_pixel_fields(obj), *_facts(obj, "unit")]
    if options.detail and obj.array.size:
        fields += [derived(label, f"{_on_finite(obj.array, f):.6g}") for label, f in _STATISTICS]
    return Report(
        type(obj).__name__, summary=str(obj), fields=tuple(fields), children=_projection(obj, options)
    )


@report_on.register
def _(obj: ColorImage, options: DescribeOptions) -> Report:
    return Report(
        type(obj).__name__, summary=str(obj), fields=_pixel_fields(obj), children=_projection(obj, options)
    )


@report_on.register
def _(obj: MaskSchema, options: DescribeOptions) -> Report:
    return _report_on_schema(obj, options, None)


@report_on.register
def _(obj: Mask, options: DescribeOptions) -> Report:
    children: dict[str, Report] = {}
    if not options.brief and "schema" not in options.exclude:
        children["schema"] = _report_on_schema(obj.schema, options.for_child(), obj)
    children |= _projection(obj, options)
    return Report(type(obj).__name__, summary=str(obj), fields=(_bbox(obj),), children=children)


@report_on.register
def _(obj: MaskedImage, options: DescribeOptions) -> Report:
    return Report(
        type(obj).__name__,
        summary=str(obj),
        fields=(_bbox(obj),),
        children={} if options.brief else {**_planes(obj, options), **_projection(obj, options)},
    )


@report_on.register
def _(obj: AnnotatedImage, options: DescribeOptions) -> Report:
    components = components_of(type(obj))
    fields = [_bbox(obj)]
    if isinstance(obj, VisitImage):
        fields += _facts(obj, "physical_filter")
    if isinstance(obj, CellCoadd):
        fields += _facts(obj, "skymap", "tract")
    for name, component in components.items():
        if component.report_row is not None:
            fields += _facts(obj, name, show=component.report_row)
    children: dict[str, Report] = {}
    if not options.brief:
        children = {**_planes(obj, options), **_projection(obj, options)}
        for name, component in components.items():
            if component.report_section and name not in options.exclude:
                add_part(children, name, functools.partial(getattr, obj, name), options.for_child())
    return Report(type(obj).__name__, summary=str(obj), fields=tuple(fields), children=children)


def _fact(obj: Any, name: str) -> Any:
    """Return an attribute; `None` if it is missing, a text if it cannot be read."""
    try:
        return getattr(obj, name)
    except AttributeError:
        return None
    except ArchiveReadError as err:
        return f"unreadable: {err}"


def _facts(obj: Any, *names: str, show: Callable[[Any], Any] = str) -> list[ReportField]:
    found = {name: _fact(obj, name) for name in names}
    return [
        derived(name, value if isinstance(value, str) else show(value))
        for name, value in found.items()
        if value is not None
    ]


def _bbox(obj: GeneralizedImage) -> ReportField:
    return ReportField("bbox", obj.bbox)


def _pixel_fields(obj: Any) -> tuple[ReportField, ...]:
    return (
        ReportField("...", "...", repr_value="...", role=FieldRole.REPR_ONLY, positional=True),
        _bbox(obj),
        ReportField("dtype", obj.array.dtype),
    )


def _planes(obj: MaskedImage, options: DescribeOptions) -> dict[str, Report]:
    """Make the reports about the planes, without the box and projection that they share."""
    child = options.for_child("bbox", "sky_projection")
    return {
        name: make_report(getattr(obj, name), child)
        for name in ("image", "mask", "variance")
        if name not in options.exclude
    }


def _projection(obj: GeneralizedImage, options: DescribeOptions) -> dict[str, Report]:
    children: dict[str, Report] = {}
    if not options.brief and "sky_projection" not in options.exclude:
        add_part(
            children,
            "sky_projection",
            lambda: obj.projection,
            options.for_child(),
            lambda projection, child: describe_projection(projection, child, obj.bbox),
        )
    return children


def _on_finite(array: np.ndarray, function: Callable[[Any], Any]) -> float:
    finite = array[np.isfinite(array)]
    return float(function(finite)) if finite.size else math.nan


def _report_on_schema(schema: MaskSchema, options: DescribeOptions, mask: Mask | None) -> Report:
    """Make the report about mask planes and, given a mask, the number of pixels with each set."""
    columns = ["Bit", "Index", "Mask", "Name", "Description"]
    counts: dict[str, int] = {}
    if mask is not None and options.detail:
        columns.append("Set pixels")
        counts = {name: int(np.count_nonzero(mask.get(name))) for name in schema.names}
    stride = schema.bits_per_element(schema.dtype)
    rows = [
        (
            number,
            number // stride,
            hex(int(schema.bit(plane.name).mask)),
            plane.name,
            plane.description,
            *([counts[plane.name]] if counts else []),
        )
        for number, plane in enumerate(schema)
        if plane is not None
    ]
    return Report(
        "MaskSchema",
        summary=str(schema),
        fields=(derived("dtype", schema.dtype),),
        tables=() if options.brief else (ReportTable("Mask planes", columns, rows),),
    ).without(options.exclude)
