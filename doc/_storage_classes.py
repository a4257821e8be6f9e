# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write the storage class reference from the Butler configuration of this package.

``PYTHONPATH=python python doc/_storage_classes.py`` updates ``doc/storage_classes.rst``;
``tests/test_butler_table.py`` checks that the page is up to date.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from lsst.images.plugins import registry

__all__ = ("PAGE", "access_paths", "page")

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "doc" / "storage_classes.rst"

STORAGE_CLASSES: dict[str, dict[str, Any]] = yaml.safe_load(
    (ROOT / "config/storageClasses.yaml").read_text()
)["storageClasses"]
FORMATTERS: dict[str, Any] = yaml.safe_load((ROOT / "config/datastores/fileDatastore.yaml").read_text())[
    "datastore"
]["formatters"]

HEAD = """\
Storage class reference
=======================

This page lists the storage classes that ``lsst.images`` declares for the Data Butler. It is generated
from ``config/`` by ``doc/_storage_classes.py``. The suffix ``V2`` distinguishes a name from that of the
storage class of the corresponding ``lsst.afw`` type.

* *Read parameters* are passed to ``Butler.get(..., parameters={...})``. ``bbox`` selects a box in absolute
  pixel coordinates; ``components`` selects the components that the component ``components`` returns.
* *Components* are read with ``Butler.get("<dataset type>.<component>", ...)``.
* *Converters* are the types of which ``Butler.put`` accepts objects and converts them.
* Storage classes without a formatter exist as components only.

``tests/test_butler_table.py`` reads real files with every combination of component and parameter of
TESTED,
from a file datastore, a chained datastore and an in-memory datastore, and
compares the result with the same read without a Butler.

File formats
------------

A storage class is written in its default format unless the formatter configuration sets the write
parameter ``format`` to the name or an extension of another format, which may be the format of a plugin. The
format of an existing file is determined by its extension and content.

"""

TESTED = (
    "CellCoadd",
    "ColorImage",
    "DifferenceImage",
    "ImageV2",
    "MaskV2",
    "MaskedImageV2",
    "VisitImage",
)
"""Storage classes that ``tests/test_butler_table.py`` reads in all ways."""


def parameters_of(name: str) -> list[str]:
    """Return the read parameters of a storage class; none for a class of the Butler's own configuration."""
    return STORAGE_CLASSES.get(name, {}).get("parameters", [])


def components_of(name: str) -> dict[str, str]:
    """Return the storage class of each component."""
    return STORAGE_CLASSES[name].get("derivedComponents", {})


def access_paths(names: Iterable[str] = TESTED) -> list[tuple[str, str | None, str | None]]:
    """List storage class, component and read parameter of all supported reads (`None`: whole, none)."""
    return [
        (name, component, parameter)
        for name in names
        for component, of in {None: name, **components_of(name)}.items()
        for parameter in (None, *component_parameters(component, of))
    ]


def component_parameters(component: str | None, storage_class: str) -> list[str]:
    """Return the read parameters of a component, or of the whole dataset."""
    if component == "components":
        return ["components"]
    return [name for name in parameters_of(storage_class) if name == "bbox"]


def list_table(rows: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield the lines of a table; the first row is the header."""
    yield from (".. list-table::", "   :header-rows: 1", "")
    for row in rows:
        for i, cell in enumerate(row):
            yield f"   {'-' if i else '* -'} {cell}".replace("   - ", "     - ")
    yield ""


def literals(names: Iterable[str]) -> str:
    """Return a comma-separated list of literals."""
    return ", ".join(f"``{name}``" for name in names)


def default_format(name: str) -> str | None:
    """Return the format in which a storage class is written by default; `None` without a formatter."""
    formatter = FORMATTERS.get(name)
    if isinstance(formatter, dict):
        return formatter["parameters"].get("format", "fits")
    return None if formatter is None else "fits"


def section(name: str) -> Iterator[str]:
    """Yield the lines that describe one storage class."""
    spec = STORAGE_CLASSES[name]
    yield from (name, "^" * len(name), "", f":Python type: `{spec['pytype']}`")
    if parent := spec.get("inheritsFrom"):
        yield f":Inherits from: {parent}"
    if parameters := parameters_of(name):
        yield f":Read parameters: {literals(parameters)}"
    for source, function in spec.get("converters", {}).items():
        yield f":Converter: from ``{source}`` by `{function}`"
    format = default_format(name)
    yield f":Default format: {format}" if format else ":Formatter: none (component only)"
    yield ""
    rows = [("component", "storage class", "read parameters")]
    for component, of in components_of(name).items():
        rows.append((component, of, literals(component_parameters(component, of)) or "none"))
    if len(rows) > 1:
        yield from list_table(rows)


def page() -> str:
    """Return the text of the page."""
    lines = HEAD.replace("TESTED", literals(TESTED)).splitlines()
    containers = [c for c in registry.containers().values() if c.input_archive.startswith("lsst.images.")]
    rows = [("format", "extensions")] + [(c.name, literals(c.extensions)) for c in containers]
    lines += list_table(rows)
    lines += ["Storage classes", "---------------", ""]
    for name in STORAGE_CLASSES:
        lines += section(name)
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(page())
