# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Calibrated images of one detector and visit."""

from __future__ import annotations

__all__ = ("VisitImage", "VisitImageComponents", "check_scaling")

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack, overload

import astropy.units as u

from lsst.resources import ResourcePathExpression

from .._aliases import accepts_aliases, accepts_legacy_names
from .._components import (
    AnnotatedImage,
    Component,
    SettableComponent,
    UnitFactor,
    check_band,
    components_of,
)
from .._geom import Bounds
from .._pixels import Image, Mask, MaskPlane, MaskSchema
from .._transforms import DetectorFrame, Projection
from ..cameras import Detector
from ..errors import GeometryError, UnitConversionError
from ..fields import ApertureCorrectionMap, BackgroundMap, BaseField
from ..plugins import registry
from ..psfs import PointSpreadFunction
from ..serialization import MetadataValue
from ..serialization._deferred import Deferred, available, is_deferred
from ..utils import short_repr
from ._convert_unit import attach_unit, find_unit_factor, linear_unit
from ._summary_stats import ObservationSummaryStats
from ._validity import clip_bounds

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo

    from lsst.daf.butler import DimensionRecord  # noqa: TID251  # type of an argument


class VisitImageComponents(TypedDict, total=False):
    """Types of the components that the constructor of `VisitImage` takes."""

    bounds: Bounds | Deferred | None
    band: str | Deferred | None
    detector: Detector | Deferred | None
    psf: PointSpreadFunction | Deferred | None
    photometric_scaling: BaseField | Deferred | None
    summary_stats: ObservationSummaryStats | Deferred | None
    aperture_corrections: ApertureCorrectionMap | Deferred | None
    backgrounds: BackgroundMap | Deferred | None


