# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How visit images are packed and unpacked."""

from __future__ import annotations

__all__ = ("VisitImageSerializationModel",)

import warnings
from typing import Any, Self, TypeVar

import pydantic

from .._exposures import ObservationSummaryStats, VisitImage
from .._exposures._validity import clip_bounds
from .._exposures._visit_image import check_scaling
from .._geom import Bounds, BoundsSerializationModel, Box, serialize_bounds
from ..errors import CorruptArchiveError, ImagesWarning
from ..fields import ApertureCorrectionMap, BaseField
from ..serialization import InputArchive, OutputArchive, UnreadableTree, component, omit_if_none
from ..serialization._deferred import available
from ._annotated_image import AnnotatedImageTree
from ._cameras import DetectorSerializationModel
from ._corruption import reading
from ._deferrable import Deferrable, deserialize_branch, make_unreadable, serialize_branch, unless_unreadable
from ._field_maps import ApertureCorrectionMapSerializationModel
from ._fields import FieldSerializationModel
from ._obs_info import DeferrableObsInfo
from ._psfs import PSFSerializationModel
from ._summary_stats import ObservationSummaryStatsSerializationModel

V = TypeVar("V", bound=VisitImage)

EXPECTED = ("sky_projection", "psf", "obs_info", "detector", "band")
"""Members that other readers insist on."""


class VisitImageSerializationModel(AnnotatedImageTree, schema="visit_image", version="1.1.0"):
    """The tree of a `~lsst.images.VisitImage`."""

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
    def serialize(  # type: ignore[override]  # a tree of another type
        cls, obj: VisitImage, archive: OutputArchive
    ) -> Self:
        """Write a visit image.

        Parameters
        ----------
        obj
            The visit image.
        archive
            Archive to write to.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        UnserializableTypeError
            If a part could not be read and cannot be put back, or no model
            writes the PSF.
        """
        return cls(**cls.serialize_parts(obj, archive))

    @classmethod
    def serialize_parts(cls, obj: VisitImage, archive: OutputArchive) -> dict[str, Any]:
        """Write all of a visit image, for the trees of its subclasses.

        Parameters
        ----------
        obj
            The visit image.
        archive
            Archive to write to.

        Returns
        -------
        members
            Members of the tree.
        """
        parts = obj._parts()
        bounds = parts["bounds"]
        members = {
            **cls.serialize_annotated(obj, archive),
            **{
                name: serialize_branch(name, parts[name], archive)
                for name in ("psf", "photometric_scaling", "summary_stats", "detector")
            },
            "aperture_corrections": serialize_branch(
                "aperture_corrections",
                parts["aperture_corrections"],
                archive,
                ApertureCorrectionMapSerializationModel.serialize,
            ),
            "bounds": None
            if isinstance(bounds, Box) and bounds == obj.bbox
            else serialize_branch("bounds", bounds, archive, lambda value, _: serialize_bounds(value)),
            "band": parts["band"],
        }
        if missing := [name for name in EXPECTED if members[name] is None]:
            warnings.warn(
                f"This {type(obj).__name__} is written without {', '.join(missing)}; other readers may "
                "refuse the file.",
                ImagesWarning,
                stacklevel=6,
            )
        return members

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Any:
        """Read the visit image.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.

        Returns
        -------
        visit_image
            The visit image.  Parts that cannot be read raise when used.
        """
        return self._make(VisitImage, archive, bbox)

    def _make(self, pytype: type[V], archive: InputArchive, bbox: Box | None, **extra: Any) -> V:
        image, keywords = self.deserialize_annotated(archive, bbox=bbox)
        parts = {
            name: deserialize_branch(getattr(self, name), archive)
            for name in ("psf", "summary_stats", "detector", "aperture_corrections")
        }
        parts["photometric_scaling"] = self._read_scaling(archive)
        bounds = self._read_bounds(image.bbox)
        with reading("visit image"):
            return pytype(
                image, **keywords, **parts, bounds=bounds, band=self.band, allow_missing=True, **extra
            )

    def _read_scaling(self, archive: InputArchive) -> Any:
        def read(model: Any) -> BaseField:
            scaling: BaseField = model.deserialize(archive)
            check_scaling(scaling)
            return scaling

        return unless_unreadable(self.photometric_scaling, FieldSerializationModel, read)

    def _read_bounds(self, bbox: Box) -> Any:
        """Make the bounds of the pixels in a box."""
        if self.bounds is None or isinstance(self.bounds, UnreadableTree):
            return self.bounds
        try:
            with reading("region of valid pixels"):
                return clip_bounds(self.bounds.deserialize(), bbox)
        except CorruptArchiveError as err:
            return make_unreadable(self.bounds, BoundsSerializationModel, err)

    @component("bounds", needs=("bounds", "image"))
    def _bounds(self, archive: InputArchive) -> Bounds:
        bounds: Bounds | None = available(self._read_bounds(self.image.bbox))
        return self.image.bbox if bounds is None else bounds

    @component("photometric_scaling", needs=("photometric_scaling",))
    def _photometric_scaling(self, archive: InputArchive) -> BaseField | None:
        found: BaseField | None = available(self._read_scaling(archive))
        return found

    @component("summary_stats", needs=("summary_stats",))
    def _summary_stats(self, archive: InputArchive) -> ObservationSummaryStats:
        found: ObservationSummaryStats | None = available(deserialize_branch(self.summary_stats, archive))
        return ObservationSummaryStats() if found is None else found

    @component("aperture_corrections", needs=("aperture_corrections",))
    def _aperture_corrections(self, archive: InputArchive) -> ApertureCorrectionMap:
        found: ApertureCorrectionMap | None = available(
            deserialize_branch(self.aperture_corrections, archive)
        )
        return {} if found is None else found

    @component("band", needs=("band",))
    def _band(self, archive: InputArchive) -> str | None:
        return available(self.band)

    @component("physical_filter", needs=("obs_info", "image"))
    def _physical_filter(self, archive: InputArchive) -> str | None:
        obs_info = self._obs_info(archive)
        return None if obs_info is None else obs_info.physical_filter
