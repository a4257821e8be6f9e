# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Cell coadds: coadds of one patch that are made cell by cell."""

from __future__ import annotations

__all__ = ("CellCoadd", "CellCoaddComponents", "check_frame")

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Required, Self, TypedDict, TypeVar, Unpack, cast, overload

import astropy.units as u

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases, accepts_legacy_names
from .._components import AnnotatedImage, Component, check_band
from .._geom import Box, CellGrid, CellGridBounds
from .._pixels import Image, Mask, MaskPlane, MaskSchema
from .._transforms import Projection, TractFrame
from ..errors import GeometryError
from ..fields import BackgroundMap
from ..plugins import registry
from ..serialization import MetadataValue
from ..serialization._deferred import Deferred, is_deferred
from ..utils import short_repr
from ._aperture_corrections import CellApertureCorrectionMap
from ._patch import PatchDefinition
from ._provenance import CoaddProvenance
from ._psf import CellPointSpreadFunction

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

P = TypeVar("P")


class CellCoaddComponents(TypedDict, total=False):
    """Types of the components that the constructor of `CellCoadd` takes."""

    patch: PatchDefinition | Deferred | None
    band: str | Deferred | None
    mask_fractions: Mapping[str, Image] | Deferred | None
    noise_realizations: Iterable[Image] | Deferred | None
    aperture_corrections: CellApertureCorrectionMap | Deferred | None
    psf: Required[CellPointSpreadFunction | Deferred]
    provenance: CoaddProvenance | Deferred | None
    backgrounds: BackgroundMap | Deferred | None


