# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Structural rules that no linter checks: sizes, imports, license headers, docstrings."""

from __future__ import annotations

import ast
import functools
import os
import re
import statistics
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

MAX_FILE_SIZE = 600
"""Lines of any file."""

MAX_MEDIAN_FILE_SIZE = 200
"""Median of the lines of the modules of the package."""

MAX_FUNCTION_SIZE = 50
"""Lines of code of any function, without docstrings, comments and blank lines."""

HEADER = [
    "# This file is part of lsst-images.",
    "# Licensed under the BSD 3-Clause License; see LICENSE.",
]
# Exceptions by path or path::function. These lists may only shrink: a test also fails if an entry is
# not needed any more or allows more than the code uses.
LONG_FILES: dict[str, int] = {}
LONG_FUNCTIONS: dict[str, int] = {}
LATE_IMPORTS: dict[str, int] = {
    # Plugin modules are loaded by every process; a hook imports its implementation when it is called.
    "python/lsst/images/_builtin_plugin/_plugin.py": 4,
    "python/lsst/images/_builtin_plugin/_storage_classes.py": 1,
    "python/lsst/images/legacy/_plugin.py": 4,
}
UNDOCUMENTED: set[str] = set()
PRIVATE_IMPORTS: dict[str, int] = {
    "tests/benchmarks/bench_fits.py": 4,
    "tests/test_fits_compiled.py": 3,
    "tests/test_fits_compressed.py": 2,
    "tests/test_fits_file.py": 8,
}

HEAVY = ("lsst.daf.butler", "lsst.afw", "scipy", "h5py", "matplotlib", "piff", "galsim", "dask", "starlink")

