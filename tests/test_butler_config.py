# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The configuration for Butlers: generated, proven, and refused where it would harm."""

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
STRANGER = ROOT / "doc" / "examples" / "my_survey"


def run(code: str, *arguments: str, config_path: str | None = None) -> str:
    """Run Python with or without configuration."""
    path = [str(STRANGER), str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
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
def stranger(monkeypatch) -> Iterator[None]:
    """The plugin of the example, without installing it."""
    monkeypatch.syspath_prepend(str(STRANGER))
    from my_survey_images import plugin

    registry.register(plugin, name="my_survey")
    yield
    registry.unregister("my_survey")


def test_the_shipped_configuration_is_the_generated_one():
    shipped = {
        p.relative_to(ROOT / "config").as_posix(): p.read_text() for p in (ROOT / "config").rglob("*.yaml")
    }
    assert shipped == config_files(), "run: lsst-images butler-config config"


JOURNEY = """
import sys
from pathlib import Path
from helpers.repository import BOX, DATA_ID, make_image, new_repo
from lsst.daf.butler import StorageClassFactory
from lsst.images.butler import ImagesDelegate
assert StorageClassFactory().getStorageClass("MaskedImageV2").delegateClass is ImagesDelegate
butler = new_repo(Path(sys.argv[1]), mi="MaskedImageV2")
butler.put(make_image(), "mi", DATA_ID)
# A component that the released configuration lacks.
assert butler.get("mi.projection", DATA_ID) == make_image().projection
assert butler.get("mi", DATA_ID, parameters={"bbox": BOX}).bbox == BOX
"""


def test_a_butler_works_with_the_shipped_configuration(tmp_path):
    shipped = run("from lsst.images.cli import main; main()", "butler-config", "--shipped").strip()
    assert Path(shipped).resolve() == ROOT / "config"
    run(JOURNEY, str(tmp_path / "repo"), config_path=shipped)


def test_the_configuration_is_a_resource_of_the_package():
    names = Config("resource://lsst.images/config/storageClasses.yaml")["storageClasses"]
    assert "MaskedImageV2" in names


@pytest.mark.parametrize(("name", "least"), [("access", 65), ("table", 85)])
def test_with_the_configuration_memory_serves_what_files_serve(name, least, request):
    if name == "table":
        request.getfixturevalue("shared_data")  # all its tests read real files
    code = "import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
    module = str(ROOT / "tests" / f"test_butler_{name}.py")
    arguments = ["-q", "-p", "no:cacheprovider", "-k", "datastore or memory", "-rs", "-n0", module]
    if not _has_xdist():
        arguments.remove("-n0")
    output = run(code, *arguments, config_path=str(ROOT / "config"))
    passed = int(re.search(r"(\d+) passed", output)[1])
    assert passed >= least and "needs our configuration" not in output


def _has_xdist() -> bool:
    try:
        import xdist  # noqa: F401
    except ImportError:
        return False
    return True


# Refusals.


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
        ({"inherits_from": "Odd"}, "in a circle: Odd -> Odd"),
        ({"name": "Exposure"}, "one of the Butler's own"),
        ({"name": "not a name"}, "cannot stand in"),
        ({"pytype": "no_such_package:Thing"}, "no_such_package"),
        ({"delegate": "no_such_package.Delegate"}, "no_such_package"),
        ({"formatter": "no_such_package.Formatter"}, "no_such_package"),
        ({"formatter": "lsst.images.Image"}, "not a formatter"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_would_keep_a_butler_from_starting_is_refused(tmp_path, fields, fragment):
    registry.register(plugin(**fields), name="odd")
    try:
        with pytest.raises(PluginError, match=re.escape(fragment)):
            write_config(tmp_path / "config")
    finally:
        registry.unregister("odd")
    assert not (tmp_path / "config").exists()


# In a repository.


def test_a_repository_remembers_so_that_nobody_needs_a_variable(tmp_path, stranger):
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
    # And together with the variable: both must say the same.
    write_config(tmp_path / "config")
    run(
        "import sys; from lsst.daf.butler import Butler; Butler.from_config(sys.argv[1])",
        str(tmp_path / "repo"),
        config_path=str(tmp_path / "config"),
    )


def test_a_repository_that_includes_something_else_is_left_alone(tmp_path):
    new_repo(tmp_path / "repo")
    main = tmp_path / "repo" / "butler.yaml"
    main.write_text(main.read_text() + "includeConfigs: [other.yaml]\n")
    before = main.read_text()
    with pytest.raises(PluginError, match=r"other\.yaml"):
        write_repo_config(tmp_path / "repo")
    assert main.read_text() == before


def test_a_chain_of_datastores_is_told_what_to_do_instead(tmp_path):
    memory = {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"}
    chain = {"cls": "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore", "datastores": [memory]}
    new_repo(tmp_path / "repo", config=Config({"datastore": chain}))
    with pytest.raises(PluginError, match="DAF_BUTLER_CONFIG_PATH"):
        write_repo_config(tmp_path / "repo")


def test_a_notebook_activates_a_plugin(tmp_path):
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


def test_files_are_yaml_that_says_where_it_comes_from(stranger):
    for text in config_files().values():
        assert text.startswith("# Made by 'lsst-images butler-config'")
        assert yaml.safe_load(text)
