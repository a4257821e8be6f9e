# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A plugin with a container of its own: ZIP files that hold the JSON tree."""

from __future__ import annotations

import io
import zipfile
from typing import IO, Any, Self

from lsst.images.json import JsonInputArchive, JsonOutputArchive
from lsst.images.plugins import ContainerSpec, hookimpl
from lsst.images.serialization import ArchiveTree
from lsst.resources import ResourcePath

MEMBER = "tree.json"


class ZipInputArchive(JsonInputArchive):
    CONTAINER = "zipped"

    @classmethod
    def open(cls, target: Any, *, partial: bool = True) -> Self:
        stream = target if hasattr(target, "seek") else io.BytesIO(ResourcePath(target).read())
        with zipfile.ZipFile(stream) as file:
            return super().open(io.BytesIO(file.read(MEMBER)), partial=partial)


class ZipOutputArchive(JsonOutputArchive):
    CONTAINER = "zipped"

    def __init__(self, stream: IO[bytes]) -> None:
        self.tree = io.BytesIO()
        super().__init__(self.tree)
        self.target = stream

    def finish(self, tree: ArchiveTree) -> None:
        super().finish(tree)
        with zipfile.ZipFile(self.target, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(MEMBER, self.tree.getvalue())


@hookimpl
def register_containers() -> list[ContainerSpec]:
    return [
        ContainerSpec(
            name="zipped",
            extensions=(".imagezip", ".zimage"),
            input_archive=f"{__name__}:ZipInputArchive",
            output_archive=f"{__name__}:ZipOutputArchive",
            recognizes=lambda head: head.startswith(b"PK\x03\x04"),
        )
    ]