class VisitImage(AnnotatedImage):
    """A calibrated image of one detector in one visit.

    Parameters
    ----------
    image
        The main image plane; must have a unit.
    mask, variance, mask_schema, metadata
        As for `~lsst.images.MaskedImage`.
    projection
        Projection that maps the detector's pixels to the sky; by default,
        that of ``image``.
    obs_info
        General information about the observation, with the name of the
        physical filter; by default, that of ``image``.
    allow_missing
        Whether the image may lack any of the unit, ``projection`` with a
        `~lsst.images.DetectorFrame`, ``obs_info`` with a physical filter,
        ``psf``, ``detector`` and ``band``, as old files do.  The attribute is
        `None` then.
    **components
        Values of the components, which are described as attributes of this
        class.

    Raises
    ------
    TypeError
        If the image lacks something although ``allow_missing`` is `False`, or
        the photometric scaling has no unit.
    ValueError
        If the observation information does not name the physical filter.

    Notes
    -----
    Any component may be an `ArchiveReadError`, if it cannot be read from a
    file.  Its attribute raises the error; the rest of the image can be used.
    """

    bounds = Component[Bounds](
        "Region of valid pixels (`~lsst.images.Bounds`), clipped to the box of the image; the whole box by "
        "default.",
        storage_class="Bounds",
        prepare=lambda image, bounds: _clip_to_image(image, bounds),
        report_row=str,
    )
    band = Component[str | None](
        "Short name of the filter (`str`).", required=True, check=check_band, report_row=str
    )
    detector = Component[Detector | None](
        "The detector (`~lsst.images.cameras.Detector`).",
        storage_class="DetectorV2",
        required=True,
        copied="on request",
        report_section=True,
    )
    psf = SettableComponent[PointSpreadFunction | None](
        "The point spread function (`~lsst.images.psfs.PointSpreadFunction`).",
        storage_class="PointSpreadFunction",
        required=True,
        check=lambda psf: _check_psf(psf),
        report_section=True,
    )
    photometric_scaling = SettableComponent[BaseField | None](
        "Field with a unit (`~lsst.images.fields.BaseField` | `None`) by which pixels are multiplied or, "
        "depending on the units, divided to calibrate them.  The unit of the image indicates whether it has "
        "been applied.",
        storage_class="ImageField",
        check=lambda scaling: check_scaling(scaling),
        report_section=True,
    )
    summary_stats = Component[ObservationSummaryStats](
        "Statistics of the observation (`ObservationSummaryStats`); by default, none is set.",
        storage_class="ObservationSummaryStats",
        default=ObservationSummaryStats,
        copied="always",
        report_section=True,
    )
    aperture_corrections = Component[ApertureCorrectionMap](
        "Aperture correction fields by name of the algorithm (`dict`).",
        storage_class="StructuredDataDict",
        default=dict,
        copied="always",
        report_row=lambda corrections: f"{len(corrections)} fields",
    )

    @accepts_aliases(projection="sky_projection")
    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_schema: MaskSchema | None = None,
        projection: Projection[DetectorFrame] | Deferred | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
        allow_missing: bool = False,
        **components: Unpack[VisitImageComponents],
    ) -> None:
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
        if not allow_missing:
            self._check_required()

    def _check_required(self) -> None:
        """Raise if the image lacks what every visit image should have."""
        projection, obs_info = self._projection_or_deferred, self._obs_info
        needed = {
            "unit of the image": self._image.unit,
            "projection": projection,
            "obs_info": obs_info,
            **{
                name: component.stored(self)
                for name, component in components_of(type(self)).items()
                if component.required
            },
        }
        if missing := [name for name, value in needed.items() if value is None]:
            raise TypeError(
                f"A {type(self).__name__} needs {', '.join(needed)}; missing: {', '.join(missing)}. "
                "Pass allow_missing=True to construct it without them."
            )
        if isinstance(projection, Projection) and not isinstance(projection.pixel_frame, DetectorFrame):
            raise TypeError(
                f"The projection of a {type(self).__name__} must have a DetectorFrame as its pixel frame, "
                f"not {short_repr(projection.pixel_frame)}."
            )
        if obs_info is not None and not is_deferred(obs_info) and obs_info.physical_filter is None:
            raise ValueError(
                f"The obs_info of a {type(self).__name__} must have a physical_filter; it is None."
            )

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
        return cls(image, mask=mask, variance=variance, metadata=metadata, allow_missing=True, **components)

    @property
    def physical_filter(self) -> str | None:
        """Name of the filter in the instrument (`str` | `None`)."""
        obs_info = self.obs_info
        return None if obs_info is None else obs_info.physical_filter

    def copy(self, *, copy_detector: bool = False) -> Self:
        """Deep-copy the planes; copy the metadata and the mutable components.

        Parameters
        ----------
        copy_detector
            Whether to copy the detector, too.

        Returns
        -------
        copy
            Shares the immutable components with this image, and the detector
            unless ``copy_detector`` is `True`.
        """
        return self._copy(requested=copy_detector)

    # Units.

    def convert_unit(
        self,
        unit: u.UnitBase = u.nJy,
        copy: bool | Literal["as-needed"] = True,
        copy_detector: bool = False,
    ) -> Self:
        """Convert the image plane to another unit, and the variance plane to
        its square.

        Parameters
        ----------
        unit
            The new unit.
        copy
            `True` copies all planes and all mutable components.
            ``"as-needed"`` shares planes that do not change, and components.
            `False` shares everything, and raises if pixels would change.
        copy_detector
            Whether to copy the detector when the other components are copied.

        Returns
        -------
        converted
            An image in the new unit.

        Raises
        ------
        astropy.units.UnitConversionError
            If the units do not convert, not even with the photometric
            scaling, or if ``copy`` is `False` and pixels would change.
        InvalidArgumentError
            If ``unit`` is not a unit.
        TypeError
            If ``copy`` has another value.

        Notes
        -----
        The photometric scaling is evaluated over the pixels of this image.
        The new image keeps the scaling and the backgrounds: its unit shows
        that the scaling has been applied, and backgrounds are converted when
        `apply_background` is called.
        """
        if copy is not True and copy is not False and copy != "as-needed":
            raise TypeError(f"Invalid copy={short_repr(copy)}: expected True, False or 'as-needed'.")
        unit = linear_unit(unit)
        factor = self._unit_factor(self.unit, unit)
        if copy is False and not factor.is_one:
            raise UnitConversionError(
                f"Converting pixels from unit '{self.unit}' to '{unit}' changes their values, which "
                "copy=False does not allow."
            )
        image, variance, mask = self._converted_planes(factor, unit, copy=copy is True)
        components = (
            self._copied_components(requested=copy_detector) if copy is True else self._component_values()
        )
        if not is_deferred(components["backgrounds"]):
            components["backgrounds"] = attach_unit(components["backgrounds"], self.unit)
        metadata = self._metadata.copy() if copy is True else self._metadata
        result = self._assemble(image, mask, variance, metadata=metadata, components=components)
        return self._with_attachments_of(result, whole=factor.is_one and copy is not True)

    def _converted_planes(
        self, factor: UnitFactor, unit: u.UnitBase, *, copy: bool
    ) -> tuple[Image, Image, Mask]:
        mask = self._mask.copy() if copy else self._mask[...]
        planes = []
        for plane, power in ((self._image, 1), (self._variance, 2)):
            if not factor.is_one:
                plane = Image(
                    factor.apply(plane.array, power),
                    bbox=plane.bbox,
                    projection=plane.projection,
                    obs_info=plane._obs_info,
                    metadata=plane.metadata.copy() if copy else plane.metadata,
                )
            elif copy:
                plane = plane.copy()
            planes.append(plane.view(unit=unit**power))
        return planes[0], planes[1], mask

    def _unit_factor(self, unit: u.UnitBase | None, target: u.UnitBase | None) -> UnitFactor:
        scaling = VisitImage.photometric_scaling.stored(self)
        convertible = unit is not None and target is not None and unit.is_equivalent(target)
        return find_unit_factor(
            unit,
            target,
            # A scaling that cannot be read is an error only if it is needed.
            None if convertible else available(scaling),
            bbox=self.bbox,
            dtype=self._image.array.dtype,
        )

    # Legacy.

    @classmethod
    @accepts_legacy_names
    def from_legacy(  # type: ignore[override]  # an exposure has its own WCS
        cls,
        legacy: Any,
        *,
        unit: u.UnitBase | None = None,
        plane_map: Mapping[str, MaskPlane] | None = None,
        instrument: str | None = None,
        visit: int | None = None,
        exposure_record: DimensionRecord | None = None,
    ) -> Self:
        """Convert from an `lsst.afw.image.Exposure` instance.

        Parameters
        ----------
        legacy
            An afw exposure that will share image and variance (but not mask)
            pixel data with the returned object.
        unit
            Unit of the image; by default, that of its metadata.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        instrument, visit
            Name of the instrument and number of the visit; by default, those
            of the exposure.
        exposure_record
            The ``exposure`` dimension record of the Butler, whose properties
            complete the observation information; optional.

        Returns
        -------
        visit_image
            The visit image.
        """
        return registry.convert_from_legacy(
            legacy,
            cls,
            unit=unit,
            plane_map=plane_map,
            instrument=instrument,
            visit=visit,
            exposure_record=exposure_record,
        )

    @overload  # type: ignore[override]  # planes do not have frames of their own
    @classmethod
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        instrument: str | None = None,
        visit: int | None = None,
        exposure_record: DimensionRecord | None = None,
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
        instrument: str | None = None,
        visit: int | None = None,
        exposure_record: DimensionRecord | None = None,
        component: str,
    ) -> Any: ...

    @classmethod
    @accepts_aliases(uri="filename")
    def read_legacy(
        cls,
        uri: ResourcePathExpression,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        instrument: str | None = None,
        visit: int | None = None,
        exposure_record: DimensionRecord | None = None,
        component: str | None = None,
    ) -> Any:
        """Read a FITS file written by `lsst.afw.image.Exposure.writeFits`.

        Parameters
        ----------
        uri
            URI or path of the file.  It can be passed by its former name
            ``filename``, too.
        preserve_quantization
            If `True`, writing the image again preserves quantized pixel
            values exactly; the image and variance arrays are read-only then.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        instrument, visit
            Name of the instrument and number of the visit; by default, those
            in the file.
        exposure_record
            The ``exposure`` dimension record of the Butler, whose properties
            complete the observation information; optional.
        component
            Name of a component to read instead of the whole image.

        Returns
        -------
        visit_image
            The visit image, or the requested component.

        Raises
        ------
        NotAnArchiveError
            If the file is not a FITS file with images.
        InvalidComponentError
            If the component does not exist.
        ArchiveReadError
            If the requested component, or a plane, cannot be read.  When the
            whole image is read, other components that cannot be read raise
            this error when they are used.
        """
        return registry.read_legacy(
            uri,
            cls,
            component,
            preserve_quantization=preserve_quantization,
            plane_map=plane_map,
            instrument=instrument,
            visit=visit,
            exposure_record=exposure_record,
        )


def check_scaling(scaling: BaseField) -> None:
    """Check that a photometric scaling has a unit.

    Parameters
    ----------
    scaling
        The field.

    Raises
    ------
    TypeError
        If it has no unit.
    """
    if scaling.unit is None:
        raise TypeError(
            "A photometric scaling must have a unit, such as nJy / electron; multiply the field with one."
        )


def _clip_to_image(image: VisitImage, bounds: Bounds | None) -> Bounds:
    if bounds is None:
        return image.bbox
    if not isinstance(bounds, Bounds):
        raise GeometryError(f"The bounds of an image must be Bounds, not {short_repr(bounds)}.")
    return clip_bounds(bounds, image.bbox)


def _check_psf(psf: Any) -> None:
    if not isinstance(psf, PointSpreadFunction):
        raise TypeError(
            f"The psf of an image must be a PointSpreadFunction; got {short_repr(psf)}. "
            "Convert a PSF of lsst.afw with PointSpreadFunction.from_legacy."
        )
