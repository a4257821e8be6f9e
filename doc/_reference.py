# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write one reference page per public module, so that none is forgotten."""

from __future__ import annotations

import ast
from pathlib import Path

__all__ = ("write_reference",)

PAGE = """{name}
{line}

.. automodule:: {name}
   :members:
   :show-inheritance:
"""

INDEX = """Reference
=========

.. toctree::
   :maxdepth: 1

{entries}
"""


def public_modules(package: Path) -> list[str]:
    """Return the dotted names of the modules that export something."""
    names = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parents[1]).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts) and exports(path):
            names.append(".".join(parts))
    return names


def exports(path: Path) -> bool:
    """Say whether a module has names in its `__all__`."""
    for node in ast.parse(path.read_text()).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            return not (isinstance(node.value, ast.Tuple | ast.List) and not node.value.elts)
    return False


def write_reference(package: Path, folder: Path) -> None:
    """Write the pages and their index, leaving unchanged files alone."""
    folder.mkdir(exist_ok=True)
    names = public_modules(package)
    pages = {f"{name}.rst": PAGE.format(name=name, line="=" * len(name)) for name in names}
    pages["index.rst"] = INDEX.format(entries="\n".join(f"   {name}" for name in names))
    for old in folder.glob("*.rst"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
