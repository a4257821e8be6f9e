# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Functions that the reports about built-in types share."""

from __future__ import annotations

__all__ = ("add_part", "derived", "report_on")

import functools
from collections.abc import Callable
from typing import Any

from ..describe import DescribeOptions, FieldRole, Report, ReportField, make_report
from ..errors import ArchiveReadError, ImagesError


@functools.singledispatch
def report_on(obj: Any, options: DescribeOptions) -> Report | None:
    """Make the report about an object of one of our types.

    Parameters
    ----------
    obj
        The object.
    options
        Level of detail.

    Returns
    -------
    report
        `None` for an object of another type.
    """
    return None


def derived(label: str, value: Any, unit: Any = None) -> ReportField:
    """Make a field that is not part of the ``repr``.

    Parameters
    ----------
    label, value, unit
        As for `~lsst.images.describe.ReportField`.

    Returns
    -------
    field
        A field that is shown in text and HTML only.
    """
    return ReportField(label, value, unit, role=FieldRole.DERIVED)


def add_part(
    children: dict[str, Report],
    name: str,
    get: Callable[[], Any],
    options: DescribeOptions,
    report: Callable[[Any, DescribeOptions], Report] = make_report,
) -> None:
    """Add the report about a component, or about the error if it cannot be read.

    Parameters
    ----------
    children
        Reports by name of the component.
    name
        Name of the component.
    get
        Returns the component; `None` if the object lacks it.
    options
        Level of detail of the report about the component.
    report
        Makes the report.
    """
    try:
        part = get()
    except AttributeError:
        # Some attributes raise this if the component is missing.
        return
    except ImagesError as err:
        children[name] = _unreadable(err)
        return
    if part is None:
        return
    try:
        children[name] = report(part, options)
    except ArchiveReadError as err:
        # Some components are read from the file when they are used.
        children[name] = _unreadable(err)


def _unreadable(err: ImagesError) -> Report:
    return Report("unreadable", summary=f"unreadable: {err}", inline=True)
