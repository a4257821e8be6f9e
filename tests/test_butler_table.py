# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Read every storage class by component, read parameter and kind of datastore.

The combinations are those listed in the storage class reference, ``doc/storage_classes.rst``.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.daf.butler import Butler, Config, DatasetType, StorageClassFactory
from lsst.images import Box
from lsst.images.butler import ImagesDelegate
from lsst.images.io import open_archive, read

sys.path.append(str(Path(__file__).resolve().parents[1] / "doc"))
import _storage_classes as storage_classes  # the code that generates the documentation

EXAMPLES = {
    "CellCoadd": "cell_coadd",
    "ColorImage": "color_image",
    "DifferenceImage": "difference_image",
    "ImageV2": "image",
    "MaskV2": "mask",
    "MaskedImageV2": "masked_image",
    "VisitImage": "visit_image",
}
"""Real file by storage class."""

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


def test_storage_class_reference_is_up_to_date() -> None:
    assert storage_classes.PAGE.read_text() == storage_classes.page(), "run doc/_storage_classes.py"
    assert tuple(EXAMPLES) == storage_classes.TESTED


@pytest.fixture(scope="module", params=KINDS)
def butler(request, tmp_path_factory, shared_data) -> Butler:
    memory = StorageClassFactory().getStorageClass("MaskedImageV2").delegateClass is ImagesDelegate
    if request.param == "memory" and not memory:
        # test_butler_config.py runs this module in a process with the configuration of this package.
        pytest.skip("the Butler configuration of this package is not active in this process")
    root = str(tmp_path_factory.mktemp("table") / "repo")
    Butler.makeRepo(root, config=Config({"datastore": KINDS[request.param]}))
    butler = Butler.from_config(root, writeable=True, run="run")
    for name, file in EXAMPLES.items():
        butler.registry.registerDatasetType(DatasetType(file, (), name, universe=butler.dimensions))
        butler.put(read(shared_data / "examples" / f"{file}.fits"), file)
    return butler


def box_in(full: Box) -> Box:
    """Return an inner box that is not aligned with tiles."""
    return full.padded(-(min(full.shape) // 4) - 1)


@pytest.mark.filterwarnings("ignore::lsst.images.errors.DevelopmentSchemaWarning")
@pytest.mark.parametrize("name, component, parameter", storage_classes.access_paths(), ids=str)
def test_get_equals_read_of_the_same_file(butler, shared_data, name, component, parameter):
    file = EXAMPLES[name]
    known = StorageClassFactory().getStorageClass(name).allComponents()
    if component is not None and component not in known:
        pytest.skip("the configuration released with the Butler does not define this component")
    with open_archive(shared_data / "examples" / f"{file}.fits") as reader:
        box = box_in(reader.get_component("bbox"))
        parameters: dict[str, Any] = {"bbox": box} if parameter == "bbox" else {}
        if component == "components":
            names = ["bbox", "mask"] if parameter else sorted(storage_classes.components_of(name))
            requested = {"components": names} if parameter else {}
            found = butler.get(f"{file}.components", parameters=requested)
            assert found["bbox"] == reader.get_component("bbox")
            assert same(found["mask"], reader.get_component("mask"))
            assert parameter is None or found.keys() == set(names)
            return
        expected = (
            reader.read(**parameters) if component is None else reader.get_component(component, **parameters)
        )
    found = butler.get(file if component is None else f"{file}.{component}", parameters=parameters)
    assert same(found, expected)


def same(a: Any, b: Any) -> bool:
    """Return whether two values of any type of component are equal."""
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
