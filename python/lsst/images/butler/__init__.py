# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a Butler needs to know of us, and what it told us.

Importing this imports `lsst.daf.butler`; nothing below this floor does.
"""

from __future__ import annotations

__all__ = ("ButlerInfo", "ImagesDelegate", "activate", "config_files", "write_config")

from ._config import activate, config_files, write_config
from ._delegate import ImagesDelegate
from ._provenance import ButlerInfo
