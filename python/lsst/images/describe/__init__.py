# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Human-readable reports about objects, for terminals and notebooks.

This package defines reports and their rendering.  The content of the report of
a type is defined by plugins, through the hook ``describe``.
"""

from __future__ import annotations

from ._describe import Described, describe, make_report
from ._mixin import Describable, DescribableMixin
from ._options import DescribeOptions
from ._parts import FieldRole, ReportField, ReportTable, ReportValueGroup
from ._report import Report

__all__ = (
    "Describable",
    "DescribableMixin",
    "DescribeOptions",
    "Described",
    "FieldRole",
    "Report",
    "ReportField",
    "ReportTable",
    "ReportValueGroup",
    "describe",
    "make_report",
)
