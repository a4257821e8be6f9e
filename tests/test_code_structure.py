# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The house rules that no linter knows: sizes, imports, headers, docstrings."""

from __future__ import annotations

import ast
import functools
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "python" / "lsst" / "images"
MODULES = sorted(PACKAGE.rglob("*.py"))
COMPILED = sorted(PACKAGE.rglob("*.[ch]"))
SCRIPTS = sorted((ROOT / "bin").glob("*.py")) + sorted((ROOT / "doc").rglob("*.py"))
TESTS = sorted(p for p in (ROOT / "tests").rglob("*.py") if "fake_plugin" not in p.parts)

MAX_FILE = 600
MAX_FUNCTION = 50
HEADER = [
    "# This file is part of lsst-images.",
    "# Licensed under the BSD 3-Clause License; see LICENSE.",
]
# Exceptions, by path or by path::function: these lists may only shrink. An
# entry that is no longer needed, or allows more than is used, fails too.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}
LATE_IMPORTS: dict[str, int] = {}
UNDOCUMENTED: set[str] = set()

HEAVY = ("lsst.daf.butler", "lsst.afw", "scipy", "h5py", "matplotlib", "piff", "galsim", "dask", "starlink")

# Summaries that begin so name the result themselves.
SAYS_RESULT = tuple(
    f"{verb} "
    for verb in (
        *("Return", "Yield", "Say", "Tell", "Whether", "List", "Name", "Iterate", "Describe", "Read"),
        *("Make", "Build", "Create", "Convert", "Split", "Take", "Copy", "Find", "Decide", "Parse", "Open"),
        *("Import", "Load", "Store", "Write", "Attach", "Keep", "Validate", "Collect", "Encode", "Decode"),
    )
)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def ids(paths: list[Path]) -> dict[str, object]:
    return {"argvalues": paths, "ids": [relative(p) for p in paths]}


@functools.cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, Function]]:
    """Yield every function with its dotted name inside the module."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | Function):
            name = f"{prefix}{node.name}"
            if isinstance(node, Function):
                yield name, node
            yield from functions(node, f"{name}.")
        else:
            yield from functions(node, prefix)


def code_lines(function: Function, source: list[str]) -> int:
    """Count the lines of a body, without docstrings, comments and blanks."""
    inside: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.ClassDef | Function) and ast.get_docstring(node) is not None:
            inside.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    body = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    return sum(
        bool((text := source[n - 1].strip()) and not text.startswith("#")) for n in body if n not in inside
    )


def own_module(path: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the modules of our own that a statement imports, in full."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif node.level == 0:
        names = [node.module or ""]
    else:
        package = path.relative_to(PACKAGE.parents[1]).parent.parts
        above = package[: len(package) - node.level + 1]
        names = [".".join([*above, *([node.module] if node.module else [])])]
    return [name for name in names if name == "lsst.images" or name.startswith("lsst.images.")]


def check_exceptions(measured: dict[str, int], limit: int, allowed: dict[str, int], what: str) -> None:
    """Compare sizes with the limit and with the shrinking list."""
    too_big = {k: v for k, v in measured.items() if v > max(limit, allowed.get(k, 0))}
    assert not too_big, f"{what} over {limit}: {too_big}; split them."
    stale = {k: v for k, v in allowed.items() if measured.get(k, 0) < v}
    assert not stale, f"Exceptions that can be lowered or removed: {stale}"


def test_no_file_is_longer_than_600_lines() -> None:
    lengths = {relative(p): len(p.read_text().splitlines()) for p in [*MODULES, *COMPILED, *SCRIPTS, *TESTS]}
    check_exceptions(lengths, MAX_FILE, LONG_FILES, "Files with lines")


def test_no_function_is_longer_than_50_lines_of_code() -> None:
    lengths = {
        f"{relative(path)}::{name}": code_lines(function, path.read_text().splitlines())
        for path in [*MODULES, *SCRIPTS]
        for name, function in functions(parsed(path))
    }
    check_exceptions(lengths, MAX_FUNCTION, LONG_FUNCTIONS, "Functions with lines of code")


def test_our_own_modules_are_imported_at_the_top_only() -> None:
    counts: dict[str, int] = {}
    for path in MODULES:
        late = {
            node.lineno
            for _, function in functions(parsed(path))
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom) and own_module(path, node)
        }
        if late:
            counts[relative(path)] = len(late)
    check_exceptions(counts, 0, LATE_IMPORTS, "Late imports of our own modules")


def test_nothing_inside_imports_the_face() -> None:
    guilty = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        if path != PACKAGE / "__init__.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom) and "lsst.images" in own_module(path, node)
        # `from .. import fits` names a module, not something of the face.
        if not (isinstance(node, ast.ImportFrom) and all(is_module(alias.name) for alias in node.names))
    ]
    assert not guilty, f"Import from the defining module instead: {guilty}"


def is_module(name: str) -> bool:
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name / "__init__.py").exists()


@pytest.mark.parametrize("path", **ids([*MODULES, *SCRIPTS, *TESTS]))
def test_every_file_says_its_license_and_its_purpose(path: Path) -> None:
    assert path.read_text().splitlines()[:2] == HEADER
    assert ast.get_docstring(parsed(path)), "a module docstring belongs below the license lines"


@pytest.mark.parametrize("path", **ids(MODULES))
def test_every_module_says_what_it_exports(path: Path) -> None:
    body = parsed(path).body
    assert any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in body), "annotations"
    assigned = [
        t for n in body if isinstance(n, ast.Assign) for target in n.targets for t in ast.walk(target)
    ]
    names = {t.id for t in assigned if isinstance(t, ast.Name)}
    names |= {n.target.id for n in body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    assert "__all__" in names


def decorators(node: Function | ast.ClassDef) -> set[str]:
    """Return the last words of a definition's decorators."""
    return {ast.unparse(d.func if isinstance(d, ast.Call) else d).split(".")[-1] for d in node.decorator_list}


