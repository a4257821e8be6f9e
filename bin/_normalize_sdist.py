# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Rewrite a source distribution so that two builds of one commit have the same bytes.

The order, owners, permissions and times of files are fixed: the time is that of the environment variable
``SOURCE_DATE_EPOCH``.
"""

from __future__ import annotations

import gzip
import io
import os
import sys
import tarfile
from pathlib import Path


def normalize(path: Path, time: int) -> None:
    """Rewrite a source distribution in place."""
    packed = io.BytesIO()
    with tarfile.open(path) as old, tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as new:
        for member in sorted(old.getmembers(), key=lambda member: member.name):
            member.mtime = time
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with path.open("wb") as file, gzip.GzipFile("", "wb", fileobj=file, mtime=time) as stream:
        stream.write(packed.getvalue())


if __name__ == "__main__":
    for name in sys.argv[1:]:
        normalize(Path(name), int(os.environ["SOURCE_DATE_EPOCH"]))
