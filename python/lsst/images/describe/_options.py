# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How much a report says."""

from __future__ import annotations

__all__ = ("DescribeOptions",)

import dataclasses


@dataclasses.dataclass(frozen=True)
class DescribeOptions:
    """How much a report says.

    Parameters
    ----------
    brief
        Whether a line must do: no children, and nothing that costs time.
    detail
        Whether to look at pixels, too.
    exclude
        Labels of fields and keys of children that are left out.
    """

    brief: bool = False
    detail: bool = False
    exclude: frozenset[str] = frozenset()

    def for_child(self, *exclude: str) -> DescribeOptions:
        """Return the options for a part of what is described.

        Parameters
        ----------
        *exclude
            What to leave out of the child; it replaces ``exclude``.
        """
        return DescribeOptions(self.brief, self.detail, frozenset(exclude))
