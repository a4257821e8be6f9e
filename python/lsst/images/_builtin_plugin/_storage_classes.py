# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The Butler storage classes of the built-in types, as a table.

Names, types and components include those of the released Butler
configuration, with which they must agree.
"""

from __future__ import annotations

__all__ = ("COMPONENT_CLASSES", "FAMILY_CLASSES", "STORAGE_CLASSES")

from collections.abc import Iterator, Mapping

from ..plugins import StorageClassSpec, registry
from ..utils import cached_property

_LEGACY = "lsst.afw.image"


class DeclaredComponents(Mapping[str, str]):
    """Storage classes of the components that an image type declares.

    The type is imported when the mapping is used for the first time, because
    every process that reads a file imports this table.

    Parameters
    ----------
    pytype
        The type, as ``package.module:Name``.
    others
        Storage classes of components that the type does not declare, by name.
    """

    def __init__(self, pytype: str, others: Mapping[str, str]) -> None:
        self._pytype = pytype
        self._others = others

    @cached_property
    def _all(self) -> Mapping[str, str]:
        from .._components import component_storage_classes

        return {**self._others, **component_storage_classes(registry.load(self._pytype))}

    def __getitem__(self, name: str) -> str:
        return self._all[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)


_SKY = {"sky_projection": "SkyProjection", "projection": "SkyProjection"}
_PLANE = {**_SKY, "bbox": "BoxV2", "obs_info": "ObservationInfo"}
_PLANES = {
    **_PLANE,
    "image": "ImageV2",
    "mask": "MaskV2",
    "variance": "ImageV2",
    "unit": "AstropyUnit",
    "components": "StructuredDataDict",
}
_ANNOTATED = {**_PLANES, "masked_image": "MaskedImageV2"}
_BBOX = frozenset({"bbox"})

STORAGE_CLASSES = {
    "image": StorageClassSpec(
        name="ImageV2",
        pytype="lsst.images:Image",
        parameters=_BBOX,
        components={**_PLANE, "unit": "AstropyUnit"},
        converters={f"{_LEGACY}.Image": "lsst.images.Image.from_legacy"},
    ),
    "mask": StorageClassSpec(
        name="MaskV2",
        pytype="lsst.images:Mask",
        parameters=_BBOX,
        components=_PLANE,
        converters={f"{_LEGACY}.Mask": "lsst.images.Mask.from_legacy"},
    ),
    "masked_image": StorageClassSpec(
        name="MaskedImageV2",
        pytype="lsst.images:MaskedImage",
        parameters=_BBOX | {"components"},
        components=_PLANES,
        converters={f"{_LEGACY}.MaskedImage": "lsst.images.MaskedImage.from_legacy"},
    ),
    "color_image": StorageClassSpec(
        name="ColorImage",
        pytype="lsst.images:ColorImage",
        parameters=_BBOX,
        components={**_SKY, "bbox": "BoxV2"},
    ),
    "transform": StorageClassSpec(
        name="Transform", pytype="lsst.images:Transform", write_parameters={"format": "json"}
    ),
    "sky_projection": StorageClassSpec(
        name="SkyProjection",
        pytype="lsst.images:SkyProjection",
        converters={"lsst.afw.geom.SkyWcs": "lsst.images.SkyProjection.from_legacy"},
        write_parameters={"format": "json"},
    ),
    "visit_image": StorageClassSpec(
        name="VisitImage",
        pytype="lsst.images:VisitImage",
        inherits_from="MaskedImageV2",
        # What is inherited is repeated for readers of this table alone.
        parameters=_BBOX | {"components"},
        components=DeclaredComponents("lsst.images:VisitImage", _ANNOTATED),
        converters={f"{_LEGACY}.Exposure": "lsst.images.VisitImage.from_legacy"},
    ),
    "difference_image": StorageClassSpec(
        name="DifferenceImage",
        pytype="lsst.images:DifferenceImage",
        inherits_from="VisitImage",
        parameters=_BBOX | {"components"},
        components=DeclaredComponents("lsst.images:DifferenceImage", _ANNOTATED),
        converters={f"{_LEGACY}.Exposure": "lsst.images.DifferenceImage.from_legacy"},
    ),
    "cell_coadd": StorageClassSpec(
        name="CellCoadd",
        pytype="lsst.images.cells:CellCoadd",
        inherits_from="MaskedImageV2",
        parameters=_BBOX | {"components"},
        # The bounds are those of the PSF.
        components=DeclaredComponents("lsst.images.cells:CellCoadd", {**_ANNOTATED, "bounds": "Bounds"}),
        converters={
            "lsst.cell_coadds.MultipleCellCoadd": "lsst.images.cells.CellCoadd.from_legacy_cell_coadd"
        },
    ),
    "detector": StorageClassSpec(
        name="DetectorV2",
        pytype="lsst.images.cameras:Detector",
        converters={"lsst.afw.cameraGeom.Detector": "lsst.images.cameras.Detector.from_legacy"},
    ),
    "camera_frame_set": StorageClassSpec(name="CameraFrameSet", pytype="lsst.images:CameraFrameSet"),
    "observation_summary_stats": StorageClassSpec(
        name="ObservationSummaryStats",
        pytype="lsst.images:ObservationSummaryStats",
        converters={f"{_LEGACY}.ExposureSummaryStats": "lsst.images.ObservationSummaryStats.from_legacy"},
    ),
    "background_map": StorageClassSpec(name="BackgroundMap", pytype="lsst.images:BackgroundMap"),
    "cell_psf": StorageClassSpec(
        name="CellPointSpreadFunction",
        pytype="lsst.images.cells:CellPointSpreadFunction",
        inherits_from="PointSpreadFunction",
        parameters=_BBOX,
    ),
    "coadd_provenance": StorageClassSpec(
        name="CellCoaddProvenance", pytype="lsst.images.cells:CoaddProvenance"
    ),
}
"""Storage classes by schema."""

FAMILY_CLASSES = (
    StorageClassSpec(
        name="PointSpreadFunction",
        pytype="lsst.images.psfs:PointSpreadFunction",
        converters={"lsst.afw.detection.Psf": "lsst.images.psfs.PointSpreadFunction.from_legacy"},
    ),
    StorageClassSpec(name="ImageField", pytype="lsst.images.fields:BaseField"),
    StorageClassSpec(name="ConvolutionKernel", pytype="lsst.images.convolution_kernels:ConvolutionKernel"),
)
"""Storage classes that several schemas share."""

COMPONENT_CLASSES = (
    StorageClassSpec(
        name="BoxV2",
        pytype="lsst.images:Box",
        converters={"lsst.geom.Box2I": "lsst.images.Box.from_legacy"},
        formatter=None,
    ),
    StorageClassSpec(name="AstropyUnit", pytype="astropy.units:UnitBase", formatter=None),
    StorageClassSpec(
        name="ObservationInfo", pytype="astro_metadata_translator:ObservationInfo", formatter=None
    ),
    StorageClassSpec(name="Bounds", pytype="lsst.images:Bounds", formatter=None),
)
"""Storage classes that are components only, never datasets."""
