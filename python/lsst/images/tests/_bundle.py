# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Example types that use all features of archives, for tests."""

from __future__ import annotations

__all__ = (
    "Bundle",
    "BundleModel",
    "BundlePlugin",
    "GUESTS",
    "Guest",
    "GuestModel",
    "GuestPlugin",
    "NamedArray",
    "NamedTable",
    "SharedModel",
    "bundle_types",
)

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, Self

import astropy.table
import astropy.units as u
import numpy as np
import pydantic

from .._geom import Box
from ..io import Serializable
from ..plugins import DatasetSpec, hookimpl, registry
from ..serialization import (
    AnyArrayModel,
    ArchiveTree,
    ArrayHints,
    InputArchive,
    OutputArchive,
    Pointer,
    Polymorphic,
    TableModel,
    UnreadableTree,
    component,
    omit_if_none,
    split_quantity,
)

SHARED_KEY = "shared"

BUNDLES, GUESTS = "lsst-images-tests-bundles", "lsst-images-tests-guests"
"""Names of the plugins that declare the types of this module."""


class Guest(Serializable):
    """A part whose plugin may be missing when a file is read.

    Parameters
    ----------
    text
        Text, stored in the tree.
    array
        Array, stored outside the tree by most containers; optional.
    """

    def __init__(self, text: str, array: np.ndarray | None = None) -> None:
        self.text = text
        self.array = array


class GuestModel(ArchiveTree, schema="lsst_images_tests.guest", version="1.0.0"):
    """Serialization model of `Guest`."""

    text: str
    array: AnyArrayModel | None = omit_if_none()

    @classmethod
    def serialize(cls, obj: Guest, archive: OutputArchive) -> Self:
        """Write a guest.

        Parameters
        ----------
        obj
            The guest.
        archive
            Archive to write to.

        Returns
        -------
        tree
            The tree.
        """
        array = None if obj.array is None else archive.add_array(obj.array)
        return cls(text=obj.text, array=array)

    def deserialize(self, archive: InputArchive) -> Guest:
        """Make the guest.

        Parameters
        ----------
        archive
            Archive to read from.
        """
        return Guest(self.text, None if self.array is None else archive.get_array(self.array))


@dataclasses.dataclass(eq=False)
class Bundle(Serializable):
    """Named arrays, tables and nested bundles.

    Parameters
    ----------
    arrays
        Names and arrays; `astropy.units.Quantity` for those with units.
    tables
        Names and tables.
    records
        Names and structured arrays.
    parts
        Names and parts.
    guest
        A part of any type, or the placeholder of an unreadable subtree.
    shared
        Text of a subtree that is stored once and referenced twice.
    frames
        Text that is stored as a frame set.
    bbox
        Bounding box of all arrays with two or more axes; optional.
    metadata
        Metadata of the tree.
    shared_objects
        The objects read for the two references to the shared subtree.
    """

    arrays: list[tuple[str, Any]] = dataclasses.field(default_factory=list)
    tables: list[tuple[str, astropy.table.Table]] = dataclasses.field(default_factory=list)
    records: list[tuple[str, np.ndarray]] = dataclasses.field(default_factory=list)
    parts: list[tuple[str, Bundle]] = dataclasses.field(default_factory=list)
    guest: Any = None
    shared: str | None = None
    frames: str | None = None
    bbox: Box | None = None
    metadata: dict[str, Any] = dataclasses.field(default_factory=dict)
    shared_objects: tuple[Any, ...] = ()


class NamedArray(pydantic.BaseModel):
    """An array of a bundle."""

    name: str
    data: AnyArrayModel


class NamedTable(pydantic.BaseModel):
    """A table of a bundle."""

    name: str
    data: TableModel


class SharedModel(pydantic.BaseModel):
    """A subtree with several references."""

    text: str
    array: AnyArrayModel


