# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Sphinx configuration. The documentation is built with warnings as errors."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

DOC = Path(__file__).parent
ROOT = DOC.parent
sys.path.insert(0, str(DOC))

from _reference import write_reference  # noqa: E402
from lsst.images.version import __version__  # noqa: E402

project = "lsst-images"
author = copyright = "the lsst-images developers"
version = release = __version__

extensions = ["sphinx.ext.autodoc", "numpydoc"]
exclude_patterns = ["_build", "changes"]
default_role = "py:obj"
html_theme = "alabaster"
html_theme_options = {"description": "Image types for the Rubin Data Butler", "page_width": "1100px"}

autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

write_reference(ROOT / "python" / "lsst" / "images", DOC / "reference")


def write_unreleased(path: Path) -> None:
    """Write the change notes since the last release."""
    command = [sys.executable, "-m", "towncrier", "build", "--draft", "--version", "Not released yet"]
    notes = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    path.write_text(notes)


write_unreleased(DOC / "reference" / "unreleased.inc")


# A name may be exported by several modules; it is documented on the first page only.
_described: dict[int, str] = {}


def skip_described(app: Any, what: str, name: str, obj: Any, skip: bool, options: Any) -> bool | None:
    """Skip names that an earlier page documents."""
    if what == "module" and isinstance(obj, type | FunctionType):
        if _described.setdefault(id(obj), app.env.docname) != app.env.docname:
            return True
    return None


def setup(app: Any) -> None:
    """Register the event handler."""
    app.connect("autodoc-skip-member", skip_described)
