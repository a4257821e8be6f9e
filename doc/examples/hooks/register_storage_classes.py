# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A storage class that is a variant of another one: small images, as JSON."""

from lsst.images.plugins import StorageClassSpec, hookimpl


@hookimpl
def register_storage_classes():
    """Keep all that an image has, and store it otherwise."""
    return [
        StorageClassSpec(
            name="SmallImage",
            pytype="lsst.images:Image",
            inherits_from="ImageV2",
            write_parameters={"format": "json"},
        )
    ]
