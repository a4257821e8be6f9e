# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Coadds of one patch, made cell by cell."""

from __future__ import annotations

__all__ = ("CellCoadd", "check_frame")

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import astropy.units as u

from .._aliases import accepts_aliases
from .._components import AnnotatedImage, check_band
from .._geom import Box, CellGrid, CellGridBounds
from .._pixels import Image, Mask, MaskPlane, MaskSchema
from .._transforms import Projection, TractFrame
from ..errors import GeometryError
from ..fields import BackgroundMap
from ..plugins import registry
from ..serialization import MetadataValue
from ..serialization._deferred import Deferred, available, copied, is_deferred
from ._aperture_corrections import CellApertureCorrectionMap
from ._patch import PatchDefinition
from ._provenance import CoaddProvenance
from ._psf import CellPointSpreadFunction

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

P = TypeVar("P")

PLANE_PARTS = ("mask_fractions", "noise_realizations")
"""Parts that are images of the same pixels."""


class CellCoadd(AnnotatedImage):
    """A coadd of (part of) a patch, made in cells with one PSF each.

    Parameters
    ----------
    image
        The main image plane; must have a unit.
    mask, variance, mask_schema, metadata
        As for `~lsst.images.MaskedImage`.
    mask_fractions
        For mask planes of the images that went in, the part of the weight in
        each pixel that was masked.
    noise_realizations
        Images of noise that went through the same processing.
    projection
        Projection that maps the pixels of the tract to the sky; by default,
        that of ``image``.
    band
        Short name of the filter.
    psf
        PSF of the cells; cut down to those that ``image`` touches.
    aperture_corrections
        Fields on the grid of the PSF, by name of the algorithm.
    patch
        The patch.
    provenance
        The images that went in; needs ``patch``, to whose cells it refers.
    backgrounds
        Background models; none by default.
    obs_info
        Observation information, which files of some releases have.

    Raises
    ------
    TypeError
        If the image has no unit, there is no projection, or its pixels are
        not those of a tract; if there is provenance without a patch.
    GeometryError
        If planes do not cover the same pixels, or aperture corrections are
        on another grid than the PSF.
    """

    @accepts_aliases(projection="sky_projection")
    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_fractions: Mapping[str, Image] | Deferred | None = None,
        noise_realizations: Iterable[Image] | Deferred | None = (),
        mask_schema: MaskSchema | None = None,
        projection: Projection[TractFrame] | Deferred | None = None,
        band: str | Deferred | None = None,
        psf: CellPointSpreadFunction | Deferred,
        aperture_corrections: CellApertureCorrectionMap | Deferred | None = None,
        patch: PatchDefinition | Deferred | None = None,
        provenance: CoaddProvenance | Deferred | None = None,
        backgrounds: BackgroundMap | Deferred | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
    ) -> None:
        super().__init__(
            image,
            mask=mask,
            variance=variance,
            mask_schema=mask_schema,
            projection=projection,
            obs_info=obs_info,
            backgrounds=backgrounds,
            metadata=metadata,
        )
        if self._image.unit is None:
            raise TypeError("The image of a coadd must have a unit, and it has none.")
        if "projection" not in self._unreadable:
            check_frame(self._image.projection)
        if patch is None and provenance is not None and not is_deferred(provenance):
            raise TypeError("Provenance counts cells in a patch, so that a coadd needs a patch to have it.")
        self._mask_fractions = _map_planes(
            lambda name, plane: self._as_plane(f"mask fraction {name!r}", plane),
            mask_fractions if is_deferred(mask_fractions) else dict(mask_fractions or {}),
        )
        self._noise_realizations = _map_planes(
            lambda number, plane: self._as_plane(f"noise realization {number}", plane),
            noise_realizations if is_deferred(noise_realizations) else list(noise_realizations or ()),
        )
        check_band(band)
        self._band = band
        self._psf = psf if is_deferred(psf) else _cut_psf(psf, self.bbox)
        self._aperture_corrections = {} if aperture_corrections is None else aperture_corrections
        self._patch = patch
        self._provenance = provenance
        self._check_grid()

    def _as_plane(self, what: str, image: Image) -> Image:
        if image.bbox != self.bbox:
            raise GeometryError(f"Image and {what} bboxes do not agree: {self.bbox} and {image.bbox}.")
        return image.view(projection=self._image.projection)

    def _check_grid(self) -> None:
        if is_deferred(self._psf) or is_deferred(self._aperture_corrections):
            return
        for name, field in self._aperture_corrections.items():
            if field.bounds.grid != self._psf.grid:
                raise GeometryError(
                    f"Aperture correction {name!r} is on the grid ({field.bounds.grid}), but the PSF on "
                    f"({self._psf.grid})."
                )

    # What it has.

    @property
    def unit(self) -> u.UnitBase:
        """The units of the image plane (`astropy.units.UnitBase`)."""
        unit = self._image.unit
        assert unit is not None, "checked by the constructor"
        return unit

    @property
    def skymap(self) -> str:
        """Name of the skymap (`str`)."""
        return self._frame.skymap

    @property
    def tract(self) -> int:
        """Number of the tract (`int`)."""
        return self._frame.tract

    @property
    def _frame(self) -> TractFrame:
        projection = self.projection
        assert projection is not None, "checked by the constructor"
        frame: TractFrame = projection.pixel_frame
        return frame

    @property
    def patch(self) -> PatchDefinition:
        """The patch (`PatchDefinition`).

        `AttributeError` is raised when it is not known.
        """
        patch = available(self._patch)
        if patch is None:
            raise AttributeError("This coadd has no patch.")
        return patch

    @property
    def provenance(self) -> CoaddProvenance:
        """The images that went in (`CoaddProvenance`).

        `AttributeError` is raised when they are not known.
        """
        provenance = available(self._provenance)
        if provenance is None:
            raise AttributeError("This coadd has no provenance.")
        return provenance

    @property
    def band(self) -> str | None:
        """Short name of the filter (`str` | `None`)."""
        return available(self._band)

    @property
    def mask_fractions(self) -> Mapping[str, Image]:
        """For mask planes of the images that went in, the part of the weight
        in each pixel that was masked.
        """
        return available(self._mask_fractions)

    @property
    def noise_realizations(self) -> list[Image]:
        """Images of noise that went through the same processing."""
        return available(self._noise_realizations)

    @property
    def psf(self) -> CellPointSpreadFunction:
        """PSF of the cells (`CellPointSpreadFunction`)."""
        return available(self._psf)

    @property
    def aperture_corrections(self) -> CellApertureCorrectionMap:
        """Fields on the grid of the PSF, by name of the algorithm (`dict`)."""
        return available(self._aperture_corrections)

    @property
    def bounds(self) -> CellGridBounds:
        """The cells, without those that are missing (`CellGridBounds`)."""
        return self.psf.bounds

    @property
    def grid(self) -> CellGrid:
        """The grid that the cells belong to (`CellGrid`)."""
        return self.psf.grid

    # Subimages and copies.

    def _parts(self) -> dict[str, Any]:
        return {
            **self._unreadable,
            "mask_fractions": self._mask_fractions,
            "noise_realizations": self._noise_realizations,
            "band": self._band,
            "psf": self._psf,
            "aperture_corrections": self._aperture_corrections,
            "patch": self._patch,
            "provenance": self._provenance,
            "backgrounds": self._backgrounds,
        }

    def _view(self, bbox: Box) -> Self:
        parts = self._parts()
        for name in PLANE_PARTS:
            parts[name] = _map_planes(lambda _, plane: plane[bbox], parts[name])
        if bbox != self.bbox and not is_deferred(self._psf):
            parts["psf"] = psf = _cut_psf(self._psf, bbox)
            if isinstance(self._provenance, CoaddProvenance):
                parts["provenance"] = self._provenance.subset(psf.bounds.cell_indices())
        return self._rebuilt(
            self._image[bbox], self._mask[bbox], self._variance[bbox], metadata=self._metadata, parts=parts
        )

    def copy(self) -> Self:
        """Deep-copy the planes, and copy the metadata and all parts that can
        change.

        Returns
        -------
        copy
            Shares what is immutable: the PSF, the projection, the patch.
        """
        parts = self._parts()
        for name in PLANE_PARTS:
            parts[name] = _map_planes(lambda _, plane: plane.copy(), parts[name])
        for name in ("aperture_corrections", "provenance", "backgrounds"):
            parts[name] = copied(parts[name])
        result = self._rebuilt(
            self._image.copy(),
            self._mask.copy(),
            self._variance.copy(),
            metadata=self._metadata.copy(),
            parts=parts,
        )
        return self._with_attachments_of(result, whole=False)

    def __str__(self) -> str:
        return f"CellCoadd({self.bbox}, tract={'?' if 'projection' in self._unreadable else self.tract})"

    def __repr__(self) -> str:
        return f"<{self}>"

    # Legacy.

    @classmethod
    def from_legacy_cell_coadd(
        cls,
        legacy: Any,
        *,
        plane_map: Mapping[str, MaskPlane] | None = None,
        tract_info: Any,
        bbox: Box | None = None,
    ) -> Self:
        """Convert from an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        legacy
            The legacy object.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        tract_info
            The `lsst.skymap.TractInfo` of its tract.
        bbox
            Pixels to convert; all by default.
        """
        coadd: Self = registry.convert_from_legacy(
            legacy, cls, plane_map=plane_map, tract_info=tract_info, bbox=bbox
        )
        return coadd

    def to_legacy_cell_coadd(
        self, copy: bool | None = None, plane_map: Mapping[str, MaskPlane] | None = None
    ) -> Any:
        """Convert to an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        copy
            As for `to_legacy`.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        """
        return registry.convert_to_legacy(self, form="MultipleCellCoadd", copy=copy, plane_map=plane_map)

    def to_legacy(self, copy: bool | None = None, plane_map: Mapping[str, MaskPlane] | None = None) -> Any:
        """Convert to an `lsst.afw.image.ExposureF`.

        Parameters
        ----------
        copy
            If `True`, always copy the image and variance pixel data.  If
            `False`, return a view, and raise `TypeError` if the pixel data is
            read-only.  If `None`, only copy if the pixel data is read-only.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        """
        return super().to_legacy(copy=copy, plane_map=plane_map)

    @staticmethod
    def read_legacy(  # type: ignore[override]  # no plane has a frame of its own
        uri: Any,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: str | None = None,
    ) -> Any:
        """Read a FITS file of an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        uri
            URI or file name.
        preserve_quantization
            Whether writing the image again preserves quantized pixels
            exactly; they are read-only then.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        component
            Name of a component to read instead of the whole.

        Returns
        -------
        coadd
            The coadd, or the component asked for.
        """
        return registry.read_legacy(
            uri,
            CellCoadd,
            component,
            preserve_quantization=preserve_quantization,
            plane_map=plane_map,
        )


def _map_planes(function: Callable[[Any, Image], Image], planes: P) -> P:
    """Apply a function to all images of a part, unless it could not be read."""
    result: Any = planes
    if isinstance(planes, dict):
        result = {name: function(name, plane) for name, plane in planes.items()}
    elif isinstance(planes, list):
        result = [function(number, plane) for number, plane in enumerate(planes)]
    return result  # type: ignore[no-any-return]  # of the type that came in


def check_frame(projection: Projection[Any] | None) -> None:
    """Check that a coadd has a projection, and that its pixels are those of a tract.

    Parameters
    ----------
    projection
        The projection, or `None`.

    Raises
    ------
    TypeError
        If there is none, or one of other pixels.
    """
    if projection is None:
        raise TypeError("A coadd needs a projection, its own or that of its image.")
    if not isinstance(projection.pixel_frame, TractFrame):
        raise TypeError(
            f"The pixels of a coadd's projection must be those of a TractFrame, not of "
            f"{projection.pixel_frame!r}."
        )


def _cut_psf(psf: CellPointSpreadFunction, bbox: Box) -> CellPointSpreadFunction:
    """Keep the cells that a box touches."""
    return psf if psf.bounds[bbox].bbox == psf.bounds.bbox else psf[bbox]
