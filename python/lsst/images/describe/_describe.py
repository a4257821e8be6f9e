# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Creation of the report of an object."""

from __future__ import annotations

__all__ = ("Described", "describe", "make_report")

from collections.abc import Iterable
from typing import Any

from ..plugins import registry
from ._options import DescribeOptions
from ._report import Report
from ._text import as_text

_PLAIN = DescribeOptions()


def describe(obj: Any, *, brief: bool = False, detail: bool = False, exclude: Iterable[str] = ()) -> Report:
    """Describe an object.

    Parameters
    ----------
    obj
        Any object.
    brief
        Whether to summarize the object in one line.
    detail
        Whether to include statistics of pixels.
    exclude
        Labels of fields and keys of children to omit.

    Returns
    -------
    report
        The report of a plugin, otherwise that of the object's ``_describe``
        method, otherwise its `str`.  An object whose `str` raises yields a
        report about the error.
    """
    return make_report(obj, DescribeOptions(brief, detail, frozenset(exclude)))


def make_report(obj: Any, options: DescribeOptions | None = None) -> Report:
    """Create the report of an object, or of a part of another object.

    Parameters
    ----------
    obj
        Any object.
    options
        Level of detail.

    Returns
    -------
    report
        The report of the first plugin that returns one, otherwise that of the
        object's ``_describe`` method, if its class defines it, otherwise its
        `str`.
    """
    options = DescribeOptions() if options is None else options
    own = getattr(type(obj), "_describe", None)
    answer = _ask_plugins(obj, options)
    if answer is None and own not in (None, Described._describe):
        answer = own(obj, options)
    return (_from_str(obj) if answer is None else answer).without(options.exclude)


class Described:
    """Base class of types whose reports are defined by plugins, with the hook ``describe``."""

    __slots__ = ()

    def _describe(self, options: DescribeOptions = _PLAIN, /) -> Report:
        answer = _ask_plugins(self, options)
        return _from_str(self) if answer is None else answer

    def describe(self, *, brief: bool = False, detail: bool = False, exclude: Iterable[str] = ()) -> Report:
        """Return a human-readable report about the object.

        Parameters
        ----------
        brief
            Whether to summarize the object in one line.
        detail
            Whether to include statistics of pixels.
        exclude
            Labels of fields and keys of children to omit.

        Returns
        -------
        report
            Report, which can be printed and is rendered in notebooks.
        """
        return describe(self, brief=brief, detail=detail, exclude=exclude)

    def __rich__(self) -> Any:
        return self.describe(detail=True)

    def _repr_html_(self) -> str:
        return self.describe(detail=True)._repr_html_()


def _ask_plugins(obj: Any, options: DescribeOptions) -> Report | None:
    answer = registry.hook.describe(obj=obj, options=options)
    # A plugin may return a string instead of a report.
    return answer if answer is None or isinstance(answer, Report) else _from_text(obj, as_text(answer))


def _from_str(obj: Any) -> Report:
    return _from_text(obj, as_text(obj))


def _from_text(obj: Any, text: str) -> Report:
    return Report(type(obj).__name__, summary=text, inline="\n" not in text)
