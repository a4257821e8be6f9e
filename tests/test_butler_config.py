# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Generated Butler configuration: contents, use in processes and repositories, rejected declarations."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from helpers.repository import new_repo
from lsst.daf.butler import Config
from lsst.images.butler import config_files, is_repository, write_config, write_repo_config
from lsst.images.errors import PluginError
from lsst.images.plugins import StorageClassSpec, hookimpl, registry

ROOT = Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "doc" / "examples" / "my_survey"


def run(code: str, *arguments: str, config_path: str | None = None) -> str:
    """Run Python code in a new process, with a Butler configuration or without; return its output."""
    path = [str(EXAMPLE), str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    environment.pop("DAF_BUTLER_CONFIG_PATH", None)
    if config_path is not None:
        environment["DAF_BUTLER_CONFIG_PATH"] = config_path
    result = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture
def third_party_plugin(monkeypatch) -> Iterator[None]:
    """Register the plugin of the example package, which is not installed."""
    monkeypatch.syspath_prepend(str(EXAMPLE))
    from my_survey_images import plugin

    registry.register(plugin, name="my_survey")
    yield
    registry.unregister("my_survey")


def test_config_files_equal_the_shipped_files():
    shipped = {
        p.relative_to(ROOT / "config").as_posix(): p.read_text() for p in (ROOT / "config").rglob("*.yaml")
    }
    assert shipped == config_files(), "config/ is outdated; run: lsst-images butler-config config"


PUT_AND_GET = """
import sys
from pathlib import Path
from helpers.repository import BOX, DATA_ID, make_image, new_repo
from lsst.daf.butler import StorageClassFactory
from lsst.images.butler import ImagesDelegate
assert StorageClassFactory().getStorageClass("MaskedImageV2").delegateClass is ImagesDelegate
butler = new_repo(Path(sys.argv[1]), mi="MaskedImageV2")
butler.put(make_image(), "mi", DATA_ID)
# A component that the configuration released with the Butler does not define.
assert butler.get("mi.projection", DATA_ID) == make_image().projection
assert butler.get("mi", DATA_ID, parameters={"bbox": BOX}).bbox == BOX
"""


def test_butler_with_shipped_configuration_puts_and_gets(tmp_path):
    shipped = run("from lsst.images.cli import main; main()", "butler-config", "--shipped").strip()
    assert Path(shipped).resolve() == ROOT / "config"
    run(PUT_AND_GET, str(tmp_path / "repo"), config_path=shipped)


def test_configuration_is_a_resource_of_the_package():
    names = Config("resource://lsst.images/config/storageClasses.yaml")["storageClasses"]
    assert "MaskedImageV2" in names


@pytest.mark.parametrize(("name", "minimum"), [("access", 65), ("table", 85)])
def test_in_memory_datastore_with_configuration_passes_tests_of_files(name, minimum, request):
    if name == "table":
        request.getfixturevalue("shared_data")  # all tests of this module read real files
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    module = str(ROOT / "tests" / f"test_butler_{name}.py")
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "datastore or memory", "-rs", "-n0", module]
    if not _has_xdist():
        arguments.remove("-n0")
    output = run(code, *arguments, config_path=str(ROOT / "config"))
    passed = int(re.search(r"(\d+) passed", output)[1])
    assert passed >= minimum and "is not active in this process" not in output


def _has_xdist() -> bool:
    try:
        import xdist  # noqa: F401
    except ImportError:
        return False
    return True


# Invalid declarations.


def plugin(**fields: object) -> SimpleNamespace:
    """Make a plugin that declares one storage class."""

    @hookimpl
    def register_storage_classes():
        return [StorageClassSpec(**{"name": "Odd", "pytype": "lsst.images:Image", **fields})]

    return SimpleNamespace(register_storage_classes=register_storage_classes)


