# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A preset for ``butler register-image-dataset-types``."""

from lsst.images.plugins import DatasetTypeSpec, hookimpl


@hookimpl
def register_dataset_types():
    """Declare name, dimensions and storage class of the dataset type."""
    return [
        DatasetTypeSpec(
            name="sky_frame",
            dimensions=("instrument", "detector", "physical_filter"),
            storage_class="ImageV2",
            description="The mean sky of a night.",
        )
    ]
