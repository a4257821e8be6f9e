# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reader of files of `lsst.cell_coadds` as cell coadds."""

from __future__ import annotations

__all__ = ("LegacyCellCoaddReader",)

import functools
import warnings
from collections.abc import Callable
from typing import Any, ClassVar, cast

import astropy.units as u
import astropy.wcs
import numpy as np

from .._components import Component
from .._geom import YX, Box
from .._pixels import Image, Mask, MaskedImage
from .._pixels._legacy_planes import get_legacy_deep_coadd_mask_planes
from .._transforms import Projection, TractFrame
from ..cells import CellCoadd, CellPointSpreadFunction
from ..errors import ImagesError
from ..fields import BackgroundMap
from ..fits import FitsOpaqueMetadata, suppress_fits_card_warnings
from ..serialization import attach, parse_unit
from ..serialization._deferred import available
from ..utils import cached_property
from ._convert_cells import CellLayout, make_cell_corrections, make_cell_psf, make_patch, make_provenance
from ._header_wcs import check_sip_orders
from ._planes import make_mask
from ._reader import LegacyReader
from ._visit_reader import attempt
from .afw_archive import open_cell_coadd
from .afw_archive._cell_coadd import LegacyCellCoadd

OLD_PLANES = {
    name: bit
    for bit, name in enumerate(
        "BAD SAT INTRP CR EDGE DETECTED DETECTED_NEGATIVE SUSPECT NO_DATA VIGNETTED STREAK".split()
    )
}
"""Bits of mask planes of files that do not define them: the defaults of `lsst.afw`."""


