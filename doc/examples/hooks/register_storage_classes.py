# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A variant of a storage class: small images that are stored as JSON."""

from lsst.images.plugins import StorageClassSpec, hookimpl


@hookimpl
def register_storage_classes():
    """Declare a storage class that inherits all components of ``ImageV2``."""
    return [
        StorageClassSpec(
            name="SmallImage",
            pytype="lsst.images:Image",
            inherits_from="ImageV2",
            write_parameters={"format": "json"},
        )
    ]
