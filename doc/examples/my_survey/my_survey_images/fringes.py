# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A data type, its serialization model, and a reader for an older file format."""

from typing import Self

import astropy.io.fits
import numpy as np
from lsst.images import Box, Image, ImageSerializationModel
from lsst.images.io import Serializable
from lsst.images.models import PSFSerializationModel
from lsst.images.plugins import registry
from lsst.images.psfs import PointSpreadFunction
from lsst.images.serialization import ArchiveTree, component

from .moffat import MoffatPSF


class FringeFrame(Serializable):
    """The fringe pattern of a detector."""

    def __init__(self, image: Image, psf: PointSpreadFunction, amplitude: float) -> None:
        self.image, self.psf, self.amplitude = image, psf, amplitude

    @property
    def bbox(self) -> Box:
        """Bounding box of the image."""
        return self.image.bbox

    def __getitem__(self, bbox: Box) -> "FringeFrame":
        """Return a subimage; also used by in-memory datastores to read a box."""
        return FringeFrame(self.image[bbox], self.psf, self.amplitude)

    @classmethod
    def from_legacy(cls, legacy) -> Self:
        """Convert an object of another package, with the hook ``convert_from_legacy``."""
        return registry.convert_from_legacy(legacy, cls)


class FringeFrameModel(ArchiveTree, schema="my_survey.fringe_frame", version="1.0.0"):
    """Serialization model of a frame."""

    image: ImageSerializationModel
    psf: PSFSerializationModel  # any PSF type, including plugin types
    amplitude: float

    @classmethod
    def serialize(cls, obj, archive) -> Self:
        """Convert a frame to a model."""
        return cls(
            image=archive.serialize_child("image", obj.image),
            psf=archive.serialize_child("psf", obj.psf),
            amplitude=obj.amplitude,
        )

    def deserialize(self, archive, *, bbox: Box | None = None) -> FringeFrame:
        """Convert the model to a frame; read only the pixels in a box if it is given."""
        image = self.image.deserialize(archive, bbox=bbox)
        return FringeFrame(image, self.psf.deserialize(archive), self.amplitude)

    @component("bbox", needs=("image",))
    def _bbox(self, archive) -> Box:
        return self.image.bbox

    @component("image", needs=("image",))
    def _image(self, archive, *, bbox: Box | None = None) -> Image:
        return self.image.deserialize(archive, bbox=bbox)


def from_hdus(hdus) -> FringeFrame:
    """Convert an HDU with two keywords, the older format of the survey."""
    pixels, cards = hdus[0].data, hdus[0].header
    image = Image(np.asarray(pixels, dtype=np.float32), start=(0, 0))
    psf = MoffatPSF(width=cards["SEEING"], beta=2.5, bounds=image.bbox)
    return FringeFrame(image, psf, cards["AMPL"])


def from_file(uri) -> FringeFrame:
    """Read a file in the older format of the survey."""
    with uri.as_local() as local, astropy.io.fits.open(local.ospath) as hdus:
        return from_hdus(hdus)