class BundleModel(ArchiveTree, schema="lsst_images_tests.bundle", version="1.0.0"):
    """Serialization model of `Bundle`."""

    arrays: list[NamedArray] = pydantic.Field(default_factory=list)
    tables: list[NamedTable] = pydantic.Field(default_factory=list)
    records: list[NamedTable] = pydantic.Field(default_factory=list)
    parts: list[tuple[str, BundleModel]] = pydantic.Field(default_factory=list)
    guest: Polymorphic[Any] | None = omit_if_none()
    shared: list[Pointer] = pydantic.Field(default_factory=list)
    frames: Pointer | None = omit_if_none()

    @classmethod
    def serialize(cls, obj: Bundle, archive: OutputArchive) -> Self:
        """Write a bundle.

        Parameters
        ----------
        obj
            The bundle.
        archive
            Archive to write to.

        Returns
        -------
        tree
            The tree.
        """
        shared: list[Pointer] = []
        if (text := obj.shared) is not None:
            shared = [
                archive.serialize_pointer(name, lambda nested: _make_shared(nested, text), SHARED_KEY)
                for name in ("first", "second")
            ]
        return cls(
            arrays=[NamedArray(name=name, data=_add(archive, name, a, obj.bbox)) for name, a in obj.arrays],
            tables=[NamedTable(name=name, data=archive.add_table(t, name=name)) for name, t in obj.tables],
            records=[
                NamedTable(name=name, data=archive.add_structured_array(array, name=name))
                for name, array in obj.records
            ],
            parts=[(name, archive.serialize_child(name, part)) for name, part in obj.parts],
            guest=_serialize_guest(obj.guest, archive),
            shared=shared,
            frames=_serialize_frames(obj, archive),
            metadata=obj.metadata,
        )

    def deserialize(self, archive: InputArchive, *, slices: Any = ...) -> Bundle:
        """Make the bundle.

        Parameters
        ----------
        archive
            Archive to read from.
        slices
            Part of each array to read; the whole by default.

        Returns
        -------
        bundle
            The bundle.
        """
        objects = tuple(
            archive.deserialize_pointer(
                pointer, SharedModel, lambda model, inner: (model.text, inner.get_array(model.array))
            )
            for pointer in self.shared
        )
        return Bundle(
            arrays=[(item.name, _get(archive, item.data, slices)) for item in self.arrays],
            tables=[(item.name, archive.get_table(item.data)) for item in self.tables],
            records=[(item.name, archive.get_structured_array(item.data)) for item in self.records],
            parts=[(name, part.deserialize(archive)) for name, part in self.parts],
            guest=self._read_guest(archive),
            shared=objects[0][0] if objects else None,
            frames=self._read_frames(archive),
            metadata=dict(self.metadata),
            shared_objects=objects,
        )

    @component("guest", needs=("guest",))
    def _component_guest(self, archive: InputArchive) -> Any:
        return None if self.guest is None else self.guest.deserialize(archive)

    @component("first_array", needs=("arrays",))
    def _first_array(self, archive: InputArchive, *, slices: Any = ...) -> Any:
        return _get(archive, self.arrays[0].data, slices)

    def _read_guest(self, archive: InputArchive) -> Any:
        if self.guest is None or isinstance(self.guest, UnreadableTree):
            return self.guest
        return self.guest.deserialize(archive)

    def _read_frames(self, archive: InputArchive) -> Any:
        if self.frames is None:
            return None
        made = archive.deserialize_pointer(self.frames, SharedModel, lambda model, _: [model.text])
        # All references to a frame set return the same object.
        found = archive.get_frame_set(self.frames)
        return made[0] if found is made else None


def _make_shared(archive: OutputArchive, text: str) -> SharedModel:
    return SharedModel(text=text, array=archive.add_array(np.arange(3), name="numbers"))


def _serialize_guest(guest: Any, archive: OutputArchive) -> Any:
    if guest is None or isinstance(guest, UnreadableTree):
        return guest
    return archive.serialize_child("guest", guest)


def _serialize_frames(obj: Bundle, archive: OutputArchive) -> Pointer | None:
    text = obj.frames
    if text is None:
        return None
    pointer = archive.serialize_frame_set(
        "frames", obj, lambda nested: _make_shared(nested, text), key=("frames", text)
    )
    known = [(frame_set is obj, other) for frame_set, other in archive.iter_frame_sets()]
    if known != [(True, pointer)]:
        raise AssertionError(f"The archive lists the frame sets {known}, expected only the serialized one.")
    return pointer


def _add(archive: OutputArchive, name: str, array: Any, bbox: Box | None) -> Any:
    if isinstance(array, u.Quantity):
        return archive.add_array(array.value, name=name, hints=ArrayHints(unit=array.unit, bbox=bbox))
    return archive.add_array(array, name=name, hints=ArrayHints(bbox=bbox if np.ndim(array) > 1 else None))


def _get(archive: InputArchive, model: Any, slices: Any) -> Any:
    array = archive.get_array(model, slices=slices)
    unit = split_quantity(model)[1]
    return array if unit is None else u.Quantity(array, unit, copy=False, dtype=array.dtype)


class BundlePlugin:
    """A plugin that declares `Bundle`."""

    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        """Declare the type."""
        return [
            DatasetSpec(
                schema="lsst_images_tests.bundle",
                pytype=f"{__name__}:Bundle",
                model=f"{__name__}:BundleModel",
            )
        ]


class GuestPlugin:
    """A plugin that declares `Guest`; tests unregister it before they read files."""

    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        """Declare the type."""
        return [
            DatasetSpec(
                schema="lsst_images_tests.guest", pytype=f"{__name__}:Guest", model=f"{__name__}:GuestModel"
            )
        ]


@contextlib.contextmanager
def bundle_types() -> Iterator[None]:
    """Return a context manager that registers the types of this module, unless they are registered."""
    plugins = {BUNDLES: BundlePlugin(), GUESTS: GuestPlugin()}
    registered = {info.name for info in registry.plugins()}
    missing = {name: plugin for name, plugin in plugins.items() if name not in registered}
    for name, plugin in missing.items():
        registry.register(plugin, name=name)
    try:
        yield
    finally:
        for name in missing:
            registry.unregister(name)
