# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A decoder for a PSF class of a survey in table archives of lsst.afw."""

import dataclasses

from lsst.images.legacy import LegacyArchive, LegacyContext, LegacyEntry, LegacyRows
from lsst.images.plugins import hookimpl
from lsst.images.psfs import GaussianPointSpreadFunction


@dataclasses.dataclass(frozen=True)
class ArchivedPsf:
    """The archived PSF, which is converted when the pixels of its image are known."""

    sigma: float

    def convert_from_archive(self, context: LegacyContext) -> GaussianPointSpreadFunction:
        """Make the PSF."""
        return GaussianPointSpreadFunction(self.sigma, context.bounds, stamp_size=25)


def decode_psf(archive: LegacyArchive, entry: LegacyEntry, tables: tuple[LegacyRows, ...]) -> ArchivedPsf:
    """Decode the only row of the only table of the object."""
    return ArchivedPsf(tables[0].one().number("sigma"))


@hookimpl
def register_legacy_decoders():
    """Declare the decoder by the class name in the archive."""
    return {"MySurveyPsf": f"{__name__}:decode_psf"}
