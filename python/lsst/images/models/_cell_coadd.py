# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Serialization model of cell coadds."""

from __future__ import annotations

__all__ = ("CellCoaddSerializationModel",)

from collections.abc import Mapping
from typing import Any, ClassVar, Self, TypeAlias

import pydantic

from .._components import AnnotatedImage, Component
from .._geom import Box, CellGridBounds
from .._pixels import Image
from .._transforms import Projection
from ..cells import (
    CellCoadd,
    CellPointSpreadFunction,
    CoaddProvenance,
    PatchDefinition,
)
from ..cells._coadd import check_frame
from ..errors import CorruptArchiveError
from ..serialization import InputArchive, OutputArchive, component
from ..serialization._deferred import available, is_deferred
from ..serialization._fields import Named, Series
from ._annotated_image import AnnotatedImageTree
from ._cell_aperture_corrections import CellApertureCorrectionMapSerializationModel
from ._cell_psf import CellPointSpreadFunctionSerializationModel
from ._coadd_provenance import CoaddProvenanceSerializationModel
from ._corruption import reading
from ._deferrable import (
    Deferrable,
    DeferrableAlways,
    deserialize_field,
    make_placeholder,
    serialize_field,
    unless_placeholder,
)
from ._image import ImageSerializationModel
from ._pixel_tree import require_same_box
from ._transforms import ProjectionSerializationModel

FRACTIONS, NOISE = "mask_fractions", "noise_realizations"

Images: TypeAlias = Named[ImageSerializationModel]


