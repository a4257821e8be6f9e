# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Calibrated images of one detector and visit."""

from __future__ import annotations

__all__ = ("VisitImage", "check_scaling")

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Self

import astropy.units as u

from .._aliases import accepts_aliases
from .._components import AnnotatedImage, UnitFactor, check_band
from .._geom import Bounds
from .._pixels import Image, Mask, MaskPlane, MaskSchema
from .._transforms import DetectorFrame, Projection
from ..cameras import Detector
from ..errors import GeometryError, UnitConversionError
from ..fields import ApertureCorrectionMap, BackgroundMap, BaseField
from ..plugins import registry
from ..psfs import PointSpreadFunction
from ..serialization import MetadataValue
from ..serialization._deferred import Deferred, available, copied, is_deferred
from ._convert_unit import attach_unit, find_unit_factor
from ._summary_stats import ObservationSummaryStats
from ._validity import clip_bounds

if TYPE_CHECKING:
    from astro_metadata_translator import ObservationInfo


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
    bounds
        Region of valid pixels; all by default.  It is cut down to the pixels
        of ``image``.
    obs_info
        General information about the observation, with the name of the
        physical filter; by default, that of ``image``.
    summary_stats
        Statistics of the observation; by default, none of them is set.
    photometric_scaling
        Field with a unit by which pixels are multiplied (or, as units tell,
        divided) to calibrate them.
    psf
        The point spread function.
    detector
        The detector.
    aperture_corrections
        Fields by name of the algorithm; none by default.
    backgrounds
        Background models; none by default.
    band
        Short name of the filter.
    allow_missing
        Whether to do without what every visit image should have: a unit,
        ``projection`` with a `~lsst.images.DetectorFrame`, ``obs_info`` with
        a physical filter, ``psf``, ``detector`` and ``band``.  Old files lack
        any of these; the attribute is `None` then.

    Raises
    ------
    TypeError
        If something that every visit image should have is missing, or the
        photometric scaling has no unit.
    ValueError
        If the observation information does not name the physical filter.

    Notes
    -----
    Instead of any of its parts, a visit image may hold the
    `ArchiveReadError` that kept it from being read.  It is raised by whoever
    uses that part, and nobody else.
    """

    @accepts_aliases(projection="sky_projection")
    def __init__(
        self,
        image: Image,
        *,
        mask: Mask | None = None,
        variance: Image | None = None,
        mask_schema: MaskSchema | None = None,
        projection: Projection[DetectorFrame] | Deferred | None = None,
        bounds: Bounds | Deferred | None = None,
        obs_info: ObservationInfo | Deferred | None = None,
        summary_stats: ObservationSummaryStats | Deferred | None = None,
        photometric_scaling: BaseField | Deferred | None = None,
        psf: PointSpreadFunction | Deferred | None = None,
        detector: Detector | Deferred | None = None,
        aperture_corrections: ApertureCorrectionMap | Deferred | None = None,
        backgrounds: BackgroundMap | Deferred | None = None,
        band: str | Deferred | None = None,
        metadata: dict[str, MetadataValue] | None = None,
        allow_missing: bool = False,
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
        check_scaling(photometric_scaling)
        check_band(band)
        self._bounds = self._clip(bounds)
        self._summary_stats = ObservationSummaryStats() if summary_stats is None else summary_stats
        self._photometric_scaling = photometric_scaling
        self._psf = psf
        self._detector = detector
        self._aperture_corrections = {} if aperture_corrections is None else aperture_corrections
        self._band = band
        if not allow_missing:
            self._require_everything()

    def _clip(self, bounds: Bounds | Deferred | None) -> Bounds | Deferred:
        if bounds is None or is_deferred(bounds):
            return self.bbox if bounds is None else bounds
        if not isinstance(bounds, Bounds):
            raise GeometryError(f"The bounds of an image must be Bounds, not {bounds!r}.")
        return clip_bounds(bounds, self.bbox)

    def _require_everything(self) -> None:
        projection = self._unreadable.get("projection", self._image.projection)
        obs_info = self._obs_info
        needed = {
            "unit of the image": self._image.unit,
            "projection": projection,
            "obs_info": obs_info,
            "psf": self._psf,
            "detector": self._detector,
            "band": self._band,
        }
        if missing := [name for name, value in needed.items() if value is None]:
            raise TypeError(
                f"A {type(self).__name__} needs {', '.join(needed)}; missing: {', '.join(missing)}. "
                "Pass allow_missing=True to do without."
            )
        if isinstance(projection, Projection) and not isinstance(projection.pixel_frame, DetectorFrame):
            raise TypeError(
                f"The pixels of a {type(self).__name__}'s projection must be those of a DetectorFrame, not "
                f"of {projection.pixel_frame!r}."
            )
        if obs_info is not None and not is_deferred(obs_info) and obs_info.physical_filter is None:
            raise ValueError(
                f"The obs_info of a {type(self).__name__} must have a physical_filter; it is None."
            )

    # What it has.

    @property
    def bounds(self) -> Bounds:
        """Region of valid pixels (`~lsst.images.Bounds`)."""
        return available(self._bounds)

    @property
    def physical_filter(self) -> str | None:
        """Name of the filter, as the instrument calls it (`str`)."""
        obs_info = self.obs_info
        return None if obs_info is None else obs_info.physical_filter

    @property
    def band(self) -> str | None:
        """Short name of the filter (`str`)."""
        return available(self._band)

    @property
    def summary_stats(self) -> ObservationSummaryStats:
        """Statistics of the observation (`ObservationSummaryStats`)."""
        return available(self._summary_stats)

    @property
    def psf(self) -> PointSpreadFunction | None:
        """The point spread function (`~lsst.images.psfs.PointSpreadFunction`).

        `ArchiveReadError` is raised if it could not be read.
        """
        return available(self._psf)

    @property
    def detector(self) -> Detector | None:
        """The detector (`~lsst.images.cameras.Detector`)."""
        return available(self._detector)

    @property
    def aperture_corrections(self) -> ApertureCorrectionMap:
        """Fields by name of the algorithm (`dict`)."""
        return available(self._aperture_corrections)

    @property
    def photometric_scaling(self) -> BaseField | None:
        """Field by which pixels are multiplied to calibrate them
        (`~lsst.images.fields.BaseField` | `None`).

        It may have been applied already; the unit of the image tells.
        """
        return available(self._photometric_scaling)

    @photometric_scaling.setter
    def photometric_scaling(self, value: BaseField | None) -> None:
        check_scaling(value)
        self._photometric_scaling = value

    # Subimages and copies.

    def _parts(self) -> dict[str, Any]:
        return {
            **self._unreadable,
            "bounds": self._bounds,
            "summary_stats": self._summary_stats,
            "photometric_scaling": self._photometric_scaling,
            "psf": self._psf,
            "detector": self._detector,
            "aperture_corrections": self._aperture_corrections,
            "backgrounds": self._backgrounds,
            "band": self._band,
        }

    def _copied_parts(self, *, copy_detector: bool) -> dict[str, Any]:
        """Return the parts, with copies of those that can change."""
        parts = self._parts()
        names = ["summary_stats", "aperture_corrections", "backgrounds"]
        for name in [*names, "detector"] if copy_detector else names:
            parts[name] = copied(parts[name])
        return parts

    def _rebuilt(
        self,
        image: Image,
        mask: Mask,
        variance: Image,
        *,
        metadata: dict[str, MetadataValue],
        parts: dict[str, Any],
    ) -> Self:
        # What is missing here was allowed to be.
        return type(self)(image, mask=mask, variance=variance, metadata=metadata, allow_missing=True, **parts)

    def copy(self, *, copy_detector: bool = False) -> Self:
        """Deep-copy the planes, and copy the metadata and all parts that can
        change.

        Parameters
        ----------
        copy_detector
            Whether to copy the detector, too.

        Returns
        -------
        copy
            Shares what is immutable: PSF, projection, observation
            information, bounds and scaling; and the detector unless asked.
        """
        result = self._rebuilt(
            self._image.copy(),
            self._mask.copy(),
            self._variance.copy(),
            metadata=self._metadata.copy(),
            parts=self._copied_parts(copy_detector=copy_detector),
        )
        return self._with_attachments_of(result, whole=False)

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
            Unit wanted.
        copy
            `True` copies all planes and all parts that can change.
            ``"as-needed"`` shares with this image what does not change.
            `False` shares everything, and raises if pixels would change.
        copy_detector
            Whether to copy the detector when the other parts are copied.

        Returns
        -------
        converted
            An image of the unit wanted.

        Raises
        ------
        astropy.units.UnitConversionError
            If the units do not convert, not even with the photometric
            scaling, or if ``copy`` is `False` and pixels would change.
        TypeError
            If ``copy`` is none of the three.

        Notes
        -----
        The photometric scaling is evaluated over the pixels of this image.
        It stays, and so does what is subtracted: the units tell that the
        scaling is applied, and backgrounds are converted when they are
        changed.
        """
        if copy is not True and copy is not False and copy != "as-needed":
            raise TypeError(f"copy must be True, False or 'as-needed', not {copy!r}.")
        unit = u.Unit(unit)
        factor = self._unit_factor(self.unit, unit)
        if copy is False and not factor.is_one:
            raise UnitConversionError(
                f"Pixels of unit '{self.unit}' change when they are converted to '{unit}', which "
                "copy=False does not allow."
            )
        image, variance, mask = self._converted_planes(factor, unit, copy=copy is True)
        parts = self._copied_parts(copy_detector=copy_detector) if copy is True else self._parts()
        if not is_deferred(parts["backgrounds"]):
            parts["backgrounds"] = attach_unit(parts["backgrounds"], self.unit)
        metadata = self._metadata.copy() if copy is True else self._metadata
        result = self._rebuilt(image, mask, variance, metadata=metadata, parts=parts)
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
        scaling = self._photometric_scaling
        convertible = unit is not None and target is not None and unit.is_equivalent(target)
        return find_unit_factor(
            unit,
            target,
            # An unreadable scaling matters only where it is needed.
            None if convertible else available(scaling),
            bbox=self.bbox,
            dtype=self._image.array.dtype,
        )

    # Legacy.

    @classmethod
    def from_legacy(  # type: ignore[override]  # what a visit image takes from its exposure
        cls,
        legacy: Any,
        *,
        unit: u.UnitBase | None = None,
        plane_map: Mapping[str, MaskPlane] | None = None,
        instrument: str | None = None,
        visit: int | None = None,
    ) -> Self:
        """Convert from an `lsst.afw.image.Exposure` instance.

        Parameters
        ----------
        legacy
            An afw exposure that will share image and variance (but not mask)
            pixel data with the returned object.
        unit
            Units of the image; by default, those its metadata tell.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        instrument, visit
            Name of the instrument and number of the visit; by default, those
            that the exposure tells.

        Returns
        -------
        visit_image
            The visit image.
        """
        result: Self = registry.convert_from_legacy(
            legacy, cls, unit=unit, plane_map=plane_map, instrument=instrument, visit=visit
        )
        return result

    @classmethod
    def read_legacy(  # type: ignore[override]  # planes do not have frames of their own
        cls,
        filename: Any,
        *,
        preserve_quantization: bool = False,
        plane_map: Mapping[str, MaskPlane] | None = None,
        instrument: str | None = None,
        visit: int | None = None,
        component: str | None = None,
    ) -> Any:
        """Read a FITS file written by `lsst.afw.image.Exposure.writeFits`.

        Parameters
        ----------
        filename
            URI or file name.
        preserve_quantization
            If `True`, writing the image out again preserves
            quantization-compressed pixel values exactly; the image and
            variance arrays are read-only then.
        plane_map
            A mapping from legacy mask plane name to the new plane name and
            description.
        instrument, visit
            Name of the instrument and number of the visit; by default, those
            that the file tells.
        component
            Name of a component to read instead of the whole.

        Returns
        -------
        visit_image
            The visit image, or the component asked for.
        """
        return registry.read_legacy(
            filename,
            cls,
            component,
            preserve_quantization=preserve_quantization,
            plane_map=plane_map,
            instrument=instrument,
            visit=visit,
        )


def check_scaling(scaling: BaseField | Deferred | None) -> None:
    """Check that what pixels are multiplied with to calibrate them has a unit.

    Parameters
    ----------
    scaling
        The field, what stands for it, or `None`.

    Raises
    ------
    TypeError
        If it has no unit.
    """
    if scaling is not None and not is_deferred(scaling) and scaling.unit is None:
        raise TypeError(
            "A photometric scaling must have a unit, so that it is known what it converts to; "
            "multiply it with one."
        )
