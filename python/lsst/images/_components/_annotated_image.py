# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The base class of masked images with components."""

from __future__ import annotations

__all__ = ("AnnotatedImage", "check_band")

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

import astropy.units as u
import numpy as np

from .._geom import Box
from .._pixels import Image, Mask, MaskedImage, MaskSchema
from .._pixels._units import store
from .._transforms import Projection
from ..errors import UnitConversionError
from ..fields import BackgroundMap, BaseField
from ..serialization import MetadataValue, attach_from
from ..serialization._deferred import Deferred, available, is_deferred
from ..utils import short_repr
from ._component import Component, components_of
from ._unit_factor import UnitFactor

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


def check_band(band: Any) -> None:
    """Check that a value is the name of a filter.

    Parameters
    ----------
    band
        Short name of the filter.

    Raises
    ------
    TypeError
        If it is not a string.
    """
    if not isinstance(band, str):
        raise TypeError(f"Invalid band {short_repr(band)}: expected the short name of a filter, such as 'r'.")


class AnnotatedImage(MaskedImage):
    """Base class of masked images with components.

    Subclasses declare components with `Component`, and override
    ``_unit_factor`` if units convert in other ways than by their definition.

    Parameters
    ----------
    image, mask, variance, mask_schema, metadata
        As for `~lsst.images.MaskedImage`.
    projection, obs_info
        As for `~lsst.images.MaskedImage`, or the placeholder of one that
        cannot be read.
    **components
        Values of the declared components by name, or the placeholders of
        those that cannot be read.

    Raises
    ------
    TypeError
        If the class does not declare a component of that name.
    """

    backgrounds = Component[BackgroundMap](
        "The background models (`~lsst.images.BackgroundMap`); `apply_background` changes which of them is "
        "subtracted.",
        storage_class="BackgroundMap",
        default=BackgroundMap,
        copied="always",
        report_section=True,
    )

    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_schema: MaskSchema | None = None,
        projection: Projection[Any] | Deferred | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
        **components: Any,
    ) -> None:
        declared = components_of(type(self))
        if unknown := sorted(components.keys() - declared.keys()):
            raise TypeError(
                f"{type(self).__name__}() got unexpected keyword arguments {unknown}; "
                f"its components are {sorted(declared)}."
            )
        self._unreadable_projection: Deferred | None = None
        if is_deferred(projection):
            self._unreadable_projection = projection
            projection, image = None, image.view(projection=None)
        super().__init__(
            image,
            mask=mask,
            variance=variance,
            mask_schema=mask_schema,
            projection=projection,
            obs_info=obs_info,
            metadata=metadata,
        )
        for name, component in declared.items():
            component.store(self, components.get(name))

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__signature__ = _signature_with_components(cls)

    __signature__: ClassVar[inspect.Signature]
    """Signature of the constructor, with the declared components."""

    @classmethod
    def _assemble(
        cls,
        image: Image,
        mask: Mask,
        variance: Image,
        *,
        metadata: dict[str, MetadataValue],
        components: Mapping[str, Any],
    ) -> Self:
        """Make an image of planes and components, even if some are missing."""
        return cls(image, mask=mask, variance=variance, metadata=metadata, **components)

    @property
    def _projection_or_deferred(self) -> Projection[Any] | Deferred | None:
        """The projection, or the placeholder of one that cannot be read."""
        return self._image.projection if self._unreadable_projection is None else self._unreadable_projection

    def _component_values(self) -> dict[str, Any]:
        """Return the values of the components, with placeholders.

        The projection is included only if it cannot be read, since the planes
        have it otherwise.
        """
        return self._with_unreadable_projection(
            {name: component.stored(self) for name, component in components_of(type(self)).items()}
        )

    def _copied_components(self, *, requested: bool = False) -> dict[str, Any]:
        """Return the same, with copies of the values that can change."""
        return self._with_unreadable_projection(
            {
                name: component.copy_of(self, requested=requested)
                for name, component in components_of(type(self)).items()
            }
        )

    def _subset_components(self, bbox: Box) -> dict[str, Any]:
        """Return the values of the components of a subimage."""
        return self._with_unreadable_projection(
            {name: component.subset_of(self, bbox) for name, component in components_of(type(self)).items()}
        )

    def _with_unreadable_projection(self, values: dict[str, Any]) -> dict[str, Any]:
        if self._unreadable_projection is not None:
            values["projection"] = self._unreadable_projection
        return values

    def _view(self, bbox: Box) -> Self:
        return self._assemble(
            self._image[bbox],
            self._mask[bbox],
            self._variance[bbox],
            metadata=self._metadata,
            components=self._subset_components(bbox),
        )

    def copy(self) -> Self:
        """Deep-copy the planes; copy the metadata and the mutable components.

        Returns
        -------
        copy
            Shares the immutable components with this image.
        """
        return self._copy()

    def _copy(self, *, requested: bool = False) -> Self:
        result = self._assemble(
            self._image.copy(),
            self._mask.copy(),
            self._variance.copy(),
            metadata=self._metadata.copy(),
            components=self._copied_components(requested=requested),
        )
        return self._with_attachments_of(result, whole=False)

    @property
    def projection(self) -> Projection[Any] | None:
        """The projection that maps the pixel grid to the sky
        (`Projection` | `None`).
        """
        return available(self._projection_or_deferred)

    def as_masked_image(self) -> MaskedImage:
        """Make a plain masked image that shares the planes and metadata.

        Returns
        -------
        masked_image
            The planes alone, with the projection and the observation
            information.
        """
        result = MaskedImage(self._image, mask=self._mask, variance=self._variance, metadata=self._metadata)
        attach_from(result, self, whole=True)
        return result

    # Backgrounds.

    def apply_background(self, name: str | None) -> None:
        """Change which background is subtracted from the pixels.

        The background that is subtracted now is added to the image plane
        again, in place, before the other one is subtracted.

        Parameters
        ----------
        name
            Name of one of the `backgrounds`; `None` to subtract none of them.

        Raises
        ------
        KeyError
            If the background does not exist.
        astropy.units.UnitConversionError
            If the unit of a background does not convert to that of the image.
        ValueError
            If the pixels are read-only, or of an integer type that cannot
            hold the result.

        Notes
        -----
        After an error, pixels and backgrounds are as they were.

        Views share their pixels with this image, but not the record of which
        background is subtracted: changing a subimage does not change the
        record of this image.
        """
        backgrounds = self.backgrounds
        current = backgrounds.subtracted
        if name is not None and name not in backgrounds:
            raise KeyError(
                f"Background {short_repr(name)} does not exist; expected one of {list(backgrounds)}."
            )
        if name == (None if current is None else current.name):
            return
        pixels = self._image.array
        if current is not None:
            pixels = pixels + self._render_background(current.field)
        if name is not None:
            pixels = pixels - self._render_background(backgrounds[name].field)
        changed = BackgroundMap(backgrounds.values(), name)
        store(self._image.array, pixels)
        # Other views of these pixels keep the old map.
        AnnotatedImage.backgrounds.store(self, changed)

    def _render_background(self, field: BaseField) -> np.ndarray:
        """Evaluate a background in the unit of the image.

        A background without a unit is in the unit of the image.
        """
        dtype = self._image.array.dtype
        values = field.render(self.bbox, dtype=dtype if dtype.kind == "f" else np.float64).array
        if field.unit is None or field.unit == self.unit:
            return values
        return self._unit_factor(field.unit, self.unit).apply(values)

    def _unit_factor(self, unit: u.UnitBase | None, target: u.UnitBase | None) -> UnitFactor:
        """Return the factor that converts pixel values from one unit to another.

        Parameters
        ----------
        unit, target
            Unit of the pixel values, and the unit to convert to.

        Raises
        ------
        astropy.units.UnitConversionError
            If the units do not convert.
        """
        if unit is None or target is None:
            raise UnitConversionError(f"Cannot convert pixels from unit {unit} to {target}.")
        return UnitFactor(float(unit.to(target)))


def _signature_with_components(cls: type[AnnotatedImage]) -> inspect.Signature:
    """Return the signature of a constructor, components in place of ``**components``."""
    parameters = list(inspect.signature(cls.__init__).parameters.values())[1:]
    named = {parameter.name for parameter in parameters}
    kept = [parameter for parameter in parameters if parameter.kind is not inspect.Parameter.VAR_KEYWORD]
    extra = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None)
        for name in components_of(cls)
        if name not in named
    ]
    return inspect.Signature([*kept, *extra])
