# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
# Public names and the modules that define them; read by type checkers and by lazy_loader.

from ._decoded import (
    LegacyContext as LegacyContext,
    LegacyConvertible as LegacyConvertible,
)
from ._open import (
    open_legacy as open_legacy,
)
from ._reader import (
    LegacyReader as LegacyReader,
)
from .afw_archive import (
    LegacyArchive as LegacyArchive,
    LegacyDecoder as LegacyDecoder,
    LegacyEntry as LegacyEntry,
    LegacyOpaque as LegacyOpaque,
    LegacyRows as LegacyRows,
)
from ._visit_summary import (
    VisitSummary as VisitSummary,
    VisitSummaryRow as VisitSummaryRow,
    read_visit_summary as read_visit_summary,
)
