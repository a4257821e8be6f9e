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

from .._components import AnnotatedImage
from .._exposures import DifferenceImage, VisitImage
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
    return Report(type(obj).__name__, summary=str(obj), fields=tuple(fields), children=_sky(obj, options))


@report_on.register
def _(obj: ColorImage, options: DescribeOptions) -> Report:
    return Report(
        type(obj).__name__, summary=str(obj), fields=_pixel_fields(obj), children=_sky(obj, options)
    )


@report_on.register
def _(obj: MaskSchema, options: DescribeOptions) -> Report:
    return _report_on_schema(obj, options, None)


@report_on.register
def _(obj: Mask, options: DescribeOptions) -> Report:
    children: dict[str, Report] = {}
    if not options.brief and "schema" not in options.exclude:
        children["schema"] = _report_on_schema(obj.schema, options.for_child(), obj)
    children |= _sky(obj, options)
    return Report(type(obj).__name__, summary=str(obj), fields=(_bbox(obj),), children=children)


@report_on.register
def _(obj: MaskedImage, options: DescribeOptions) -> Report:
    return Report(
        type(obj).__name__,
        summary=str(obj),
        fields=(_bbox(obj),),
        children={} if options.brief else {**_planes(obj, options), **_sky(obj, options)},
    )


@report_on.register
def _(obj: AnnotatedImage, options: DescribeOptions) -> Report:
    parts = ["psf", "backgrounds"]
    fields = [_bbox(obj)]
    if isinstance(obj, VisitImage):
        parts = ["detector", "psf", "photometric_scaling", "summary_stats", "backgrounds"]
        fields += [*_facts(obj, "bounds", "physical_filter", "band"), _corrections(obj)]
    if isinstance(obj, DifferenceImage):
        parts.append("kernel")
        fields += _facts(obj, "templates", show=lambda value: f"{len(value)} coadd patches")
    if isinstance(obj, CellCoadd):
        parts = ["psf", "provenance", "backgrounds"]
        fields += _coadd_fields(obj)
    children: dict[str, Report] = {}
    if not options.brief:
        children = {**_planes(obj, options), **_sky(obj, options)}
        for name in parts:
            if name not in options.exclude:
                add_part(children, name, functools.partial(getattr, obj, name), options.for_child())
    return Report(type(obj).__name__, summary=str(obj), fields=tuple(fields), children=children)


def _coadd_fields(obj: CellCoadd) -> list[ReportField]:
    return [
        *_facts(obj, "skymap", "tract", "patch", "band"),
        *_facts(obj, "mask_fractions", show=lambda planes: ", ".join(planes) or "none"),
        *_facts(obj, "noise_realizations", show=_count_images),
        _corrections(obj),
        *([] if _fact(obj, "provenance") is not None else [derived("provenance", "none")]),
    ]


def _count_images(images: list[Image]) -> str:
    types = ", ".join(sorted({str(image.array.dtype) for image in images}))
    return f"{len(images)} image{'' if len(images) == 1 else 's'} (dtype {types})" if images else "none"


def _corrections(obj: Any) -> ReportField:
    found = _fact(obj, "aperture_corrections")
    return derived("aperture_corrections", found if isinstance(found, str) else f"{len(found or ())} fields")


def _fact(obj: Any, name: str) -> Any:
    """Return an attribute, `None`, or why it cannot be had."""
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
    """Report on the planes, without what they share."""
    child = options.for_child("bbox", "sky_projection")
    return {
        name: make_report(getattr(obj, name), child)
        for name in ("image", "mask", "variance")
        if name not in options.exclude
    }


def _sky(obj: GeneralizedImage, options: DescribeOptions) -> dict[str, Report]:
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
    """Report on planes and, given a mask, on how many pixels each has."""
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
