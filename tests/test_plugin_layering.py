# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Dotted names of objects are used in plugin declarations only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import lsst.images
import pytest

PACKAGE = Path(lsst.images.__file__).parent

LOADERS = {"load", "load_class", "resolve", "import_module", "__import__"}
"""Functions that import the module that a string names."""

OWN_NAME = re.compile(r"lsst\.images\b")

ALLOWED = {
    # Commands are imported when they are run, so that `lsst-images --help` is fast.
    "cli/_group.py",
    # The released configuration of the Butler lacks a delegate; it is added when a program uses both.
    "__init__.py",
    "_default_storage_classes.py",
}


def dotted_names(source: str) -> Iterator[str]:
    """Yield the names of this package that a call imports from a string.

    A name may be given as a literal, an f-string, or a module-level constant.
    """
    tree = ast.parse(source)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if not (isinstance(call, ast.Call) and call.args):
            continue
        function = call.func
        called = getattr(function, "attr", getattr(function, "id", ""))
        if called not in LOADERS:
            continue
        argument = call.args[0]
        if isinstance(argument, ast.Name):
            argument = constants.get(argument.id, argument)
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            if OWN_NAME.match(argument.value):
                yield argument.value
        elif isinstance(argument, ast.JoinedStr) and ":" in (text := ast.unparse(argument)[1:]):
            yield text


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('registry.load("lsst.images.interop:to_ccddata")(obj)', 1),
        ('NAME = "lsst.images.io:write"\nregistry.load(NAME)', 1),
        ('registry.load(f"{__package__}._live:to_legacy")', 1),
        ('importlib.import_module("lsst.images.interop")', 1),
        ('importlib.import_module("._extension_module", __package__)', 0),
        ('importlib.import_module("h5py")', 0),
        ("registry.load(spec.output_archive)", 0),
    ],
)
def test_dotted_names_literal_or_constant_argument_is_found(source: str, count: int) -> None:
    assert len(list(dotted_names(source))) == count


def test_package_modules_do_not_import_from_dotted_names() -> None:
    found = {
        str(path.relative_to(PACKAGE)): names
        for path in sorted(PACKAGE.rglob("*.py"))
        if (names := list(dotted_names(path.read_text()))) and str(path.relative_to(PACKAGE)) not in ALLOWED
    }
    assert found == {}
