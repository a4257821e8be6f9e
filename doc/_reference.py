# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write one API reference page for each public module."""

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

INDEX = """API reference
=============

.. toctree::
   :maxdepth: 1

{entries}
"""


def public_modules(package: Path) -> list[str]:
    """Return the dotted names of the modules that export names."""
    names = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parents[1]).with_suffix("").parts
        parts = parts[:-1] if parts[-1] == "__init__" else parts
        if not any(part.startswith("_") for part in parts) and exports(path):
            names.append(".".join(parts))
    return names


def exports(path: Path) -> bool:
    """Return whether a module has public names, in its `__all__` or in the stub of its lazy exports."""
    if path.with_suffix(".pyi").exists():
        return True
    for node in ast.parse(path.read_text()).body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            return not (isinstance(node.value, ast.Tuple | ast.List) and not node.value.elts)
    return False


def write_reference(package: Path, folder: Path) -> None:
    """Write the pages and their index; unchanged files are not rewritten."""
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
