# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Masked images with backgrounds and other parts that are no planes."""

from __future__ import annotations

__all__ = ("AnnotatedImage", "check_band")

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, Self

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
from ._unit_factor import UnitFactor

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


def check_band(band: Any) -> None:
    """Check that what is given as the name of a filter can be one.

    Parameters
    ----------
    band
        Short name of the filter, `None`, or what stands for it.

    Raises
    ------
    TypeError
        If it is something else.
    """
    if not isinstance(band, str | None) and not is_deferred(band):
        raise TypeError(f"band must be the short name of a filter, such as 'r', not {band!r}.")


class AnnotatedImage(MaskedImage):
    """Base of masked images that have more than planes.

    Subclasses define ``_parts``, and ``_unit_factor`` if they know more about
    units than what the units themselves say.

    Parameters
    ----------
    image, mask, variance, mask_schema, metadata
        As for `~lsst.images.MaskedImage`.
    projection, obs_info
        As for `~lsst.images.MaskedImage`, or what stands for one that could
        not be read.
    backgrounds
        Background models; none by default.
    """

    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None,
        variance: Image | None,
        mask_schema: MaskSchema | None,
        projection: Projection[Any] | Deferred | None,
        obs_info: ObservationInfo | Deferred | None,
        backgrounds: BackgroundMap | Deferred | None,
        metadata: dict[str, MetadataValue] | None,
    ) -> None:
        self._unreadable: dict[str, Deferred] = {}
        if is_deferred(projection):
            self._unreadable["projection"] = projection
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
        self._backgrounds = BackgroundMap() if backgrounds is None else backgrounds

    @abstractmethod
    def _parts(self) -> dict[str, Any]:
        """Return the constructor's arguments that are neither planes nor
        metadata, with what stands for those that could not be read.
        """

    def _rebuilt(
        self,
        image: Image,
        mask: Mask,
        variance: Image,
        *,
        metadata: dict[str, MetadataValue],
        parts: dict[str, Any],
    ) -> Self:
        """Make an image like this one of other planes and parts."""
        return type(self)(image, mask=mask, variance=variance, metadata=metadata, **parts)

    def _view(self, bbox: Box) -> Self:
        return self._rebuilt(
            self._image[bbox],
            self._mask[bbox],
            self._variance[bbox],
            metadata=self._metadata,
            parts=self._parts(),
        )

    @property
    def projection(self) -> Projection[Any] | None:
        """The projection that maps the pixel grid to the sky
        (`Projection` | `None`).
        """
        return available(self._unreadable.get("projection", self._image.projection))

    @property
    def backgrounds(self) -> BackgroundMap:
        """The background models (`~lsst.images.BackgroundMap`).

        Use `apply_background` to change which of them is subtracted.
        """
        return available(self._backgrounds)

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
            Name of one of the `backgrounds`; `None` for none of them.

        Raises
        ------
        KeyError
            If there is no background of that name.
        astropy.units.UnitConversionError
            If the unit of a background does not convert to that of the image.
        ValueError
            If the pixels are read-only, or of an integer type that cannot
            hold the result.

        Notes
        -----
        After an error, pixels and backgrounds are as they were.

        Views share their pixels with this image, but not the record of what
        is subtracted: what happens to a subimage is not noted here.
        """
        backgrounds = self.backgrounds
        current = backgrounds.subtracted
        if name is not None and name not in backgrounds:
            raise KeyError(f"No background is named {name!r}; there are {list(backgrounds)}.")
        if name == (None if current is None else current.name):
            return
        pixels = self._image.array
        if current is not None:
            pixels = pixels + self._render_background(current.field)
        if name is not None:
            pixels = pixels - self._render_background(backgrounds[name].field)
        changed = BackgroundMap(backgrounds.values(), name)
        store(self._image.array, pixels)
        # A new map: the old one belongs to views of other pixels as well.
        self._backgrounds = changed

    def _render_background(self, field: BaseField) -> np.ndarray:
        """Evaluate a background in the unit of the image.

        One without unit was made for pixels in the unit they have now.
        """
        dtype = self._image.array.dtype
        values = field.render(self.bbox, dtype=dtype if dtype.kind == "f" else np.float64).array
        if field.unit is None or field.unit == self.unit:
            return values
        return self._unit_factor(field.unit, self.unit).apply(values)

    def _unit_factor(self, unit: u.UnitBase | None, target: u.UnitBase | None) -> UnitFactor:
        """Find what converts pixel values.

        Parameters
        ----------
        unit, target
            Unit they have, and unit they are wanted in.

        Raises
        ------
        astropy.units.UnitConversionError
            If the units do not convert.
        """
        if unit is None or target is None:
            raise UnitConversionError(f"There is no conversion from unit {unit} to {target}.")
        return UnitFactor(float(unit.to(target)))
