# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Registration of the FITS container."""

from __future__ import annotations

__all__ = ("register_containers",)

from ..plugins import ContainerSpec, hookimpl


@hookimpl
def register_containers() -> list[ContainerSpec]:
    """Declare the FITS container."""
    return [
        ContainerSpec(
            name="fits",
            extensions=(".fits", ".fits.fz", ".fit"),
            input_archive="lsst.images.fits._archive._input_archive:FitsInputArchive",
            output_archive="lsst.images.fits._archive._output_archive:FitsOutputArchive",
            recognizes=lambda head: head.startswith(b"SIMPLE  ="),
            formatter_options=frozenset({"compression_options", "compression_seed", "primary_cards"}),
        )
    ]
