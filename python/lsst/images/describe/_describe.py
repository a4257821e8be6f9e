# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Asking for the report of an object."""

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
        Whether a line must do.
    detail
        Whether to look at pixels, too.
    exclude
        Labels of fields and keys of children that are left out.

    Returns
    -------
    report
        What a plugin says of it, what it says itself, or its `str`; an object
        that has none is no error, but told so.
    """
    return make_report(obj, DescribeOptions(brief, detail, frozenset(exclude)))


def make_report(obj: Any, options: DescribeOptions | None = None) -> Report:
    """Describe an object, or a part of another one.

    Parameters
    ----------
    obj
        Any object.
    options
        How much to say.

    Returns
    -------
    report
        The answer of the first plugin that has one; else that of the object's
        own ``_describe``, if its class defines it; else its `str`.
    """
    options = DescribeOptions() if options is None else options
    own = getattr(type(obj), "_describe", None)
    answer = _ask_plugins(obj, options)
    if answer is None and own not in (None, Described._describe):
        answer = own(obj, options)
    return (_from_str(obj) if answer is None else answer).without(options.exclude)


class Described:
    """Base of types that others describe: plugins, with the hook ``describe``."""

    __slots__ = ()

    def _describe(self, options: DescribeOptions = _PLAIN, /) -> Report:
        answer = _ask_plugins(self, options)
        return _from_str(self) if answer is None else answer

    def describe(self, *, brief: bool = False, detail: bool = False, exclude: Iterable[str] = ()) -> Report:
        """Describe the object for people.

        Parameters
        ----------
        brief
            Whether a line must do.
        detail
            Whether to look at pixels, too.
        exclude
            Labels of fields and keys of children that are left out.

        Returns
        -------
        report
            Print it, or let a notebook show it.
        """
        return describe(self, brief=brief, detail=detail, exclude=exclude)

    def __rich__(self) -> Any:
        return self.describe(detail=True)

    def _repr_html_(self) -> str:
        return self.describe(detail=True)._repr_html_()


def _ask_plugins(obj: Any, options: DescribeOptions) -> Report | None:
    answer = registry.hook.describe(obj=obj, options=options)
    # A plugin may simply return a text.
    return answer if answer is None or isinstance(answer, Report) else _from_text(obj, as_text(answer))


def _from_str(obj: Any) -> Report:
    return _from_text(obj, as_text(obj))


def _from_text(obj: Any, text: str) -> Report:
    return Report(type(obj).__name__, summary=text, inline="\n" not in text)
