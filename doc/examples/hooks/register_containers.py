# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A file format: here JSON under a name of the survey's own."""

from lsst.images.plugins import ContainerSpec, hookimpl


@hookimpl
def register_containers():
    """Name the extension and the two classes that read and write."""
    return [
        ContainerSpec(
            name="survey-json",
            extensions=(".surveyjson",),
            input_archive="lsst.images.json:JsonInputArchive",
            output_archive="lsst.images.json:JsonOutputArchive",
            recognizes=lambda head: False,
        )
    ]
