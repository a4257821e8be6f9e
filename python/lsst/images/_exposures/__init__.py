# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Visit images, difference images and their components."""

from __future__ import annotations

__all__ = ("DifferenceImage", "DifferenceImageTemplateInfo", "ObservationSummaryStats", "VisitImage")

from ._difference_image import DifferenceImage
from ._summary_stats import ObservationSummaryStats
from ._template_info import DifferenceImageTemplateInfo
from ._visit_image import VisitImage