class CellCoadd(AnnotatedImage):
    """A coadd of (part of) a patch, made in cells with one PSF each.

    Parameters
    ----------
    image
        The main image plane; must have a unit.
    mask, variance, mask_schema, metadata
        As for `~lsst.images.MaskedImage`.
    projection
        Projection that maps the pixels of the tract to the sky; by default,
        that of ``image``.
    obs_info
        Observation information, which files of some releases have.
    **components
        Values of the components, which are described as attributes of this
        class.  ``psf`` is required; ``provenance`` needs ``patch``, because it
        refers to cells of the patch.

    Raises
    ------
    TypeError
        If the PSF, the unit of the image or the projection is missing, if
        the projection does not have the pixel frame of a tract, or if there
        is provenance without a patch.
    GeometryError
        If planes do not cover the same pixels, or aperture corrections are
        on another grid than the PSF.
    """

    patch = Component[PatchDefinition](
        "The patch (`PatchDefinition`).  `AttributeError` is raised if the coadd has none.",
        missing="This coadd has no patch.",
        report_row=str,
    )
    band = Component[str | None](
        "Short name of the filter (`str` | `None`).", check=check_band, report_row=str
    )
    mask_fractions = Component[Mapping[str, Image]](
        "For mask planes of the input images, the fraction of the weight in each pixel that was masked "
        "(`dict` of `~lsst.images.Image`).",
        storage_class="StructuredDataDict",
        prepare=lambda coadd, planes: coadd._as_planes("mask fraction", dict(planes or {})),
        subset=lambda planes, bbox: _map_planes(lambda plane: plane[bbox], planes),
        copied="always",
        copy=lambda planes: _map_planes(Image.copy, planes),
        report_row=lambda planes: ", ".join(planes) or "none",
    )
    noise_realizations = Component[list[Image]](
        "Images of noise that was processed like the input images (`list` of `~lsst.images.Image`).",
        storage_class="StructuredDataList",
        prepare=lambda coadd, planes: coadd._as_planes("noise realization", list(planes or ())),
        subset=lambda planes, bbox: _map_planes(lambda plane: plane[bbox], planes),
        copied="always",
        copy=lambda planes: _map_planes(Image.copy, planes),
        report_row=lambda planes: _count_images(planes),
    )
    psf = Component[CellPointSpreadFunction](
        "PSF of the cells (`CellPointSpreadFunction`), cut down to the cells that the image overlaps.",
        storage_class="CellPointSpreadFunction",
        required=True,
        prepare=lambda coadd, psf: _cut_psf(psf, coadd.bbox),
        subset=lambda psf, bbox: _cut_psf(psf, bbox),
        report_section=True,
    )
    aperture_corrections = Component[CellApertureCorrectionMap](
        "Aperture correction fields on the grid of the PSF, by name of the algorithm (`dict`).",
        storage_class="StructuredDataDict",
        default=dict,
        copied="always",
        report_row=lambda corrections: f"{len(corrections)} fields",
    )
    provenance = Component[CoaddProvenance](
        "The input images (`CoaddProvenance`).  `AttributeError` is raised if they are unknown.",
        storage_class="CellCoaddProvenance",
        missing="This coadd has no provenance.",
        copied="always",
        report_section=True,
    )

    @accepts_aliases(projection="sky_projection")
    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_schema: MaskSchema | None = None,
        projection: Projection[TractFrame] | Deferred | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
        **components: Unpack[CellCoaddComponents],
    ) -> None:
        if components.get("psf") is None:
            raise TypeError("A CellCoadd needs a psf; pass a CellPointSpreadFunction.")
        super().__init__(
            image,
            mask=mask,
            variance=variance,
            mask_schema=mask_schema,
            projection=projection,
            obs_info=obs_info,
            metadata=metadata,
            **components,
        )
        if self._image.unit is None:
            raise TypeError("The image of a coadd must have a unit; it is None.")
        if not is_deferred(self._projection_or_deferred):
            check_frame(self._image.projection)
        provenance = CellCoadd.provenance.stored(self)
        if CellCoadd.patch.stored(self) is None and provenance is not None and not is_deferred(provenance):
            raise TypeError("A coadd with provenance needs a patch, because provenance refers to its cells.")
        self._check_grid()

    def _as_planes(self, what: str, planes: P) -> P:
        """Check that images cover the pixels of this one, and give them its projection."""
        pairs = planes.items() if isinstance(planes, dict) else enumerate(cast(list[Image], planes))
        for name, plane in pairs:
            if plane.bbox != self.bbox:
                raise GeometryError(
                    f"Image and {what} {short_repr(name)} bboxes do not agree: {self.bbox} and {plane.bbox}."
                )
        return _map_planes(lambda plane: plane.view(projection=self._image.projection), planes)

    def _check_grid(self) -> None:
        psf, corrections = CellCoadd.psf.stored(self), CellCoadd.aperture_corrections.stored(self)
        if is_deferred(psf) or is_deferred(corrections):
            return
        for name, field in corrections.items():
            if field.bounds.grid != psf.grid:
                raise GeometryError(
                    f"Aperture correction {short_repr(name)} is on the grid ({field.bounds.grid}), but the "
                    "PSF on "
                    f"({psf.grid})."
                )

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
    def bounds(self) -> CellGridBounds:
        """The cells, without those that are missing (`CellGridBounds`)."""
        return self.psf.bounds

    @property
    def grid(self) -> CellGrid:
        """The grid that the cells belong to (`CellGrid`)."""
        return self.psf.grid

    def _subset_components(self, bbox: Box) -> dict[str, Any]:
        components = super()._subset_components(bbox)
        provenance, psf = components["provenance"], components["psf"]
        if bbox != self.bbox and not is_deferred(psf) and isinstance(provenance, CoaddProvenance):
            components["provenance"] = provenance.subset(psf.bounds.cell_indices())
        return components

    def __str__(self) -> str:
        tract = "?" if is_deferred(self._projection_or_deferred) else self.tract
        return f"CellCoadd({self.bbox}, tract={tract})"

    def __repr__(self) -> str:
        return f"<{self}>"

    # Legacy.

    @classmethod
    @accepts_legacy_names
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
        return registry.convert_from_legacy(
            legacy, cls, plane_map=plane_map, tract_info=tract_info, bbox=bbox
        )

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

    @overload  # type: ignore[override]  # planes do not have frames of their own
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: None = None,
    ) -> Self: ...

    @overload
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: str,
    ) -> Any: ...

    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        component: str | None = None,
    ) -> Any:
        """Read a FITS file of an `lsst.cell_coadds.MultipleCellCoadd`.

        Parameters
        ----------
        uri
            URI or path of the file.
        preserve_quantization
            If `True`, writing the image again preserves quantized pixel
            values exactly; the image and variance arrays are read-only then.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        component
            Name of a component to read instead of the whole image.

        Returns
        -------
        coadd
            The coadd, or the requested component.
        """
        return registry.read_legacy(
            uri,
            cls,
            component,
            preserve_quantization=preserve_quantization,
            plane_map=plane_map,
        )


def _map_planes(function: Callable[[Image], Image], planes: P) -> P:
    """Apply a function to all images of a dictionary or a list."""
    if isinstance(planes, dict):
        return cast(P, {name: function(plane) for name, plane in planes.items()})
    return cast(P, [function(plane) for plane in cast(list[Image], planes)])


def _count_images(images: list[Image]) -> str:
    types = ", ".join(sorted({str(image.array.dtype) for image in images}))
    return f"{len(images)} image{'' if len(images) == 1 else 's'} (dtype {types})" if images else "none"


def check_frame(projection: Projection[Any] | None) -> None:
    """Check that a coadd has a projection of the pixels of a tract.

    Parameters
    ----------
    projection
        The projection, or `None`.

    Raises
    ------
    TypeError
        If it is `None`, or its pixel frame is not a `~lsst.images.TractFrame`.
    """
    if projection is None:
        raise TypeError("A coadd needs a projection: pass one, or an image that has one.")
    if not isinstance(projection.pixel_frame, TractFrame):
        raise TypeError(
            "The projection of a coadd must have a TractFrame as its pixel frame, not "
            f"{short_repr(projection.pixel_frame)}."
        )


def _cut_psf(psf: CellPointSpreadFunction, bbox: Box) -> CellPointSpreadFunction:
    """Keep the cells that a box touches."""
    return psf if psf.bounds[bbox].bbox == psf.bounds.bbox else psf[bbox]
