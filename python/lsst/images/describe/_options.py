# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Options of reports."""

from __future__ import annotations

__all__ = ("DescribeOptions",)

import dataclasses


@dataclasses.dataclass(frozen=True)
class DescribeOptions:
    """The level of detail of a report.

    Parameters
    ----------
    brief
        Whether to create a one-line summary, without children and without
        expensive computations.
    detail
        Whether to include statistics of pixels.
    exclude
        Labels of fields and keys of children to omit.
    """

    brief: bool = False
    detail: bool = False
    exclude: frozenset[str] = frozenset()

    def for_child(self, *exclude: str) -> DescribeOptions:
        """Return the options for the report of a part of the object.

        Parameters
        ----------
        *exclude
            Labels and keys to omit from the child; these replace ``exclude``.
        """
        return DescribeOptions(self.brief, self.detail, frozenset(exclude))
