# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Types that describe themselves."""

from __future__ import annotations

__all__ = ("Describable", "DescribableMixin")

from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from ._describe import Described
from ._options import DescribeOptions
from ._report import Report

_PLAIN = DescribeOptions()
_BRIEF = DescribeOptions(brief=True)


@runtime_checkable
class Describable(Protocol):
    """Something that says what it is."""

    def _describe(self, options: DescribeOptions = _PLAIN, /) -> Report: ...

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
        """


class DescribableMixin(Described):
    """Base of types whose ``repr`` and ``str`` are made of their report.

    Notes
    -----
    A subclass defines ``_describe(self, options, /)``, which returns a
    `Report`.
    """

    __slots__ = ()

    def _describe(self, options: DescribeOptions = _PLAIN, /) -> Report:
        return Report(type(self).__name__)

    def __repr__(self) -> str:
        return self._describe(_BRIEF).to_repr()

    def __str__(self) -> str:
        return self._describe(_BRIEF).to_str()
