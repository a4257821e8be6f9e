# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization models of masked images with components."""

from __future__ import annotations

__all__ = ("AnnotatedImageTree",)

import functools
from typing import Any, ClassVar, Self

import pydantic

from .._components import AnnotatedImage, Component, components_of
from .._geom import Box
from .._pixels import MaskedImage
from ..serialization import ArchiveTree, ComponentReader, InputArchive, OutputArchive, component
from ..serialization._deferred import available
from ._corruption import reading
from ._deferrable import Deferrable, deferrable_model, serialize_field, unless_placeholder
from ._field_maps import BackgroundMapSerializationModel
from ._lazy_projection import LazyProjection, deserialize_projection
from ._masked_image import MaskedImageSerializationModel
from ._obs_info import serialize_obs_info


class AnnotatedImageTree(MaskedImageSerializationModel):
    """Base class of serialization models of masked images with components.

    A subclass sets `IMAGE_TYPE` and has a field for each component that the
    type declares.  Components are read and written by the types of these
    fields; a subclass overrides `serialize_component` and
    `deserialize_component_field` for those that need more than that.

    Only the planes must be valid: if any other field cannot be read, the
    image has a placeholder, which raises the error when it is used.
    """

    IMAGE_TYPE: ClassVar[type[AnnotatedImage]] = AnnotatedImage
    """Type of the image."""

    sky_projection: LazyProjection = pydantic.Field(
        default=None, description="Projection that maps the pixel grid to the sky."
    )
    backgrounds: Deferrable[BackgroundMapSerializationModel] = pydantic.Field(
        default=None, description="Background models of this image."
    )

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        derived = {
            name: _component_reader(declared)
            for name, declared in components_of(cls.IMAGE_TYPE).items()
            if name in cls.model_fields and name not in cls.COMPONENTS
        }
        cls.COMPONENTS = {**cls.COMPONENTS, **derived}

    # Writing.

    @classmethod
    def serialize(cls, obj: Any, archive: OutputArchive) -> Self:
        return cls(**cls.serialize_annotated(obj, archive))

    @classmethod
    def serialize_annotated(
        cls, obj: AnnotatedImage, archive: OutputArchive, *, tile_shape: tuple[int, int] | None = None
    ) -> dict[str, Any]:
        """Write the planes, the projection and the components.

        Parameters
        ----------
        obj
            The image.
        archive
            Archive to write to.
        tile_shape
            Suggested shape ``(y, x)`` of compression tiles.

        Returns
        -------
        members
            Values of the fields of the model.

        Raises
        ------
        UnserializableTypeError
            If a component could not be read and its tree was not kept, or has
            a type without a serialization model.
        """
        members = cls.serialize_planes(obj.as_masked_image(), archive, tile_shape=tile_shape)
        values = obj._component_values()
        if (projection := values.pop("projection", None)) is not None:
            members["sky_projection"] = serialize_field("sky_projection", projection, archive)
        return {
            **members,
            "obs_info": serialize_obs_info(obj._obs_info, archive),
            **{
                name: cls.serialize_component(name, value, obj, archive)
                for name, value in values.items()
                if name in cls.model_fields
            },
        }

    @classmethod
    def serialize_component(cls, name: str, value: Any, obj: Any, archive: OutputArchive) -> Any:
        """Write a component.

        Parameters
        ----------
        name
            Name of the component.
        value
            Its value, the placeholder of one that could not be read, or
            `None`.
        obj
            The image.
        archive
            Archive to write to.

        Returns
        -------
        member
            Value of the field of the model.
        """
        model = deferrable_model(cls.model_fields[name])
        if model is not None and not (isinstance(model, type) and issubclass(model, ArchiveTree)):
            return serialize_field(name, value, archive, lambda plain, _: plain)
        # The type of a dictionary does not determine the model that writes it.
        serialize = model.serialize if model is not None and isinstance(value, dict) else None
        return serialize_field(name, value, archive, serialize)

    # Reading.

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Any:
        return self.deserialize_annotated(archive, bbox=bbox)

    def deserialize_annotated(
        self, archive: InputArchive, *, bbox: Box | None = None, skip: frozenset[str] = frozenset()
    ) -> Any:
        """Read the planes, the projection and the components.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.
        skip
            Names of components to leave out.

        Returns
        -------
        image
            The image, of type `IMAGE_TYPE`.  Components that cannot be read
            raise when they are used.
        """
        planes = self.deserialize_planes(archive, bbox=bbox)
        components = {
            name: self.deserialize_component_field(declared, archive, bbox)
            for name, declared in components_of(self.IMAGE_TYPE).items()
            if name in type(self).model_fields and name not in skip
        }
        with reading(self.SCHEMA_NAME.replace("_", " ")):
            return self.IMAGE_TYPE._assemble(
                planes.image,
                planes.mask,
                planes.variance,
                metadata=planes.metadata,
                components={
                    "projection": self.read_projection(archive),
                    "obs_info": self.obs_info,
                    **self.adjust_components(components, bbox),
                },
            )

    def adjust_components(self, components: dict[str, Any], bbox: Box | None) -> dict[str, Any]:
        """Adjust components that depend on each other.

        Parameters
        ----------
        components
            Values by name, with placeholders for those that cannot be read.
        bbox
            Pixels that are read instead of all.

        Returns
        -------
        components
            Values by name.
        """
        return components

    def deserialize_component_field(
        self, declared: Component[Any], archive: InputArchive, bbox: Box | None = None
    ) -> Any:
        """Read a component.

        Parameters
        ----------
        declared
            Its declaration.
        archive
            Archive to read from.
        bbox
            Pixels that are read instead of all.

        Returns
        -------
        value
            The value, a placeholder if it cannot be read, or `None`.
        """

        def make(field: Any) -> Any:
            value = field.deserialize(archive) if hasattr(field, "deserialize") else field
            if declared.check is not None:
                declared.check(value)
            return value

        field = getattr(self, declared.name)
        return unless_placeholder(field, type(field), make)

    def deserialize_planes(self, archive: InputArchive, *, bbox: Box | None = None) -> MaskedImage:
        # Without the projection and the observation information, which the
        # image gets with its components.
        bare = self.model_copy(update={"sky_projection": None, "obs_info": None})
        return MaskedImageSerializationModel.deserialize_planes(bare, archive, bbox=bbox)

    @component("masked_image", needs=("image", "mask", "variance", "sky_projection", "obs_info", "metadata"))
    def _masked_image(self, archive: InputArchive, *, bbox: Box | None = None) -> MaskedImage:
        planes = self.deserialize_planes(archive, bbox=bbox)
        return MaskedImage(
            planes.image,
            mask=planes.mask,
            variance=planes.variance,
            projection=deserialize_projection(self.sky_projection, archive),
            obs_info=self.obs_info,
            metadata=planes.metadata,
        )


def _component_reader(declared: Component[Any]) -> ComponentReader:
    """Make the reader of a component that needs only its own field."""
    read = functools.partial(_read_component, declared)
    return ComponentReader(declared.name, (declared.name,), read, frozenset())


def _read_component(declared: Component[Any], model: AnnotatedImageTree, archive: InputArchive) -> Any:
    value = available(model.deserialize_component_field(declared, archive))
    return declared.value_if_missing() if value is None else value
