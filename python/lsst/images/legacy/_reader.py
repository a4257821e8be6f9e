# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reader of `lsst.afw` image files, whole or by component."""

from __future__ import annotations

__all__ = ("LegacyReader",)

import contextlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any, ClassVar

import astropy.units as u

from .._aliases import COMPONENT_ALIASES
from .._geom import Box
from .._pixels import Image, Mask, MaskedImage, MaskPlane, MaskSchema
from .._transforms import Frame, Projection
from ..errors import (
    ArchiveReadError,
    InvalidComponentError,
    InvalidParameterError,
    LossyConversionWarning,
)
from ..io import DatasetReader, parse_bbox
from ..plugins import ReadContext
from ..serialization import attach
from ..utils import cached_property, short_repr
from ._convert_wcs import PIXEL_FRAME, make_projection
from ._damage import reading
from ._file import LegacyFile
from ._obs_info import read_obs_info
from ._passthrough import legacy_passthrough
from ._planes import map_planes, read_image, read_mask, read_projection


class LegacyReader(DatasetReader[Any]):
    """Reader of an `lsst.afw` file as an image, a mask or a masked image.

    Parameters
    ----------
    file
        The open file.
    pytype
        Type of the object that is read: `Image`, `Mask` or `MaskedImage`.
    plane_map
        New mask planes by legacy name; `None`: guessed from the names, and
        unknown planes keep theirs.
    keep_unset
        Whether unknown mask planes are kept even if no pixel has them set.
    frame
        Frame of the pixels for the sky projection; `None`: read no projection.
    preserve_quantization
        Whether to keep compressed tables, so that writing the image again is
        bit-exact.
    prefer_archive
        Whether to read the sky projection from the archive, if it has one,
        instead of the header, which may hold an approximation.
    """

    COMPONENTS_WITH_BBOX: ClassVar[frozenset[str]] = frozenset({"image", "mask", "variance", "masked_image"})
    """Components that take the read parameter ``bbox``."""

    def __init__(
        self,
        file: LegacyFile,
        pytype: type = MaskedImage,
        *,
        plane_map: Mapping[str, MaskPlane] | None = None,
        keep_unset: bool = False,
        frame: Frame | None = PIXEL_FRAME,
        preserve_quantization: bool = False,
        prefer_archive: bool = False,
    ) -> None:
        self.file = file
        self._prefer_archive = prefer_archive
        self._default_planes: Mapping[str, MaskPlane] | None = None
        self._pytype = pytype
        self._plane_map = plane_map
        self._keep_unset = keep_unset
        self._frame = frame
        self._preserve_quantization = preserve_quantization

    def close(self) -> None:
        """Close the file."""
        self.file.close()

    @property
    def uri(self) -> str:
        return self.file.name

    @property
    def component_names(self) -> list[str]:
        return list(self._component_readers)

    def read(self, *, bbox: Any = None, **unknown: Any) -> Any:
        if unknown:
            raise InvalidParameterError(
                f"A legacy {self._pytype.__name__} does not have the read parameters {sorted(unknown)}; "
                "it has 'bbox'."
            )
        with self._reading("whole", bbox) as box:
            return self._read_whole(box)

    def get_component(self, name: str, **parameters: Any) -> Any:
        name = COMPONENT_ALIASES.get(name, name)
        readers = self._component_readers
        if (method := readers.get(name)) is None:
            raise InvalidComponentError(
                f"Component {short_repr(name)} is not recognized for a legacy {self._pytype.__name__}; "
                f"it has {sorted(readers)}."
            )
        allowed = {"bbox"} if name in self.COMPONENTS_WITH_BBOX else set()
        if unknown := parameters.keys() - allowed:
            raise InvalidParameterError(
                f"Component {short_repr(name)} of a legacy file does not take the read parameters "
                f"{sorted(unknown)}; it takes {sorted(allowed)}."
            )
        with self._reading(f"component {name!r}", parameters.get("bbox")) as box:
            return method(box) if name in self.COMPONENTS_WITH_BBOX else method()

    @property
    def _component_readers(self) -> dict[str, Callable[..., Any]]:
        """Methods that read the components, by name of the component."""
        return {
            "image": self._read_image,
            "mask": self._read_mask,
            "variance": self._read_variance,
            "bbox": self._read_bbox,
            "unit": self._read_unit,
            "sky_projection": self._read_sky_projection,
            "obs_info": self._read_obs_info,
            "masked_image": self._read_masked_image,
        }

    # Components.

    def _read_whole(self, bbox: Box | None) -> Any:
        if issubclass(self._pytype, MaskedImage):
            result: Any = self._read_masked_image(bbox)
        elif issubclass(self._pytype, Mask):
            result = self._read_mask(bbox)
        else:
            result = self._read_image(bbox)
        passthrough = legacy_passthrough(self.file, result)
        attach(result, passthrough=passthrough if bbox is None else passthrough.for_subset())
        return result

    def _read_masked_image(self, bbox: Box | None = None) -> MaskedImage:
        self.file.fetch(bbox)
        image = self._read_image(bbox)
        planes = self.file.planes
        mask = self._read_mask(bbox) if "MASK" in planes else _clear_mask(image)
        variance = self._read_variance(bbox) if "VARIANCE" in planes else None
        return MaskedImage(
            image, mask=mask, variance=variance, projection=self._projection, obs_info=self._obs_info
        )

    def _read_image(self, bbox: Box | None = None) -> Image:
        return self._read_plane("IMAGE", bbox, 1)

    def _read_variance(self, bbox: Box | None = None) -> Image:
        variance = self._read_plane("VARIANCE", bbox, 2)
        if "IMAGE" not in self.file.planes:
            return variance
        # In old files, only one of the two planes has a unit.
        unit = self.file.unit(self.file.plane("IMAGE"))
        wanted = None if unit is None else unit**2
        if wanted is not None and variance.unit not in (None, wanted):
            warnings.warn(
                f"{self.file.name}: the unit of the variance is {variance.unit}, which is not the square of "
                f"the unit of the image, {unit}; using the square.",
                LossyConversionWarning,
                stacklevel=4,
            )
        return variance if variance.unit == wanted else variance.view(unit=wanted)

    def _read_plane(self, name: str, bbox: Box | None, power: int) -> Image:
        return read_image(
            self.file,
            self.file.plane(name),
            bbox=bbox,
            power=power,
            projection=self._projection,
            preserve_quantization=self._preserve_quantization,
        )

    def _read_mask(self, bbox: Box | None = None) -> Mask:
        return read_mask(
            self.file,
            self.file.plane("MASK"),
            bbox=bbox,
            plane_map=self._plane_map,
            default_planes=self._default_planes,
            keep_unset=self._keep_unset,
            projection=self._projection,
        )

    def _read_bbox(self) -> Box:
        return self.file.bbox(self._main_plane)

    def _read_unit(self) -> u.UnitBase | None:
        return self.file.unit(self._main_plane)

    def _read_sky_projection(self) -> Projection[Any] | None:
        return self._projection

    def _read_obs_info(self) -> Any:
        return self._obs_info

    # Helpers.

    @property
    def _main_plane(self) -> Any:
        planes = self.file.planes
        return planes.get("IMAGE") or next(iter(planes.values()))

    @cached_property
    def _projection(self) -> Projection[Any] | None:
        if self._prefer_archive and self._frame is not None:
            try:
                record = self.file.archived("SKYWCS")
                if record is not None:
                    return make_projection(record, self._frame, self.file.bbox(self._main_plane))
            except ArchiveReadError as err:
                warnings.warn(
                    f"{self.file.name}: the archived WCS cannot be read; using the WCS of the header: {err}",
                    LossyConversionWarning,
                    stacklevel=3,
                )
        return read_projection(self.file, self._main_plane, self._frame)

    @cached_property
    def _obs_info(self) -> Any:
        return read_obs_info(self.file)

    def _parse_bbox(self, bbox: Any) -> Box | None:
        if bbox is None or isinstance(bbox, Box):
            return bbox
        context = ReadContext(uri=self.file.name, container="fits", projection=lambda: self._projection)
        return parse_bbox(bbox, context)

    @contextlib.contextmanager
    def _reading(self, what: str, bbox: Any) -> Iterator[Box | None]:
        # An invalid box is an error of the caller, not of the file.
        box = self._parse_bbox(bbox)
        note = f"While reading the {what} of the legacy file {self.file.name}, bbox {bbox}."
        with reading(self.file.name, what, note=note):
            yield box


def _clear_mask(image: Image) -> Mask:
    """Make the mask of an exposure that was written without a mask."""
    schema = map_planes({}, 0, None, keep_unset=False, name="").values()
    return Mask(0, schema=MaskSchema(schema), bbox=image.bbox)
