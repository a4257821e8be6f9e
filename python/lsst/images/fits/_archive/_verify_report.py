# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a check of a file found."""

from __future__ import annotations

__all__ = ("Finding", "VerifyReport")

import dataclasses
from typing import Literal

Kind = Literal["structure", "checksum", "index", "tree"]
"""What is wrong: blocks, headers and data units; sums; the table of addresses;
the trees and what they refer to."""


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong with a file.

    Parameters
    ----------
    where
        The HDU, or the part of the tree.
    kind
        ``"structure"``, ``"checksum"``, ``"index"`` or ``"tree"``.
    message
        What is wrong.
    """

    where: str
    kind: Kind
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.kind}: {self.message}"


@dataclasses.dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of a check.

    Parameters
    ----------
    name
        Path or URI of the file.
    size
        Bytes in the file.
    n_hdus
        Number of HDUs that could be read.
    n_summed
        How many of these have ``DATASUM`` or ``CHECKSUM``.
    is_archive
        Whether the file is one of ours, so that index and tree were checked.
    findings
        Everything that is wrong.
    """

    name: str
    size: int
    n_hdus: int = 0
    n_summed: int = 0
    is_archive: bool = False
    findings: tuple[Finding, ...] = ()

    @property
    def good(self) -> bool:
        """Whether nothing is wrong (`bool`)."""
        return not self.findings

    def __str__(self) -> str:
        what = "an archive of ours" if self.is_archive else "FITS"
        text = f"{self.name}: {what}, {self.n_hdus} HDUs, {self.n_summed} with checksums, {self.size} bytes: "
        if self.good:
            return text + "good"
        return "\n  ".join((f"{text}{len(self.findings)} problems", *map(str, self.findings)))
