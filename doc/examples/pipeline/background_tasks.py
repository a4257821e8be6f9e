# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Two pipeline tasks: subtract a background, and make a catalog of the residuals.

How to declare connections with storage classes of lsst.images:

* the storage class of a connection determines the type: ``MaskedImageV2``,
  ``VisitImage``, ``ImageV2``, or one that a plugin declares;
* with ``deferLoad=True`` the task gets a handle, whose ``get`` accepts
  ``parameters={"bbox": ...}`` and ``component="mask"``, and reads only these;
* a connection may name a component, ``"subtracted.mask"`` for instance: the
  task gets only this component;
* storage classes of plugins, here ``FringeFrame`` of ``doc/examples/my_survey``,
  are used like the built-in ones, after ``lsst-images butler-config`` configured
  the Butler.
"""

import astropy.table
import lsst.pipe.base.connectionTypes as ct
import numpy as np
from lsst.images import Box, Image, VisitImage
from lsst.images.fields import ChebyshevField
from lsst.images.psfs import PointSpreadFunction
from lsst.pex.config import Field, ListField
from lsst.pipe.base import PipelineTask, PipelineTaskConfig, PipelineTaskConnections, Struct
from my_survey_images import FringeFrame

DETECTOR = ("instrument", "visit", "detector")


class SubtractConnections(PipelineTaskConnections, dimensions=DETECTOR):
    """One input image; its residual and the subtracted background as outputs."""

    science = ct.Input(
        doc="Image to be read by box and component.",
        name="calexp",
        storageClass="VisitImage",
        dimensions=DETECTOR,
        deferLoad=True,
    )
    subtracted = ct.Output(
        doc="The selected box of the image, with the background subtracted.",
        name="subtracted",
        storageClass="MaskedImageV2",
        dimensions=DETECTOR,
    )
    cleaned = ct.Output(
        doc="The same with all components, including a record of the background.",
        name="cleaned",
        storageClass="VisitImage",
        dimensions=DETECTOR,
    )
    pattern = ct.Output(
        doc="Pattern of the residuals, in a type of a plugin.",
        name="pattern",
        storageClass="FringeFrame",
        dimensions=DETECTOR,
    )
    background = ct.Output(
        doc="The subtracted background.", name="background_image", storageClass="ImageV2", dimensions=DETECTOR
    )


class SubtractConfig(PipelineTaskConfig, pipelineConnections=SubtractConnections):
    """Options of `SubtractTask`."""

    margin = Field[int]("Width of the border to exclude (pixels).", default=0)
    ignore = ListField[str]("Mask planes whose pixels are excluded from the median.", default=["BAD"])


class SubtractTask(PipelineTask):
    """Subtract the median of the good pixels."""

    ConfigClass = SubtractConfig
    _DefaultName = "subtract"

    def runQuantum(self, butlerQC, inputRefs, outputRefs) -> None:
        """Read the bounding box, read the selected box, and run."""
        handle = butlerQC.get(inputRefs.science)
        full: Box = handle.get(component="bbox")
        box = full.padded(-self.config.margin)
        butlerQC.put(self.run(handle.get(parameters={"bbox": box})), outputRefs)

    def run(self, science: VisitImage) -> Struct:
        """Subtract the background in memory, without a Butler."""
        planes = [name for name in self.config.ignore if name in science.mask.schema.names]
        ignored = np.logical_or.reduce([np.zeros(science.bbox.shape, bool), *map(science.mask.get, planes)])
        level = np.median(science.image.array[~ignored])
        result = science.copy()
        result.image.array[...] -= level
        field = ChebyshevField(science.bbox, np.array([[float(level)]]), unit=science.unit)
        result.backgrounds.add("median", field, "Median of the good pixels.", is_subtracted=True)
        amplitude = float(result.image.array[~ignored].std() / level)
        return Struct(
            subtracted=result.as_masked_image(),
            cleaned=result,
            pattern=FringeFrame(result.image, result.psf, amplitude),
            background=field.render(dtype=np.float32),
        )


class CatalogConnections(PipelineTaskConnections, dimensions=("instrument", "visit")):
    """Components of many images as inputs, one table as output."""

    images = ct.Input(
        doc="Image planes; other planes are not read.",
        name="subtracted.image",
        storageClass="ImageV2",
        dimensions=DETECTOR,
        multiple=True,
    )
    masks = ct.Input(
        doc="Handles, so that only one mask at a time is in memory.",
        name="subtracted",
        storageClass="MaskedImageV2",
        dimensions=DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    psfs = ct.Input(
        doc="Point-spread functions, which are read without pixels.",
        name="cleaned.psf",
        storageClass="PointSpreadFunction",
        dimensions=DETECTOR,
        multiple=True,
    )
    boxes = ct.Input(
        doc="Bounding boxes, a component of a plugin type.",
        name="pattern.bbox",
        storageClass="BoxV2",
        dimensions=DETECTOR,
        multiple=True,
    )
    catalog = ct.Output(
        doc="One row for each detector.",
        name="residuals",
        storageClass="ArrowAstropy",
        dimensions=("instrument", "visit"),
    )


class CatalogConfig(PipelineTaskConfig, pipelineConnections=CatalogConnections):
    """Options of `CatalogTask` (none)."""


class CatalogTask(PipelineTask):
    """Compute statistics of the residuals of each image."""

    ConfigClass = CatalogConfig
    _DefaultName = "catalog"

    def run(
        self, images: list[Image], masks: list, psfs: list[PointSpreadFunction], boxes: list[Box]
    ) -> Struct:
        """Compute one row for each image."""
        rows = []
        for image, handle, psf, box in zip(images, masks, psfs, boxes, strict=True):
            good = image.array[~handle.get(component="mask").get("BAD")]
            peak = psf.compute_kernel_image(x=box.x.center, y=box.y.center).array.max()
            values = good.size, float(np.median(good)), float(good.std()), box.area, float(peak)
            rows.append((handle.dataId["detector"], *values))
        names = ["detector", "n", "median", "std", "area", "psf_peak"]
        return Struct(catalog=astropy.table.Table(rows=sorted(rows), names=names))