@pytest.mark.parametrize(
    "fields, fragment",
    [
        ({"components": {"level": "float"}}, "'level' of storage class 'float'"),
        ({"inherits_from": "NoSuchClass"}, "inherits from 'NoSuchClass'"),
        ({"inherits_from": "Odd"}, "inherit from each other: Odd -> Odd"),
        ({"name": "Exposure"}, "is defined by the Butler"),
        ({"name": "not a name"}, "is invalid in a Butler's configuration"),
        ({"pytype": "no_such_package:Thing"}, "no_such_package"),
        ({"delegate": "no_such_package.Delegate"}, "no_such_package"),
        ({"formatter": "no_such_package.Formatter"}, "no_such_package"),
        ({"formatter": "lsst.images.Image"}, "not a formatter"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_write_config_invalid_storage_class_fails(tmp_path, fields, fragment):
    registry.register(plugin(**fields), name="odd")
    try:
        with pytest.raises(PluginError, match=re.escape(fragment)):
            write_config(tmp_path / "config")
    finally:
        registry.unregister("odd")
    assert not (tmp_path / "config").exists()


# Configuration of a repository.


def test_write_repo_config_replaces_environment_variable(tmp_path, third_party_plugin):
    new_repo(tmp_path / "repo")
    assert is_repository(tmp_path / "repo") and not is_repository(tmp_path)
    before = (tmp_path / "repo" / "butler.yaml").read_text()
    for _ in range(2):
        write_repo_config(tmp_path / "repo")
    after = (tmp_path / "repo" / "butler.yaml").read_text()
    assert after.startswith(before.rstrip()) and after.count("lsst-images.yaml") == 1
    code = """
import sys
from lsst.daf.butler import Butler, DatasetType, StorageClassFactory
butler = Butler.from_config(sys.argv[1], writeable=True, run="r")
kind = DatasetType("fringe", (), "FringeFrame", universe=butler.dimensions)
butler.registry.registerDatasetType(kind)
from my_survey_images import FringeFrame, MoffatPSF
from helpers.repository import FULL, make_image
from lsst.images.plugins import registry
from my_survey_images import plugin
registry.register(plugin, name="my_survey")
image = make_image().image
butler.put(FringeFrame(image, MoffatPSF(width=3.0, beta=2.5, bounds=FULL), 0.1), "fringe")
assert butler.get("fringe.bbox") == FULL
assert butler.get("fringe").image == image
"""
    run(code, str(tmp_path / "repo"))
    # The environment variable can be set in addition: both configurations are equal.
    write_config(tmp_path / "config")
    run(
        "import sys; from lsst.daf.butler import Butler; Butler.from_config(sys.argv[1])",
        str(tmp_path / "repo"),
        config_path=str(tmp_path / "config"),
    )


def test_write_repo_config_other_includes_fails_and_changes_nothing(tmp_path):
    new_repo(tmp_path / "repo")
    main = tmp_path / "repo" / "butler.yaml"
    main.write_text(main.read_text() + "includeConfigs: [other.yaml]\n")
    before = main.read_text()
    with pytest.raises(PluginError, match=r"other\.yaml"):
        write_repo_config(tmp_path / "repo")
    assert main.read_text() == before


def test_write_repo_config_chained_datastore_names_environment_variable(tmp_path):
    memory = {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"}
    chain = {"cls": "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore", "datastores": [memory]}
    new_repo(tmp_path / "repo", config=Config({"datastore": chain}))
    with pytest.raises(PluginError, match="DAF_BUTLER_CONFIG_PATH"):
        write_repo_config(tmp_path / "repo")


def test_activate_in_running_process_registers_storage_classes(tmp_path):
    code = """
from my_survey_images import plugin
from lsst.images.plugins import registry
from lsst.images.butler import activate
from lsst.daf.butler import StorageClassFactory
registry.register(plugin, name="my_survey")
activate()
activate()
print(StorageClassFactory().getStorageClass("FringeFrame").pytype.__name__)
"""
    assert run(code) == "FringeFrame\n"


def test_config_files_are_yaml_with_a_generated_by_comment(third_party_plugin):
    for text in config_files().values():
        assert text.startswith("# Made by 'lsst-images butler-config'")
        assert yaml.safe_load(text)


IN_MEMORY = """
import sys, tempfile
from lsst.daf.butler import Config, StorageClassFactory
import lsst.daf.butler.tests as butler_tests
from lsst.images import Box
sys.path.insert(0, {tests!r})
from helpers.exposures import make_cell_coadd, make_visit_image

memory = "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"
root = tempfile.mkdtemp(dir={folder!r})
config = Config({{"datastore": {{"cls": memory}}}})
butler = butler_tests.makeTestRepo(root, {{"instrument": ["I"]}}, config=config)
visit = make_visit_image()
values = {{"VisitImage": visit, "CellCoadd": make_cell_coadd(), "ImageV2": visit.image}}
for name in values:
    butler_tests.addDatasetType(butler, name, {{"instrument"}}, name)
butler = butler_tests.makeTestCollection(butler, uniqueId="run")
for name, value in values.items():
    butler.put(value, name, instrument="I")
    box = Box.from_shape((2, 3), start=(value.bbox.y.start + 1, value.bbox.x.start + 1))
    parts = [name] if name == "ImageV2" else [name, f"{{name}}.image", f"{{name}}.masked_image"]
    for part in parts:
        found = butler.get(part, instrument="I", parameters={{"bbox": box}})
        assert found.bbox == box, (part, found.bbox)
        assert type(found).__name__ in part or "." in part
    assert butler.get(f"{{name}}.unit", instrument="I") == value.unit
print(len(butler.get("VisitImage.components", instrument="I")))
"""


def test_released_configuration_cuts_objects_in_memory(tmp_path):
    code = IN_MEMORY.format(tests=str(Path(__file__).parent), folder=str(tmp_path))
    assert run(code) == "14\n"


def test_released_configuration_is_read_again_after_delegates_are_added():
    code = """
from lsst.daf.butler import StorageClassConfig, StorageClassFactory
from lsst.images import VisitImage
factory = StorageClassFactory()
factory.addFromConfig(StorageClassConfig())
print(type(factory.getStorageClass("VisitImage").delegate()).__name__)
print(factory.getStorageClass("VisitImage").pytype is VisitImage)
"""
    assert run(code) == "ImagesDelegate\nTrue\n"
