# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Hook implementations of this package (the module that the entry point names)."""

from lsst.images import Box
from lsst.images.plugins import DatasetSpec, DatasetTypeSpec, Found, StorageClassSpec, hookimpl

AMPLIFIER = Box.from_shape((40, 30))


@hookimpl
def register_datasets():
    """Declare both types, and a storage class for the frame."""
    frame = StorageClassSpec(
        name="FringeFrame",
        parameters=frozenset({"bbox"}),
        components={"image": "ImageV2", "psf": "PointSpreadFunction", "bbox": "BoxV2"},
        converters={"astropy.io.fits.HDUList": "my_survey_images.FringeFrame.from_legacy"},
    )
    return [
        DatasetSpec(
            schema="my_survey.fringe_frame",
            pytype="my_survey_images:FringeFrame",
            model="my_survey_images.fringes:FringeFrameModel",
            storage_class=frame,
        ),
        DatasetSpec(
            schema="my_survey.moffat_psf",
            pytype="my_survey_images:MoffatPSF",
            model="my_survey_images.moffat:MoffatPSFModel",
        ),
    ]


@hookimpl
def register_dataset_types():
    """Offer ``butler register-image-dataset-types REPO fringe_frame``."""
    return [
        DatasetTypeSpec(
            name="fringe_frame",
            dimensions=("instrument", "detector", "physical_filter"),
            storage_class="FringeFrame",
            description="The fringe pattern of a detector.",
        )
    ]


@hookimpl
def parse_bbox(value):
    """Convert the name of an amplifier to a box; "C03" is the fourth from the left."""
    if isinstance(value, str) and value[:1] == "C" and value[1:].isdigit():
        left = AMPLIFIER.x.start + int(value[1:]) * AMPLIFIER.shape.x
        return Box.factory[AMPLIFIER.y.start : AMPLIFIER.y.stop, left : left + AMPLIFIER.shape.x]
    return None


@hookimpl
def convert_from_legacy(legacy, pytype):
    """Convert HDUs in the older format of the survey."""
    from my_survey_images.fringes import FringeFrame, from_hdus

    return from_hdus(legacy) if pytype is FringeFrame else None


@hookimpl
def read_legacy(uri, pytype):
    """Read files in the older format of the survey."""
    from my_survey_images.fringes import FringeFrame, from_file

    return Found(from_file(uri)) if pytype is FringeFrame else None


@hookimpl
def describe(obj):
    """Describe the amplitude and the box of the fringes."""
    if type(obj).__name__ == "FringeFrame":
        return f"Fringes of {obj.amplitude:.1%} over {obj.bbox}"
    return None


@hookimpl
def register_commands(cli):
    """Add ``lsst-images fringe-amplitude``."""
    from my_survey_images.command import fringe_amplitude

    cli.add_command(fringe_amplitude)
