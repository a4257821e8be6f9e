# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Mappings in several threads: AST is not thread-safe, and crashes if two threads call it."""

from __future__ import annotations

import subprocess
import sys

import pytest

WORK = """
import sys, threading
from lsst.images._transforms._ast import AstMapping, starlink_ast, write_fits_cards
{more}
frames = starlink_ast.FrameSet(starlink_ast.Frame(2, "Domain=GRID"))
steps = [starlink_ast.ZoomMap(2, 2.0), starlink_ast.PermMap([2, 1], [2, 1])] * 10
frames.addframe(1, AstMapping.chain(*steps).mapping, starlink_ast.SkyFrame("System=ICRS"))
text = AstMapping(frames).show()
sys.setswitchinterval(1e-6)

def work():
    for _ in range(100):
        {job}

threads = [threading.Thread(target=work) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print("alive")
"""

JOBS = {
    "texts are read": ("", "assert AstMapping.from_text(text).show() == text"),
    "cards are written": ("", "write_fits_cards(AstMapping.from_text(text).ast_object, 'Encoding=FITS-WCS')"),
    "legacy texts are read": (
        "from lsst.images.legacy.afw_archive._ast_text import read_ast",
        "assert AstMapping(read_ast(text)).show() == text",
    ),
    "NDF texts are written": (
        "from lsst.images.ndf._wcs import _lines",
        "assert _lines(frames)",
    ),
}


@pytest.mark.parametrize("what", JOBS)
def test_ast_mapping_concurrent_use_in_threads(what: str) -> None:
    more, job = JOBS[what]
    # A failure would crash the whole process.
    code = WORK.format(more=more, job=job)
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert result.stdout == "alive\n", f"exit code {result.returncode}: {result.stderr[-2000:]}"
