# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How coadds of cells are packed and unpacked."""

from __future__ import annotations

__all__ = ("CellCoaddSerializationModel",)

from typing import Any, Self, TypeAlias

import pydantic

from .._geom import Box, CellGridBounds
from .._pixels import Image
from .._transforms import Projection
from ..cells import (
    CellApertureCorrectionMap,
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
    deserialize_branch,
    make_unreadable,
    serialize_branch,
    unless_unreadable,
)
from ._image import ImageSerializationModel
from ._pixel_tree import require_same_box
from ._transforms import ProjectionSerializationModel

FRACTIONS, NOISE = "mask_fractions", "noise_realizations"

Images: TypeAlias = Named[ImageSerializationModel]


class CellCoaddSerializationModel(AnnotatedImageTree, schema="cell_coadd", version="1.0.0"):
    """The tree of a `~lsst.images.cells.CellCoadd`."""

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
    def serialize(  # type: ignore[override]  # a tree of another type
        cls, obj: CellCoadd, archive: OutputArchive
    ) -> Self:
        """Write a coadd.

        Parameters
        ----------
        obj
            The coadd.
        archive
            Archive to write to.

        Returns
        -------
        tree
            The tree.

        Raises
        ------
        UnserializableTypeError
            If a part could not be read and cannot be put back.
        """
        parts = obj._parts()
        psf = parts["psf"]
        # Tiles that are cells let a reader of one cell decode nothing else.
        tile_shape = psf.grid.cell_shape if isinstance(psf, CellPointSpreadFunction) else None

        def add(name: str, image: Image, options_name: str) -> Any:
            return archive.serialize_child(
                name,
                image,
                save_projection=False,
                save_obs_info=False,
                tile_shape=tile_shape,
                options_name=options_name,
            )

        return cls(
            # Arrays of backgrounds have always had this name in files.
            **cls.serialize_annotated(obj, archive, background_path="background", tile_shape=tile_shape),
            mask_fractions=serialize_branch(
                FRACTIONS,
                parts[FRACTIONS],
                archive,
                lambda images, _: {
                    name: add(f"{FRACTIONS}/{name}", image, FRACTIONS) for name, image in images.items()
                },
            ),
            noise_realizations=serialize_branch(
                NOISE,
                parts[NOISE],
                archive,
                lambda images, _: [add(f"{NOISE}/{n}", image, "image") for n, image in enumerate(images)],
            ),
            band=parts["band"],
            psf=serialize_branch("psf", psf, archive),
            aperture_corrections=serialize_branch(
                "aperture_corrections",
                parts["aperture_corrections"],
                archive,
                CellApertureCorrectionMapSerializationModel.serialize,
            ),
            patch=serialize_branch("patch", parts["patch"], archive, lambda patch, _: patch),
            provenance=serialize_branch("provenance", parts["provenance"], archive),
        )

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

        Returns
        -------
        coadd
            The coadd.  Parts that cannot be read raise when used.
        """
        image, keywords = self.deserialize_annotated(archive, bbox=bbox)
        psf = self._read_psf(archive, image.bbox)
        inputs = self._read_provenance(archive) if provenance else None
        if bbox is not None and bbox != self.image.bbox:
            inputs = _cut_provenance(inputs, psf)
        with reading("coadd"):
            return CellCoadd(
                image,
                **keywords,
                mask_fractions=self._read_fractions(archive, bbox),
                noise_realizations=self._read_noise(archive, bbox),
                band=self.band,
                psf=psf,
                aperture_corrections=deserialize_branch(self.aperture_corrections, archive),
                patch=self.patch,
                provenance=inputs,
            )

    def read_projection(self, archive: InputArchive) -> Any:
        # No coadd is complete without one, nor with one of another frame.
        def read(model: ProjectionSerializationModel) -> Projection[Any]:
            projection = model.deserialize(archive)
            check_frame(projection)
            return projection

        if self.projection_tree is None:
            return CorruptArchiveError("The coadd in the file has no sky projection.")
        return unless_unreadable(self.projection_tree, ProjectionSerializationModel, read)

    def _read_psf(self, archive: InputArchive, bbox: Box) -> Any:
        if self.psf is None:
            return CorruptArchiveError("The coadd in the file has no PSF.")
        return deserialize_branch(self.psf, archive, bbox=bbox)

    def _read_provenance(self, archive: InputArchive) -> Any:
        if self.patch is None and isinstance(self.provenance, CoaddProvenanceSerializationModel):
            reason = CorruptArchiveError("The coadd has no patch, in which its provenance counts cells.")
            return make_unreadable(self.provenance, CoaddProvenanceSerializationModel, reason)
        return deserialize_branch(self.provenance, archive)

    def _read_fractions(self, archive: InputArchive, bbox: Box | None) -> Any:
        def read(models: Images) -> dict[str, Image]:
            # Some releases wrote the path instead of the name.
            return {
                name.removeprefix(f"{FRACTIONS}/"): self._read_plane(model, archive, bbox)
                for name, model in models.items()
            }

        return unless_unreadable(self.mask_fractions, Images, read)

    def _read_noise(self, archive: InputArchive, bbox: Box | None) -> Any:
        return unless_unreadable(
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

    @component("aperture_corrections", needs=("aperture_corrections",))
    def _aperture_corrections(self, archive: InputArchive) -> CellApertureCorrectionMap:
        found: CellApertureCorrectionMap | None = available(
            deserialize_branch(self.aperture_corrections, archive)
        )
        return {} if found is None else found

    @component("patch", needs=("patch",))
    def _patch(self, archive: InputArchive) -> PatchDefinition | None:
        return available(self.patch)

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

    @component("band", needs=("band",))
    def _band(self, archive: InputArchive) -> str | None:
        return available(self.band)


def _cut_provenance(provenance: Any, psf: Any) -> CoaddProvenance | Any:
    """Keep the inputs of the cells of a PSF."""
    if provenance is None or is_deferred(provenance) or is_deferred(psf):
        return provenance
    return provenance.subset(psf.bounds.cell_indices())
