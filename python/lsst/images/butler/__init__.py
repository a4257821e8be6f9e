# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Butler configuration, ingest, provenance, verification and cutouts.

Importing this package imports `lsst.daf.butler`; the packages below this one
in the architecture do not.
"""

from __future__ import annotations

__all__ = (
    "ButlerInfo",
    "Cutout",
    "ImagesDelegate",
    "IngestReport",
    "PlannedFile",
    "activate",
    "config_files",
    "describe_file",
    "find_files",
    "image_region",
    "ingest_images",
    "is_repository",
    "iter_cutouts",
    "read_cutouts",
    "register_dataset_types",
    "verify_dataset",
    "verify_file",
    "write_config",
    "write_repo_config",
)

from ._config import activate, config_files, write_config
from ._cutouts import Cutout, iter_cutouts, read_cutouts
from ._delegate import ImagesDelegate
from ._describe import describe_file
from ._ingest import IngestReport, PlannedFile, find_files, ingest_images
from ._provenance import ButlerInfo
from ._regions import image_region
from ._register import register_dataset_types
from ._repo_config import is_repository, write_repo_config
from ._verify import verify_dataset, verify_file
