# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""NDFs: the files of Starlink, in HDS on HDF5.

The optional package h5py is imported when the first file is opened, and a
`~lsst.images.errors.MissingOptionalDependencyError` names it where it lacks.
"""

from __future__ import annotations

from .._aliases import moved_names
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