class LegacyCellCoaddReader(LegacyReader):
    """Reader of a file of `lsst.cell_coadds`.

    Parameters
    ----------
    file
        The open file.
    pytype
        `CellCoadd`.
    **options
        As for `LegacyReader`.

    Notes
    -----
    The padding pixels around the outermost cells are kept.  The grid of the
    coadd has an additional border of cells for them, which repeat the PSF of
    the adjacent cells.
    """

    COMPONENTS_WITH_BBOX: ClassVar[frozenset[str]] = LegacyReader.COMPONENTS_WITH_BBOX | {
        "mask_fractions",
        "noise_realizations",
        "psf",
    }

    @property
    def _component_readers(self) -> dict[str, Callable[..., Any]]:
        return {
            **{name: read for name, read in super()._component_readers.items() if name != "obs_info"},
            **{declared.name: functools.partial(read, self) for declared, read in _COMPONENT_READERS.items()},
            "bounds": self._read_bounds,
        }

    @cached_property
    def _record(self) -> LegacyCellCoadd:
        return open_cell_coadd(self.file.fits)

    @cached_property
    def _layout(self) -> CellLayout:
        return CellLayout.from_record(self._record)

    # Planes.

    def _stitch(self, name: str, bbox: Box | None, fill: float) -> np.ndarray:
        """Stitch the pixels of the cells together."""
        stack, full = self._record.plane(name), self._layout.bbox
        result = np.full(full.shape, fill, dtype=stack.dtype.newbyteorder("="))
        for n, cell in enumerate(stack):
            inner = self._layout.inner_bbox(n)
            result[inner.slice_within(full)] = cell[inner.slice_within(self._record.outer_bbox(n))]
        return result if bbox is None else result[bbox.slice_within(full)]

    def _make_plane(self, name: str, bbox: Box | None, fill: float, power: int | None) -> Image:
        unit = None if power is None else self._read_unit()
        return Image(
            self._stitch(name, bbox, fill),
            bbox=self._layout.bbox if bbox is None else bbox,
            unit=None if unit is None or power is None else unit**power,
            projection=self._projection,
        )

    def _read_image(self, bbox: Box | None = None) -> Image:
        return self._make_plane("image", bbox, 0.0, 1)

    def _read_variance(self, bbox: Box | None = None) -> Image:
        return self._make_plane("variance", bbox, np.inf, 2)

    def _read_mask(self, bbox: Box | None = None) -> Mask:
        bits = self._record.mask_planes or OLD_PLANES
        # Pixels of missing cells have no data.
        pixels = self._stitch("mask", bbox, 1 << bits["NO_DATA"] if "NO_DATA" in bits else 0)
        return make_mask(
            pixels.astype(np.uint32),
            bits,
            self._layout.bbox if bbox is None else bbox,
            plane_map=self._plane_map,
            default_planes=get_legacy_deep_coadd_mask_planes(),
            keep_unset=self._keep_unset,
            projection=self._projection,
            name=self.file.name,
        )

    def _read_masked_image(self, bbox: Box | None = None) -> MaskedImage:
        return MaskedImage(
            self._read_image(bbox), mask=self._read_mask(bbox), variance=self._read_variance(bbox)
        )

    def _read_whole(self, bbox: Box | None) -> CellCoadd:
        components = {
            declared.name: self._read_for_whole(declared, read, bbox)
            for declared, read in _COMPONENT_READERS.items()
        }
        image, mask, variance = self._read_image(bbox), self._read_mask(bbox), self._read_variance(bbox)
        pytype = cast(type[CellCoadd], self._pytype)
        result = pytype._assemble(image, mask, variance, metadata={}, components=components)
        passthrough = FitsOpaqueMetadata()
        result.metadata.native.update(passthrough.extract_legacy_primary_header(self.file.primary.header))
        attach(result, passthrough=passthrough)
        return result

    def _read_for_whole(self, declared: Component[Any], read: Callable[..., Any], bbox: Box | None) -> Any:
        if declared in (CellCoadd.mask_fractions, CellCoadd.noise_realizations):
            return read(self, bbox)
        # The constructor cuts the PSF down to the box.
        return attempt(self.file.name, declared.name, functools.partial(read, self))

    # Components.

    def _read_bbox(self) -> Box:
        return self._layout.bbox

    def _read_unit(self) -> u.UnitBase | None:
        return u.nJy if self._record.unit is None else parse_unit(self._record.unit)

    @cached_property
    def _projection(self) -> Projection[Any]:
        bbox = self._layout.bbox
        frame = TractFrame(skymap=self._record.skymap, tract=self._record.tract or 0, bbox=bbox)
        check_sip_orders(self.file.primary.header)
        with suppress_fits_card_warnings(), warnings.catch_warnings():
            warnings.simplefilter("ignore", astropy.wcs.FITSFixedWarning)
            wcs = astropy.wcs.WCS(self.file.primary.header, fix=False)
        try:
            origin: YX[int] = self.file.origin(self.file.primary)
        except ImagesError:
            origin = YX(0, 0)
        return Projection.from_fits_wcs(wcs, frame, x0=origin.x, y0=origin.y)

    def _read_psf(self, bbox: Box | None = None) -> CellPointSpreadFunction:
        psf = make_cell_psf(self._record, self._layout)
        return psf if bbox is None else psf[bbox]

    def _read_bounds(self) -> Any:
        return self._read_psf().bounds

    def _read_aperture_corrections(self) -> Any:
        return make_cell_corrections(self._record, self._layout)

    def _read_patch(self) -> Any:
        number = self.file.primary.cards.get("LSST BUTLER DATAID PATCH")
        return make_patch(self._record, self._layout, number if isinstance(number, int) else None)

    def _read_provenance(self) -> Any:
        if self._record.patch is None:
            return None
        return available(make_provenance(self._record, self._layout))

    def _read_backgrounds(self) -> BackgroundMap:
        return BackgroundMap()

    def _read_band(self) -> str | None:
        return self._record.band or None

    def _read_mask_fractions(self, bbox: Box | None = None) -> dict[str, Image]:
        if "maskfrac" not in self._record.planes:
            return {}
        return {"rejected": self._make_plane("maskfrac", bbox, 0.0, None)}

    def _read_noise_realizations(self, bbox: Box | None = None) -> list[Image]:
        names = [name for name in self._record.planes if name.startswith("noise_")]
        return [self._make_plane(name, bbox, 0.0, None) for name in names]


_COMPONENT_READERS: dict[Component[Any], Callable[..., Any]] = {
    CellCoadd.patch: LegacyCellCoaddReader._read_patch,
    CellCoadd.band: LegacyCellCoaddReader._read_band,
    CellCoadd.mask_fractions: LegacyCellCoaddReader._read_mask_fractions,
    CellCoadd.noise_realizations: LegacyCellCoaddReader._read_noise_realizations,
    CellCoadd.psf: LegacyCellCoaddReader._read_psf,
    CellCoadd.aperture_corrections: LegacyCellCoaddReader._read_aperture_corrections,
    CellCoadd.provenance: LegacyCellCoaddReader._read_provenance,
    CellCoadd.backgrounds: LegacyCellCoaddReader._read_backgrounds,
}
"""Methods that read the components, by the declaration of the component."""
