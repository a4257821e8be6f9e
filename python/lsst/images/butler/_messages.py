# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Text of messages about many files or datasets."""

from __future__ import annotations

__all__ = ("count", "group_reasons")

from collections.abc import Mapping

from lsst.resources import ResourcePath


def count(number: int, noun: str) -> str:
    """Return a number with a noun in the singular or plural.

    Parameters
    ----------
    number
        The number.
    noun
        Singular of a noun whose plural ends in "s".
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def group_reasons(failed: Mapping[ResourcePath, str]) -> dict[str, list[ResourcePath]]:
    """Return the files that failed for the same reason.

    Parameters
    ----------
    failed
        Reason for each file.

    Returns
    -------
    groups
        Files by reason, in the order of the first file.  Reasons of several
        files have "FILE" in place of the location of the file.
    """
    groups: dict[str, list[ResourcePath]] = {}
    for uri, reason in failed.items():
        for name in (str(uri), uri.ospath if uri.isLocal else uri.path):
            reason = reason.replace(name, "FILE")
        groups.setdefault(reason, []).append(uri)
    return {failed[uris[0]] if len(uris) == 1 else reason: uris for reason, uris in groups.items()}
