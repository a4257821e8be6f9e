# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Subcommands of the standard ``butler`` command line.

The Butler loads them through the entry point ``butler.cli`` or, with EUPS,
through ``resources.yaml`` in ``DAF_BUTLER_PLUGINS``.  Options have the names that
the Butler's own commands use.
"""

from __future__ import annotations

__all__ = (
    "describe_image",
    "get_cli_subcommands",
    "image_cutouts",
    "ingest_images",
    "register_image_dataset_types",
    "verify_images",
)

import click

from ._cutouts import image_cutouts
from ._describe import describe_image
from ._ingest import ingest_images
from ._register import register_image_dataset_types
from ._verify import verify_images


def get_cli_subcommands() -> list[click.Command]:
    """Return the subcommands, for the entry point ``butler.cli``."""
    return [register_image_dataset_types, ingest_images, image_cutouts, describe_image, verify_images]
