# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pointers in the tree of an NDF to subtrees that are stored once."""

from __future__ import annotations

__all__ = ("NdfPointerModel",)

import pydantic


class NdfPointerModel(pydantic.BaseModel):
    """A pointer to a subtree in an NDF.

    Parameters
    ----------
    path
        Absolute HDF5 path of the subtree, for instance
        ``/MORE/LSST/CAMERA/JSON``.
    """

    path: str