@functools.cache
def inherited_docs() -> dict[str, tuple[set[str], set[str]]]:
    """Return, by class, the names of its bases and of what it documents."""
    classes: dict[str, tuple[set[str], set[str]]] = {}
    for path in MODULES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef):
                bases = {ast.unparse(b).split("[")[0].split(".")[-1] for b in node.bases}
                own = {f.name for f in node.body if isinstance(f, Function) and ast.get_docstring(f)}
                previous = classes.get(node.name, (set(), set()))
                classes[node.name] = (previous[0] | bases, previous[1] | own)
    return classes


def documented_above(cls: str, method: str) -> bool:
    """Say whether a base class documents a method; a stranger's base may."""
    bases = inherited_docs().get(cls, (set(), set()))[0]
    return any(
        base not in inherited_docs() or method in inherited_docs()[base][1] or documented_above(base, method)
        for base in bases - {cls, "object"}
    )


def docstring_faults(name: str, function: Function) -> Iterator[str]:
    """Yield what a public docstring lacks."""
    *owner, method = name.split(".")
    kinds = decorators(function)
    docstring = ast.get_docstring(function)
    if docstring is None:
        if not kinds & {"setter", "deleter"} and not (owner and documented_above(owner[-1], method)):
            yield "no docstring"
        return
    arguments = function.args
    named = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    named += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
    if owner and "staticmethod" not in kinds:
        named = named[1:]
    if kinds & {"property", "cached_property", "setter"}:
        return
    if named and "Parameters\n---" not in docstring:
        yield "no Parameters section"
    elif missing := [n for n in named if n not in docstring]:
        yield f"parameters {missing} not described"
    returns = ast.unparse(function.returns) if function.returns is not None else "None"
    # A summary like "Return the recipe for a component" is that section.
    said = "Returns\n---" in docstring or "Yields\n---" in docstring or docstring.startswith(SAYS_RESULT)
    if returns not in {"None", "NoReturn", "Never"} and not said:
        yield "no Returns section"


@pytest.mark.parametrize("path", **ids(MODULES))
def test_every_public_function_has_a_numpydoc_docstring(path: Path) -> None:
    faults = {}
    for name, function in functions(parsed(path)):
        hidden = any(part.startswith(("_", "test_")) for part in name.split("."))
        nested = is_nested(parsed(path), name)
        documented_elsewhere = {"overload", "register", "hookspec", "hookimpl", "command"}
        if hidden or nested or decorators(function) & documented_elsewhere:
            continue
        if found := list(docstring_faults(name, function)):
            faults[f"{relative(path)}::{name}"] = found
    left = {k: v for k, v in faults.items() if k not in UNDOCUMENTED}
    stale = {k for k in UNDOCUMENTED if k.startswith(f"{relative(path)}::")} - faults.keys()
    assert not stale, f"Exceptions that can be removed: {stale}"
    assert not left, "\n".join(f"{k}: {'; '.join(v)}" for k, v in left.items())


def is_nested(tree: ast.Module, name: str) -> bool:
    """Say whether a function is defined inside another function."""
    outer = {n for n, _ in functions(tree)}
    parts = name.split(".")
    return any(".".join(parts[:i]) in outer for i in range(1, len(parts)))


@pytest.mark.parametrize("heavy", HEAVY)
def test_importing_the_face_does_not_import(heavy: str, loaded_by_the_face: set[str]) -> None:
    assert heavy not in loaded_by_the_face


@pytest.fixture(scope="module")
def loaded_by_the_face() -> set[str]:
    """Modules that a fresh interpreter has after `import lsst.images`."""
    code = "import sys, lsst.images; print(*sorted(sys.modules))"
    path = os.pathsep.join([str(PACKAGE.parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "lsst.images" in loaded
    return loaded
