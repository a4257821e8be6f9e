# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The NDF container: Starlink NDFs, stored as HDS in HDF5 files.

The optional package h5py is imported when the first file is opened; a
`~lsst.images.errors.MissingOptionalDependencyError` is raised if it is not
installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._aliases import moved_names

if TYPE_CHECKING:
    from ._input_archive import NdfInputArchive
    from ._names import HdsNameShrinker, archive_path_to_hdf5_path, archive_path_to_hdf5_path_components
    from ._output_archive import NdfOutputArchive
    from ._pointer import NdfPointerModel
    from ._verbs import read_starlink

__all__ = (
    "HdsNameShrinker",
    "NdfInputArchive",
    "NdfOutputArchive",
    "NdfPointerModel",
    "archive_path_to_hdf5_path",
    "archive_path_to_hdf5_path_components",
    "read_starlink",
)

__getattr__ = moved_names(__name__)
