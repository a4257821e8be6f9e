# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about objects, for people: as text, in a terminal, in a notebook.

What is in the report of a type, a plugin says with the hook ``describe``; this
floor knows what reports are and how they look, and no type.
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
