# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A decoder of a class that a survey kept in archives of lsst.afw."""

from lsst.images.plugins import hookimpl


@hookimpl
def register_legacy_decoders():
    """Name, as it is in the archive, and what decodes it."""
    return {"SurveyPsf": "my_survey_images.legacy:decode_psf"}
