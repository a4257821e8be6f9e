# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A file format: here JSON with another file name extension."""

from lsst.images.plugins import ContainerSpec, hookimpl


@hookimpl
def register_containers():
    """Declare the extension and the classes that read and write."""
    return [
        ContainerSpec(
            name="survey-json",
            extensions=(".surveyjson",),
            input_archive="lsst.images.json:JsonInputArchive",
            output_archive="lsst.images.json:JsonOutputArchive",
            recognizes=lambda head: False,
        )
    ]
