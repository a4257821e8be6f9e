# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about components of images: coordinates, fields, PSFs, statistics."""

from __future__ import annotations

__all__ = ("report_on",)

import dataclasses
import math
from typing import Any

import numpy as np

from .._exposures import ObservationSummaryStats
from .._transforms import CameraFrameSet, Projection, Transform
from .._transforms._summary import describe_projection
from ..cameras import Detector
from ..cells import CoaddProvenance
from ..convolution_kernels import ConvolutionKernel
from ..describe import DescribeOptions, Report, ReportField, ReportValueGroup, make_report
from ..fields import BackgroundMap, BaseField, ChebyshevField, ProductField, SumField
from ..psfs import PointSpreadFunction
from ._base import derived, report_on


@report_on.register(Projection)
def _(obj: Projection[Any], options: DescribeOptions) -> Report:
    return describe_projection(obj, options)


@report_on.register(Transform)
def _(obj: Transform[Any, Any], options: DescribeOptions) -> Report:
    fields = [
        derived("in_frame", obj.in_frame),
        derived("out_frame", obj.out_frame),
        derived("in_bounds", obj.in_bounds),
        derived("out_bounds", obj.out_bounds),
        derived("mapping", obj.show(simplified=True) if options.detail else repr(obj.ast_mapping)),
    ]
    return Report(type(obj).__name__, summary=str(obj), fields=() if options.brief else tuple(fields))


@report_on.register
def _(obj: CameraFrameSet, options: DescribeOptions) -> Report:
    return Report("CameraFrameSet", fields=(ReportField("instrument", obj.instrument),))


@report_on.register
def _(obj: BaseField, options: DescribeOptions) -> Report:
    fields = [derived("bounds", obj.bounds)]
    children: dict[str, Report] = {}
    if isinstance(obj, ChebyshevField):
        fields.insert(1, derived("order", obj.order))
    if obj.unit is not None:
        fields.append(derived("unit", obj.unit))
    if isinstance(obj, ProductField | SumField) and not options.brief:
        children = {
            str(number): make_report(operand, options.for_child("bounds"))
            for number, operand in enumerate(obj.operands)
        }
    return Report(
        type(obj).__name__, summary=str(obj), fields=() if options.brief else tuple(fields), children=children
    )


@report_on.register
def _(obj: BackgroundMap, options: DescribeOptions) -> Report:
    children: dict[str, Report] = {}
    for name, background in () if options.brief else obj.items():
        report = make_report(background.field, options.for_child())
        leading = [derived("subtracted", "yes")] if background is obj.subtracted else []
        if background.description:
            leading.append(derived("description", background.description))
        children[name] = dataclasses.replace(report, fields=(*leading, *report.fields))
    return Report("BackgroundMap", summary=str(obj), children=children, inline=True)


@report_on.register
def _(obj: PointSpreadFunction, options: DescribeOptions) -> Report:
    fields = (derived("bounds", obj.bounds), derived("kernel_bbox", obj.kernel_bbox))
    return Report(type(obj).__name__, summary=str(obj), fields=() if options.brief else fields)


@report_on.register
def _(obj: ConvolutionKernel, options: DescribeOptions) -> Report:
    fields = (derived("bounds", obj.bounds), derived("kernel_bbox", obj.kernel_bbox))
    return Report(type(obj).__name__, summary=str(obj), fields=() if options.brief else fields)


@report_on.register
def _(obj: Detector, options: DescribeOptions) -> Report:
    names = ("instrument", "name", "id", "type", "serial", "bbox")
    fields = [derived(name, getattr(obj, name)) for name in names]
    return Report("Detector", summary=str(obj), fields=() if options.brief else tuple(fields))


@report_on.register
def _(obj: ObservationSummaryStats, options: DescribeOptions) -> Report:
    numbers: dict[str, Any] = {}
    fields = []
    total = 0
    for name, value in sorted(obj.items()):
        total += 1
        if isinstance(value, tuple):
            if any(not math.isnan(item) for item in value):
                fields.append(derived(name, ", ".join(f"{item:.6g}" for item in value)))
        elif not math.isnan(value):
            numbers[name] = value if isinstance(value, int) else f"{value:.6g}"
    if options.brief:
        count = derived("statistics set", f"{len(numbers) + len(fields)} of {total}")
        return Report("ObservationSummaryStats", summary=str(obj), fields=(count,))
    return Report(
        "ObservationSummaryStats",
        summary=str(obj),
        fields=tuple(fields),
        value_groups=(ReportValueGroup(numbers.items()),),
    )


@report_on.register
def _(obj: CoaddProvenance, options: DescribeOptions) -> Report:
    fields = () if options.brief else tuple(derived(*item) for item in _provenance_facts(obj).items())
    return Report("CoaddProvenance", summary=str(obj), fields=fields)


def _provenance_facts(obj: CoaddProvenance) -> dict[str, str]:
    inputs, contributions = obj.inputs, obj.contributions
    visits = len(set(zip(inputs["instrument"], inputs["visit"], strict=True)))
    nights = np.asarray(inputs["day_obs"])
    first, last = nights.min(), nights.max()
    cells = np.stack([np.asarray(contributions[name]) for name in ("cell_i", "cell_j")], axis=-1)
    _, counts = np.unique(cells, axis=0, return_counts=True)
    facts = {
        "instrument": ", ".join(sorted(set(map(str, inputs["instrument"])))),
        "physical_filter": ", ".join(sorted(set(map(str, inputs["physical_filter"])))),
        "input images": f"{len(inputs)} from {_count(visits, 'visit')}",
        "day_obs": str(first) if first == last else f"{first} - {last}",
        "cells": f"{len(counts)} with contributions",
    }
    if len(counts):
        low, high = int(counts.min()), int(counts.max())
        facts["per cell"] = (
            _count(low, "input image")
            if low == high
            else f"{low} - {high} input images (median {np.median(counts):g})"
        )
    return facts


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
