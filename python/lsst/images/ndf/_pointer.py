# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How a tree in an NDF points at a sub-tree that several branches share."""

from __future__ import annotations

__all__ = ("NdfPointerModel",)

import pydantic


class NdfPointerModel(pydantic.BaseModel):
    """A pointer of the NDF container.

    Parameters
    ----------
    path
        Absolute HDF5 path of the sub-tree, ``/MORE/LSST/CAMERA/JSON`` for
        instance.
    """

    path: str
