# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Register the NDF container."""

from __future__ import annotations

__all__ = ("register_containers",)

from ..plugins import ContainerSpec, hookimpl

HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"
"""First bytes of a file without a user block; HDF5 File Format 3.0, II.A."""


@hookimpl
def register_containers() -> list[ContainerSpec]:
    """Register the NDF container."""
    return [
        ContainerSpec(
            name="ndf",
            extensions=(".sdf", ".h5"),
            input_archive="lsst.images.ndf._input_archive:NdfInputArchive",
            output_archive="lsst.images.ndf._output_archive:NdfOutputArchive",
            recognizes=lambda head: head.startswith(HDF5_SIGNATURE),
        )
    ]
