# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Two pipeline tasks: subtract a background; gather a catalog of what is left.

How to declare connections with our storage classes:

* the storage class of a connection names the type: ``MaskedImageV2``,
  ``VisitImage``, ``ImageV2``, or one that a plugin declares;
* ``deferLoad=True`` gives a handle, whose ``get`` takes ``parameters={"bbox": ...}``
  and ``component="mask"``, and reads nothing else;
* a connection may name a component, ``"subtracted.mask"`` for instance: the
  task gets it alone;
* a type that a plugin declares, the ``FringeFrame`` of ``doc/examples/my_survey``
  here, is like ours, once ``lsst-images butler-config`` has told the Butler.
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
    """One image in; what is left of it, and what was subtracted, out."""

    science = ct.Input(
        doc="The image, of which boxes and components are read.",
        name="calexp",
        storageClass="VisitImage",
        dimensions=DETECTOR,
        deferLoad=True,
    )
    subtracted = ct.Output(
        doc="The box that was asked for, without its background.",
        name="subtracted",
        storageClass="MaskedImageV2",
        dimensions=DETECTOR,
    )
    cleaned = ct.Output(
        doc="The same with all that belongs to it, and with the background on record.",
        name="cleaned",
        storageClass="VisitImage",
        dimensions=DETECTOR,
    )
    pattern = ct.Output(
        doc="How what is left varies, in the type of the survey's own package.",
        name="pattern",
        storageClass="FringeFrame",
        dimensions=DETECTOR,
    )
    background = ct.Output(
        doc="What was subtracted.", name="background_image", storageClass="ImageV2", dimensions=DETECTOR
    )


class SubtractConfig(PipelineTaskConfig, pipelineConnections=SubtractConnections):
    """What to work on."""

    margin = Field[int]("Pixels to leave out along each edge.", default=0)
    ignore = ListField[str]("Mask planes whose pixels do not count.", default=["BAD"])


class SubtractTask(PipelineTask):
    """Subtract the median of the good pixels."""

    ConfigClass = SubtractConfig
    _DefaultName = "subtract"

    def runQuantum(self, butlerQC, inputRefs, outputRefs) -> None:
        """Read by component, then by box, then run."""
        handle = butlerQC.get(inputRefs.science)
        full: Box = handle.get(component="bbox")
        box = full.padded(-self.config.margin)
        butlerQC.put(self.run(handle.get(parameters={"bbox": box})), outputRefs)

    def run(self, science: VisitImage) -> Struct:
        """Subtract in memory; needs no Butler."""
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
    """Components of many images in, one table out."""

    images = ct.Input(
        doc="The planes that are needed, and no others.",
        name="subtracted.image",
        storageClass="ImageV2",
        dimensions=DETECTOR,
        multiple=True,
    )
    masks = ct.Input(
        doc="Handles: only one at a time is in memory.",
        name="subtracted",
        storageClass="MaskedImageV2",
        dimensions=DETECTOR,
        multiple=True,
        deferLoad=True,
    )
    psfs = ct.Input(
        doc="The point-spread functions, for which no pixel is read.",
        name="cleaned.psf",
        storageClass="PointSpreadFunction",
        dimensions=DETECTOR,
        multiple=True,
    )
    boxes = ct.Input(
        doc="A component of the survey's own type.",
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
    """Nothing to choose."""


class CatalogTask(PipelineTask):
    """Tell how much is left of each image."""

    ConfigClass = CatalogConfig
    _DefaultName = "catalog"

    def run(
        self, images: list[Image], masks: list, psfs: list[PointSpreadFunction], boxes: list[Box]
    ) -> Struct:
        """Gather a row for each image."""
        rows = []
        for image, handle, psf, box in zip(images, masks, psfs, boxes, strict=True):
            good = image.array[~handle.get(component="mask").get("BAD")]
            peak = psf.compute_kernel_image(x=box.x.center, y=box.y.center).array.max()
            values = good.size, float(np.median(good)), float(good.std()), box.area, float(peak)
            rows.append((handle.dataId["detector"], *values))
        names = ["detector", "n", "median", "std", "area", "psf_peak"]
        return Struct(catalog=astropy.table.Table(rows=sorted(rows), names=names))
