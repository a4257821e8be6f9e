# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What the reports about our types share."""

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
        How much to say.

    Returns
    -------
    report
        `None` for an object of another type.
    """
    return None


def derived(label: str, value: Any, unit: Any = None) -> ReportField:
    """Make a field that a ``repr`` leaves out.

    Parameters
    ----------
    label, value, unit
        As for `~lsst.images.describe.ReportField`.

    Returns
    -------
    field
        For people only.
    """
    return ReportField(label, value, unit, role=FieldRole.DERIVED)


def add_part(
    children: dict[str, Report],
    name: str,
    get: Callable[[], Any],
    options: DescribeOptions,
    report: Callable[[Any, DescribeOptions], Report] = make_report,
) -> None:
    """Add the report about a part, even about one that could not be read.

    Parameters
    ----------
    children
        Reports by name of the part.
    name
        Name of the part.
    get
        Returns the part; `None` if there is none.
    options
        How much to say about the part.
    report
        Makes the report.
    """
    try:
        part = get()
    except AttributeError:
        # How some attributes say that there is nothing.
        return
    except ImagesError as err:
        children[name] = _unreadable(err)
        return
    if part is None:
        return
    try:
        children[name] = report(part, options)
    except ArchiveReadError as err:
        # Some parts are made of what is in the file only now.
        children[name] = _unreadable(err)


def _unreadable(err: ImagesError) -> Report:
    return Report("unreadable", summary=f"unreadable: {err}", inline=True)
