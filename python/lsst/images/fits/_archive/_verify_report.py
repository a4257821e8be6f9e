# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Results of the verification of a file."""

from __future__ import annotations

__all__ = ("Finding", "VerifyReport")

import dataclasses
from typing import Literal

Kind = Literal["structure", "checksum", "index", "tree"]
"""Kind of a finding: blocks, headers and data units; checksums; the table ``INDEX``;
the trees and their references."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One problem of a file.

    Parameters
    ----------
    where
        The HDU, or the part of the tree.
    kind
        ``"structure"``, ``"checksum"``, ``"index"`` or ``"tree"``.
    message
        Description of the problem.
    """

    where: str
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}: {self.message}"


@dataclasses.dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of the verification of a file.

    Parameters
    ----------
    name
        Path or URI of the file.
    size
        Size of the file in bytes.
    n_hdus
        Number of readable HDUs.
    n_summed
        Number of these that have ``DATASUM`` or ``CHECKSUM``.
    is_archive
        Whether the file is an archive of this package, so that index and tree were
        checked.
    findings
        All problems.
    """

    name: str
    size: int
    n_hdus: int = 0
    n_summed: int = 0
    is_archive: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def good(self) -> bool:
        """Whether no problem was found (`bool`)."""
        return not self.findings

    def __str__(self) -> str:
        what = "lsst.images archive" if self.is_archive else "FITS"
        text = f"{self.name}: {what}, {self.n_hdus} HDUs, {self.n_summed} with checksums, {self.size} bytes: "
        if self.good:
            return text + "good"
        return "\n  ".join((f"{text}{len(self.findings)} problems", *map(str, self.findings)))
