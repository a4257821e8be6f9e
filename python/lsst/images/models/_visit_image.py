# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of visit images."""

from __future__ import annotations

__all__ = ("VisitImageSerializationModel",)

import warnings
from typing import Any, ClassVar

import pydantic

from .._components import AnnotatedImage, Component
from .._exposures import VisitImage
from .._exposures._validity import clip_bounds
from .._geom import Bounds, BoundsSerializationModel, Box, serialize_bounds
from ..errors import CorruptArchiveError, ImagesWarning, LossyConversionWarning
from ..psfs import PointSpreadFunction
from ..serialization import InputArchive, OutputArchive, UnreadableTree, component, omit_if_none
from ..serialization._deferred import available
from ._annotated_image import AnnotatedImageTree
from ._cameras import DetectorSerializationModel
from ._corruption import reading
from ._deferrable import Deferrable, make_placeholder, serialize_field
from ._field_maps import ApertureCorrectionMapSerializationModel
from ._fields import FieldSerializationModel
from ._obs_info import DeferrableObsInfo
from ._psfs import PSFSerializationModel
from ._summary_stats import ObservationSummaryStatsSerializationModel

EXPECTED_FIELDS = ("sky_projection", "psf", "obs_info", "detector", "band")
"""Fields without which other readers may refuse a file."""


class VisitImageSerializationModel(AnnotatedImageTree, schema="visit_image", version="1.1.0"):
    """Serialization model of `~lsst.images.VisitImage`."""

    IMAGE_TYPE: ClassVar[type[AnnotatedImage]] = VisitImage

    obs_info: DeferrableObsInfo = pydantic.Field(
        default=None, description="General information about the observation.", repr=False
    )
    photometric_scaling: FieldSerializationModel | None = pydantic.Field(
        default=None, description="Field by which pixels are multiplied to calibrate them."
    )
    summary_stats: Deferrable[ObservationSummaryStatsSerializationModel] = pydantic.Field(
        default=None, description="Statistics of the observation."
    )
    detector: Deferrable[DetectorSerializationModel] = pydantic.Field(
        default=None, description="Geometry and electronics of the detector."
    )
    aperture_corrections: Deferrable[ApertureCorrectionMapSerializationModel] = pydantic.Field(
        default=None, description="Aperture corrections by name of the algorithm."
    )
    bounds: Deferrable[BoundsSerializationModel] = omit_if_none(
        description="Region of valid pixels, if it differs from the box of the image."
    )
    psf: PSFSerializationModel | None = pydantic.Field(default=None, description="The PSF.")
    band: Deferrable[str] = pydantic.Field(default=None, description="Short name of the filter.")

    @classmethod
    def serialize_annotated(
        cls, obj: AnnotatedImage, archive: OutputArchive, *, tile_shape: tuple[int, int] | None = None
    ) -> dict[str, Any]:
        members = super().serialize_annotated(obj, archive, tile_shape=tile_shape)
        if missing := [name for name in EXPECTED_FIELDS if members[name] is None]:
            warnings.warn(
                f"This {type(obj).__name__} is written without {', '.join(missing)}; other readers may "
                "refuse the file.",
                ImagesWarning,
                stacklevel=6,
            )
        return members

    @classmethod
    def serialize_component(cls, name: str, value: Any, obj: Any, archive: OutputArchive) -> Any:
        if isinstance(value, PointSpreadFunction) and not value.IS_SERIALIZABLE:
            warnings.warn(
                f"The psf of this {type(obj).__name__} is not written: a {type(value).__name__} is evaluated "
                "by an object in memory. Replace it by a sampled PSF to keep it.",
                LossyConversionWarning,
                stacklevel=8,
            )
            return None
        if name != "bounds":
            return super().serialize_component(name, value, obj, archive)
        if isinstance(value, Box) and value == obj.bbox:
            return None
        return serialize_field(name, value, archive, lambda bounds, _: serialize_bounds(bounds))

    def deserialize_component_field(
        self, declared: Component[Any], archive: InputArchive, bbox: Box | None = None
    ) -> Any:
        if declared is not VisitImage.bounds:
            return super().deserialize_component_field(declared, archive, bbox)
        return self._read_bounds(self.image.bbox if bbox is None else bbox)

    def _read_bounds(self, bbox: Box) -> Any:
        """Return the region of valid pixels in a box, or a placeholder."""
        if self.bounds is None or isinstance(self.bounds, UnreadableTree):
            return self.bounds
        try:
            with reading("region of valid pixels"):
                return clip_bounds(self.bounds.deserialize(), bbox)
        except CorruptArchiveError as err:
            return make_placeholder(self.bounds, BoundsSerializationModel, err)

    @component("bounds", needs=("bounds", "image"))
    def _bounds(self, archive: InputArchive) -> Bounds:
        bounds: Bounds | None = available(self._read_bounds(self.image.bbox))
        return self.image.bbox if bounds is None else bounds

    @component("physical_filter", needs=("obs_info", "image"))
    def _physical_filter(self, archive: InputArchive) -> str | None:
        obs_info = self._obs_info(archive)
        return None if obs_info is None else obs_info.physical_filter
