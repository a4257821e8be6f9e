# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Every storage class by component, parameter and kind of datastore.

The table in the documentation is made of this:

``PYTHONPATH=python:tests python -c "import test_butler_table as t; t.write()"`` writes it anew.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler, Config, DatasetType, StorageClassFactory
from lsst.images import Box
from lsst.images.butler import ImagesDelegate
from lsst.images.io import open_archive, read
from lsst.images.plugins import StorageClassSpec, registry

TABLE = Path(__file__).resolve().parents[1] / "doc" / "roads.rst"

EXAMPLES = {
    "CellCoadd": "cell_coadd",
    "ColorImage": "color_image",
    "DifferenceImage": "difference_image",
    "ImageV2": "image",
    "MaskV2": "mask",
    "MaskedImageV2": "masked_image",
    "VisitImage": "visit_image",
}
"""Storage classes and the real files that are put."""

FILES = {"cls": "lsst.daf.butler.datastores.fileDatastore.FileDatastore"}
MEMORY = {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"}
CHAIN = [
    {**FILES, "root": f"<butlerRoot>/{n}", "records": {"table": f"{n}_records"}} for n in ("first", "second")
]
KINDS = {
    "files": FILES,
    "chain": {
        "cls": "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore",
        "datastores": CHAIN,
    },
    "memory": MEMORY,
}


HEAD = """\
Ways into a dataset
===================

Each of these is taken by ``tests/test_butler_table.py`` with a real file, and
compared with the same read without a Butler. Kinds of datastores: KINDS.
S3, PostgreSQL, caches, zips and disassembled composites have tests of their own.

.. list-table::
   :header-rows: 1

   * - storage class
     - component
     - parameters
     - datastores
"""


def spec_of(name: str) -> StorageClassSpec:
    return registry.storage_classes()[name]


def all_components(name: str) -> dict[str, str]:
    spec = spec_of(name)
    inherited = {} if spec.inherits_from is None else all_components(spec.inherits_from)
    return {**inherited, **spec.components}


def parameters_of(name: str) -> frozenset[str]:
    spec = spec_of(name)
    return spec.parameters | (
        frozenset() if spec.inherits_from is None else parameters_of(spec.inherits_from)
    )


def roads() -> list[tuple[str, str | None, str | None]]:
    """List storage class, component and parameter of every way in."""
    found: list[tuple[str, str | None, str | None]] = []
    for name in EXAMPLES:
        targets = {
            None: name,
            **{c: of for c, of in sorted(all_components(name).items()) if c != "components"},
        }
        for component, of in targets.items():
            boxes = of in registry.storage_classes() and "bbox" in parameters_of(of)
            found += [(name, component, parameter) for parameter in ((None, "bbox") if boxes else (None,))]
        if "components" in all_components(name):
            found += [(name, "components", parameter) for parameter in (None, "components")]
    return found


def table() -> str:
    """Write the table as it stands in the documentation."""
    kinds = ", ".join(KINDS)
    head = HEAD.replace("KINDS", ", ".join(f"``{kind}``" for kind in KINDS)).splitlines()
    rows = []
    for (name, component), group in itertools.groupby(roads(), key=lambda road: road[:2]):
        parameters = ", ".join(p or "none" for _, _, p in group)
        rows += [
            f"   * - {name}",
            f"     - {component or '(whole)'}",
            f"     - {parameters}",
            f"     - {kinds}",
        ]
    return "\n".join([*head, *rows, ""])


def write() -> None:
    """Write the table anew."""
    TABLE.write_text(table())


def test_the_table_in_the_documentation_is_what_is_exercised() -> None:
    assert TABLE.read_text() == table()


@pytest.fixture(scope="module", params=KINDS)
def butler(request, tmp_path_factory, shared_data) -> Butler:
    memory = StorageClassFactory().getStorageClass("MaskedImageV2").delegateClass is ImagesDelegate
    if request.param == "memory" and not memory:
        # test_butler_config.py runs this file once more with it.
        pytest.skip("needs our configuration, which a process takes with its first Butler or never")
    root = str(tmp_path_factory.mktemp("table") / "repo")
    Butler.makeRepo(root, config=Config({"datastore": KINDS[request.param]}))
    butler = Butler.from_config(root, writeable=True, run="run")
    for name, file in EXAMPLES.items():
        butler.registry.registerDatasetType(DatasetType(file, (), name, universe=butler.dimensions))
        butler.put(read(shared_data / "examples" / f"{file}.fits"), file)
    return butler


def box_in(full: Box) -> Box:
    """Return a part, on no round number."""
    return full.padded(-(min(full.shape) // 4) - 1)


@pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")
@pytest.mark.parametrize("name, component, parameter", roads(), ids=lambda value: str(value))
def test_every_way_gives_what_the_file_gives(butler, shared_data, name, component, parameter):
    file = EXAMPLES[name]
    known = StorageClassFactory().getStorageClass(name).allComponents()
    if component is not None and component not in known:
        pytest.skip("the released configuration lacks this component")
    with open_archive(shared_data / "examples" / f"{file}.fits") as reader:
        box = box_in(reader.get_component("bbox"))
        parameters: dict[str, Any] = {"bbox": box} if parameter == "bbox" else {}
        if component == "components":
            names = ["bbox", "mask"] if parameter else sorted(all_components(name))
            wanted = {"components": names} if parameter else {}
            found = butler.get(f"{file}.components", parameters=wanted)
            assert found["bbox"] == reader.get_component("bbox")
            assert same(found["mask"], reader.get_component("mask"))
            assert parameter is None or found.keys() == set(names)
            return
        truth = (
            reader.read(**parameters) if component is None else reader.get_component(component, **parameters)
        )
    found = butler.get(file if component is None else f"{file}.{component}", parameters=parameters)
    assert same(found, truth)


def same(a: Any, b: Any) -> bool:
    """Compare values of any type that a component may have."""
    if type(a) is not type(b):
        return False
    if hasattr(a, "array"):
        equal = np.array_equal(a.array, b.array, equal_nan=a.array.dtype.kind == "f")
        return equal and getattr(a, "bbox", None) == getattr(b, "bbox", None)
    if hasattr(a, "mask") and hasattr(a, "variance"):
        return all(same(getattr(a, plane), getattr(b, plane)) for plane in ("image", "mask", "variance"))
    if hasattr(a, "red"):
        return all(same(getattr(a, plane), getattr(b, plane)) for plane in ("red", "green", "blue"))
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return a == b or repr(a) == repr(b)
