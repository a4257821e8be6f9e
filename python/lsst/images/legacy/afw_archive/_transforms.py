# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Transforms, and the transform maps of cameras."""

from __future__ import annotations

__all__ = (
    "CameraSystem",
    "LegacyTransform",
    "LegacyTransformMap",
    "decode_transform",
    "decode_transform_map",
)

import dataclasses
from typing import Any, NamedTuple

from ...errors import CorruptArchiveError
from ._ast_text import split_ast_text
from ._entries import LegacyEntry
from ._reader import LegacyArchive
from ._rows import LegacyRows


@dataclasses.dataclass(frozen=True)
class LegacyTransform:
    """A transform between two coordinate systems.

    Parameters
    ----------
    ast_text
        Native text of an AST mapping or frame set.
    class_name
        Name of the archived class, for example ``TransformPoint2ToPoint2``.
    """

    ast_text: str
    class_name: str


class CameraSystem(NamedTuple):
    """A coordinate system of a camera.

    ``FocalPlane`` (mm) and ``FieldAngle`` (radians) belong to the camera;
    ``Pixels``, ``ActualPixels`` and ``TanPixels`` belong to a detector.
    """

    name: str
    """Name of the coordinate system."""

    detector: str
    """Name of the detector, or an empty string."""


@dataclasses.dataclass(frozen=True)
class LegacyTransformMap:
    """Transforms that connect the coordinate systems of a camera.

    Parameters
    ----------
    edges
        Origin, target, and reference to a `LegacyTransform`.
    """

    edges: tuple[tuple[CameraSystem, CameraSystem, Any], ...]

    @property
    def systems(self) -> tuple[CameraSystem, ...]:
        """All systems, in the order in which they occur."""
        return tuple(dict.fromkeys([system for edge in self.edges for system in edge[:2]]))

    def path(self, origin: CameraSystem, target: CameraSystem) -> list[tuple[Any, bool]]:
        """Find the transforms from one system to another.

        Parameters
        ----------
        origin, target
            The systems.

        Returns
        -------
        steps
            References to `LegacyTransform` in the order in which they apply,
            and whether the inverse of each applies.

        Raises
        ------
        CorruptArchiveError
            If no transforms connect the systems.
        """
        paths: dict[CameraSystem, list[tuple[Any, bool]]] = {origin: []}
        edges: dict[CameraSystem, list[tuple[CameraSystem, Any, bool]]] = {}
        for start, end, transform in self.edges:
            edges.setdefault(start, []).append((end, transform, False))
            edges.setdefault(end, []).append((start, transform, True))
        queue = [origin]
        for system in queue:
            for end, transform, backwards in edges.get(system, ()):
                if end not in paths:
                    paths[end] = [*paths[system], (transform, backwards)]
                    queue.append(end)
        if target not in paths:
            raise CorruptArchiveError(
                f"no transforms connect {origin} with {target}; the map has {self.systems}"
            )
        return paths[target]


def decode_transform(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyTransform:
    """Decode a transform between points of any kind.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    found = split_ast_text(tables[0].one().blob("bytes"))
    return LegacyTransform(found.text, found.class_name)


def decode_transform_map(
    archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]
) -> LegacyTransformMap:
    """Decode a ``TransformMap``, old or new.

    Parameters
    ----------
    archive, entry, tables
        See `LegacyDecoder`.
    """
    if len(tables) == 1:
        rows = tables[0]
        origins, targets = _systems(rows, "fromSys"), _systems(rows, "toSys")
    else:
        # Before 2018 the systems were stored in a table of their own.
        rows = tables[1]
        names, detectors = tables[0].texts("sysName"), tables[0].texts("detectorName")
        systems = dict(zip(tables[0].integers("id"), map(CameraSystem, names, detectors), strict=True))
        origins = [systems[number] for number in rows.integers("from")]
        targets = [systems[number] for number in rows.integers("to")]
    references = archive.references(rows.integers("transform"))
    return LegacyTransformMap(tuple(zip(origins, targets, references, strict=True)))


def _systems(rows: LegacyRows, prefix: str) -> list[CameraSystem]:
    return list(map(CameraSystem, rows.texts(f"{prefix}Name"), rows.texts(f"{prefix}DetectorName")))