class CellCoaddSerializationModel(AnnotatedImageTree, schema="cell_coadd", version="1.0.0"):
    """Serialization model of `~lsst.images.cells.CellCoadd`."""

    IMAGE_TYPE: ClassVar[type[AnnotatedImage]] = CellCoadd

    mask_fractions: DeferrableAlways[Images] = pydantic.Field(
        default_factory=dict,
        description="Parts of the weight in each pixel that were masked, by mask plane of the input images.",
    )
    noise_realizations: DeferrableAlways[Series[ImageSerializationModel]] = pydantic.Field(
        default_factory=list, description="Images of noise that was processed like the images."
    )
    band: Deferrable[str] = pydantic.Field(default=None, description="Short name of the filter.")
    psf: Deferrable[CellPointSpreadFunctionSerializationModel] = pydantic.Field(
        description="PSF of the cells."
    )
    aperture_corrections: Deferrable[CellApertureCorrectionMapSerializationModel] = pydantic.Field(
        default=None, description="Aperture corrections by name of the algorithm."
    )
    patch: Deferrable[PatchDefinition] = pydantic.Field(default=None, description="The patch.")
    provenance: Deferrable[CoaddProvenanceSerializationModel] = pydantic.Field(
        default=None, description="The images that went in."
    )

    @classmethod
    def serialize(cls, obj: Any, archive: OutputArchive) -> Self:
        # Tiles that are cells let a reader of one cell decode nothing else.
        return cls(**cls.serialize_annotated(obj, archive, tile_shape=_cell_shape(obj)))

    @classmethod
    def serialize_component(cls, name: str, value: Any, obj: Any, archive: OutputArchive) -> Any:
        def add(path: str, image: Image, options_name: str) -> Any:
            return archive.serialize_child(
                path,
                image,
                save_projection=False,
                save_obs_info=False,
                tile_shape=_cell_shape(obj),
                options_name=options_name,
            )

        def add_fractions(images: Mapping[str, Image], _: OutputArchive) -> Any:
            return {key: add(f"{name}/{key}", image, name) for key, image in images.items()}

        def add_noise(images: list[Image], _: OutputArchive) -> Any:
            return [add(f"{name}/{number}", image, "image") for number, image in enumerate(images)]

        if name == FRACTIONS:
            return serialize_field(name, value, archive, add_fractions)
        if name == NOISE:
            return serialize_field(name, value, archive, add_noise)
        if name == "backgrounds":
            # Files of all releases have this archive path.
            return serialize_field("background", value, archive)
        return super().serialize_component(name, value, obj, archive)

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None, provenance: bool = True) -> Any:
        """Read the coadd.

        Parameters
        ----------
        archive
            Archive to read from.
        bbox
            Pixels to read instead of all, in absolute coordinates.
        provenance
            Whether to read the provenance, too.
        """
        skip = frozenset() if provenance else frozenset({"provenance"})
        return self.deserialize_annotated(archive, bbox=bbox, skip=skip)

    def adjust_components(self, components: dict[str, Any], bbox: Box | None) -> dict[str, Any]:
        if bbox is not None and bbox != self.image.bbox:
            provenance = _cut_provenance(components.get("provenance"), components["psf"])
            components["provenance"] = provenance
        return components

    def deserialize_component_field(
        self, declared: Component[Any], archive: InputArchive, bbox: Box | None = None
    ) -> Any:
        if declared is CellCoadd.psf:
            return self._read_psf(archive, self.image.bbox if bbox is None else bbox)
        if declared is CellCoadd.provenance:
            return self._read_provenance(archive)
        if declared is CellCoadd.mask_fractions:
            return self._read_fractions(archive, bbox)
        if declared is CellCoadd.noise_realizations:
            return self._read_noise(archive, bbox)
        return super().deserialize_component_field(declared, archive, bbox)

    def read_projection(self, archive: InputArchive) -> Any:
        # A coadd needs a projection with the pixel frame of a tract.
        def read(model: ProjectionSerializationModel) -> Projection[Any]:
            projection = model.deserialize(archive)
            check_frame(projection)
            return projection

        if self.projection_tree is None:
            return CorruptArchiveError("The coadd in the file has no sky projection.")
        return unless_placeholder(self.projection_tree, ProjectionSerializationModel, read)

    def _read_psf(self, archive: InputArchive, bbox: Box) -> Any:
        if self.psf is None:
            return CorruptArchiveError("The coadd in the file has no PSF.")
        return deserialize_field(self.psf, archive, bbox=bbox)

    def _read_provenance(self, archive: InputArchive) -> Any:
        if self.patch is None and isinstance(self.provenance, CoaddProvenanceSerializationModel):
            reason = CorruptArchiveError("The coadd has no patch, in which its provenance counts cells.")
            return make_placeholder(self.provenance, CoaddProvenanceSerializationModel, reason)
        return deserialize_field(self.provenance, archive)

    def _read_fractions(self, archive: InputArchive, bbox: Box | None) -> Any:
        def read(models: Images) -> dict[str, Image]:
            # Some releases wrote the path instead of the name.
            return {
                name.removeprefix(f"{FRACTIONS}/"): self._read_plane(model, archive, bbox)
                for name, model in models.items()
            }

        return unless_placeholder(self.mask_fractions, Images, read)

    def _read_noise(self, archive: InputArchive, bbox: Box | None) -> Any:
        return unless_placeholder(
            self.noise_realizations,
            list[ImageSerializationModel],
            lambda models: [self._read_plane(model, archive, bbox) for model in models],
        )

    def _read_plane(self, model: ImageSerializationModel, archive: InputArchive, bbox: Box | None) -> Image:
        require_same_box({"the image": self.image, "it": model})
        return model.deserialize(archive, bbox=bbox)

    @component("psf", needs=("psf", "image"))
    def _psf(self, archive: InputArchive, *, bbox: Box | None = None) -> CellPointSpreadFunction:
        if bbox is not None:
            bbox.slice_within(self.image.bbox)
        psf: CellPointSpreadFunction = available(
            self._read_psf(archive, self.image.bbox if bbox is None else bbox)
        )
        return psf

    @component("bounds", needs=("psf", "image"))
    def _bounds(self, archive: InputArchive) -> CellGridBounds:
        model = self.psf
        if not isinstance(model, CellPointSpreadFunctionSerializationModel):
            return self._psf(archive).bounds
        with reading("region of cells"):
            return model.bounds[self.image.bbox]

    @component("provenance", needs=("provenance", "patch"))
    def _provenance(self, archive: InputArchive) -> CoaddProvenance | None:
        found: CoaddProvenance | None = available(self._read_provenance(archive))
        return found

    @component("mask_fractions", needs=("image", "mask_fractions", "sky_projection", "obs_info"))
    def _mask_fractions(self, archive: InputArchive, *, bbox: Box | None = None) -> dict[str, Image]:
        found: dict[str, Image] | None = available(self._read_fractions(archive, bbox))
        return {name: self._complete(image, archive) for name, image in (found or {}).items()}

    @component("noise_realizations", needs=("image", "noise_realizations", "sky_projection", "obs_info"))
    def _noise_realizations(self, archive: InputArchive, *, bbox: Box | None = None) -> list[Image]:
        found: list[Image] | None = available(self._read_noise(archive, bbox))
        return [self._complete(image, archive) for image in found or []]


def _cut_provenance(provenance: Any, psf: Any) -> CoaddProvenance | Any:
    """Keep the inputs of the cells of a PSF."""
    if provenance is None or is_deferred(provenance) or is_deferred(psf):
        return provenance
    return provenance.subset(psf.bounds.cell_indices())


def _cell_shape(obj: CellCoadd) -> tuple[int, int] | None:
    """Return the shape of the cells, if the PSF could be read."""
    psf = CellCoadd.psf.stored(obj)
    return None if is_deferred(psf) else psf.grid.cell_shape
