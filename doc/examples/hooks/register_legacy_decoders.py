# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A decoder for a class of a survey in table archives of lsst.afw."""

from lsst.images.plugins import hookimpl


@hookimpl
def register_legacy_decoders():
    """Declare the decoder by the class name in the archive."""
    return {"SurveyPsf": "my_survey_images.legacy:decode_psf"}