# Summaries that begin with one of these verbs describe the result; no Returns section is needed.
DESCRIBES_RESULT = tuple(
    f"{verb} "
    for verb in (
        *("Return", "Yield", "Whether", "List", "Name", "Iterate", "Describe", "Read"),
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
    """Yield every function with its qualified name."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef | Function):
            name = f"{prefix}{node.name}"
            if isinstance(node, Function):
                yield name, node
            yield from functions(node, f"{name}.")
        else:
            yield from functions(node, prefix)


def code_lines(function: Function, source: list[str]) -> int:
    """Count the lines of a function body without docstrings, comments and blank lines."""
    documented: set[int] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.ClassDef | Function) and ast.get_docstring(node) is not None:
            documented.update(range(node.body[0].lineno, (node.body[0].end_lineno or 0) + 1))
    body = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    return sum(
        bool((text := source[n - 1].strip()) and not text.startswith("#"))
        for n in body
        if n not in documented
    )


def own_module(path: Path, node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return the absolute names of the modules of this package that a statement imports."""
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
    """Compare sizes with the limit and with the list of exceptions."""
    too_big = {k: v for k, v in measured.items() if v > max(limit, allowed.get(k, 0))}
    assert not too_big, f"{what} above the limit of {limit}: {too_big}. Reduce them."
    stale = {k: v for k, v in allowed.items() if measured.get(k, 0) < v}
    assert not stale, f"Lower or remove these exceptions: {stale}."


def test_files_have_at_most_600_lines() -> None:
    lengths = {relative(p): len(p.read_text().splitlines()) for p in [*MODULES, *COMPILED, *SCRIPTS, *TESTS]}
    check_exceptions(lengths, MAX_FILE_SIZE, LONG_FILES, "Lines of files")


def test_modules_have_a_median_of_at_most_200_lines() -> None:
    lengths = [len(p.read_text().splitlines()) for p in MODULES]
    assert statistics.median(lengths) <= MAX_MEDIAN_FILE_SIZE


def test_functions_have_at_most_50_lines_of_code() -> None:
    lengths = {
        f"{relative(path)}::{name}": code_lines(function, path.read_text().splitlines())
        for path in [*MODULES, *SCRIPTS]
        for name, function in functions(parsed(path))
    }
    check_exceptions(lengths, MAX_FUNCTION_SIZE, LONG_FUNCTIONS, "Lines of code of functions")


def test_modules_of_the_package_are_imported_at_module_level() -> None:
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
    check_exceptions(counts, 0, LATE_IMPORTS, "Imports of modules of the package inside functions")


def test_modules_do_not_import_from_the_top_level_package() -> None:
    violations = [
        f"{relative(path)}:{node.lineno}"
        for path in MODULES
        if path != PACKAGE / "__init__.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Import | ast.ImportFrom) and "lsst.images" in own_module(path, node)
        # `from .. import fits` imports a module, not a lazily exported name.
        if not (isinstance(node, ast.ImportFrom) and all(is_module(alias.name) for alias in node.names))
    ]
    assert not violations, f"Import from the defining module instead of lsst.images: {violations}."


def is_module(name: str) -> bool:
    return (PACKAGE / f"{name}.py").exists() or (PACKAGE / name / "__init__.py").exists()


def private_imports(path: Path) -> list[int]:
    """Return the lines of imports of private names of the package that have no comment with a reason."""
    source = path.read_text().splitlines()
    lines = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        private = [n for n in names if n.startswith("lsst.images.") and re.search(r"\._[a-z]", n)]
        statement = "\n".join(source[node.lineno - 1 : node.end_lineno])
        if private and not re.search(r"# (?!noqa|type:)", statement):
            lines.append(node.lineno)
    return lines


def test_test_modules_give_a_reason_for_each_import_of_a_private_name() -> None:
    counts = {relative(path): len(lines) for path in TESTS if (lines := private_imports(path))}
    check_exceptions(counts, 0, PRIVATE_IMPORTS, "Imports of private names without a comment")


@pytest.mark.parametrize("path", **ids([*MODULES, *SCRIPTS, *TESTS]))
def test_file_starts_with_license_header_and_docstring(path: Path) -> None:
    assert path.read_text().splitlines()[:2] == HEADER
    assert ast.get_docstring(parsed(path)), "The module docstring is missing."


@pytest.mark.parametrize("path", **ids(MODULES))
def test_module_defines_all_and_postponed_annotations(path: Path) -> None:
    body = parsed(path).body
    assert any(isinstance(n, ast.ImportFrom) and n.module == "__future__" for n in body), (
        "from __future__ import annotations is missing."
    )
    assigned = [
        t for n in body if isinstance(n, ast.Assign) for target in n.targets for t in ast.walk(target)
    ]
    names = {t.id for t in assigned if isinstance(t, ast.Name)}
    names |= {n.target.id for n in body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)}
    assert "__all__" in names


def decorators(node: Function | ast.ClassDef) -> set[str]:
    """Return the unqualified names of the decorators of a definition."""
    return {ast.unparse(d.func if isinstance(d, ast.Call) else d).split(".")[-1] for d in node.decorator_list}


@functools.cache
def inherited_docs() -> dict[str, tuple[set[str], set[str]]]:
    """Return for each class the names of its bases and of the methods that it documents."""
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
    """Return whether a base class documents a method; base classes of other packages are assumed to."""
    bases = inherited_docs().get(cls, (set(), set()))[0]
    return any(
        base not in inherited_docs() or method in inherited_docs()[base][1] or documented_above(base, method)
        for base in bases - {cls, "object"}
    )


def docstring_faults(name: str, function: Function) -> Iterator[str]:
    """Yield the faults of a public docstring."""
    *owner, method = name.split(".")
    kinds = decorators(function)
    docstring = ast.get_docstring(function)
    if docstring is None:
        if not kinds & {"setter", "deleter"} and not (owner and documented_above(owner[-1], method)):
            yield "the docstring is missing"
        return
    arguments = function.args
    named = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    named += [a.arg for a in (arguments.vararg, arguments.kwarg) if a is not None]
    if owner and "staticmethod" not in kinds:
        named = named[1:]
    if kinds & {"property", "cached_property", "setter"}:
        return
    if named and "Parameters\n---" not in docstring:
        yield "the Parameters section is missing"
    elif missing := [n for n in named if n not in docstring]:
        yield f"the parameters {missing} are not described"
    returns = ast.unparse(function.returns) if function.returns is not None else "None"
    # A summary like "Return the recipe for a component" replaces the section.
    described = (
        "Returns\n---" in docstring or "Yields\n---" in docstring or docstring.startswith(DESCRIBES_RESULT)
    )
    if returns not in {"None", "NoReturn", "Never"} and not described:
        yield "the Returns section is missing"


@pytest.mark.parametrize("path", **ids(MODULES))
def test_public_functions_have_numpydoc_docstrings(path: Path) -> None:
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
    assert not stale, f"Remove these exceptions: {stale}."
    assert not left, "\n".join(f"{k}: {'; '.join(v)}" for k, v in left.items())


def is_nested(tree: ast.Module, name: str) -> bool:
    """Return whether a function is defined inside another function."""
    outer = {n for n, _ in functions(tree)}
    parts = name.split(".")
    return any(".".join(parts[:i]) in outer for i in range(1, len(parts)))


@pytest.mark.parametrize("heavy", HEAVY)
def test_import_of_top_level_package_does_not_load(heavy: str, loaded_modules: set[str]) -> None:
    assert heavy not in loaded_modules


@pytest.fixture(scope="module")
def loaded_modules() -> set[str]:
    """Modules that a new interpreter has loaded after `import lsst.images`."""
    code = "import sys, lsst.images; print(*sorted(sys.modules))"
    path = os.pathsep.join([str(PACKAGE.parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    result = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    loaded = set(result.stdout.split())
    assert "lsst.images" in loaded
    return loaded
