# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Protocol and base class of types that define their own report."""

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
    """Protocol of objects with a report."""

    def _describe(self, options: DescribeOptions = _PLAIN, /) -> Report: ...

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
            The report.
        """
        ...


class DescribableMixin(Described):
    """Base class of types whose ``repr`` and ``str`` are derived from their report.

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
