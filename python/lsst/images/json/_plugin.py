# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register the JSON container."""

from __future__ import annotations

__all__ = ("register_containers",)

from ..plugins import ContainerSpec, hookimpl


@hookimpl
def register_containers() -> list[ContainerSpec]:
    """Register the JSON container."""
    return [
        ContainerSpec(
            name="json",
            extensions=(".json",),
            input_archive="lsst.images.json._input_archive:JsonInputArchive",
            output_archive="lsst.images.json._output_archive:JsonOutputArchive",
            recognizes=lambda head: head.lstrip()[:1] == b"{",
        )
    ]
