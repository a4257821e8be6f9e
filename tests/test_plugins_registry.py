# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Loading of plugins, declarations and first-result hooks."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import threading
import warnings
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from lsst.images.errors import (
    DuplicateRegistrationError,
    LegacyConversionError,
    PluginError,
    PluginLoadError,
    PluginWarning,
    UnserializableTypeError,
)
from lsst.images.plugins import (
    ContainerSpec,
    DatasetSpec,
    DatasetTypeSpec,
    Found,
    Migration,
    Registry,
    StorageClassSpec,
    hookimpl,
)

HERE = Path(__file__).resolve().parent
SPEC = DatasetSpec(schema="tests.a", pytype="fractions:Fraction", model="decimal:Decimal")


class Declares:
    """A plugin that declares datasets."""

    def __init__(self, *specs: DatasetSpec) -> None:
        self.specs = specs

    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        return list(self.specs)


@pytest.fixture
def registry() -> Registry:
    """A separate registry with the built-in plugins only."""
    return Registry()


# Installed plugins.


def install(folder: Path, name: str, code: str, *, version: str = "1.0", point: str = "") -> None:
    """Install a distribution with one entry point."""
    info = folder / f"{name}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[lsst.images]\n{point or name} = {name}\n")
    (folder / f"{name}.py").write_text(textwrap.dedent(code))


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose distributions are installed."""
    before = set(sys.modules)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in set(sys.modules) - before:
        if getattr(sys.modules[name], "__file__", None) and str(tmp_path) in str(sys.modules[name].__file__):
            del sys.modules[name]


GOOD = """
    from lsst.images.plugins import DatasetSpec, hookimpl

    @hookimpl
    def register_datasets():
        return [DatasetSpec(schema="tests.good", pytype="fractions:Fraction", model="decimal:Decimal")]
"""


def test_plugins_installed_plugin_has_name_and_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(HERE / "fake_plugin")
    # The example of the documentation has a package of the same name.
    monkeypatch.delitem(sys.modules, "my_survey_images", raising=False)
    registry = Registry()
    info = {info.name: info for info in registry.plugins()}["my_survey"]
    assert (info.package, info.version, info.error) == ("my-survey-images", "1.2", None)
    assert info.hooks == ("register_datasets",)
    assert registry.storage_classes()["FringeFrame"].components == {"image": "ImageV2"}
    model = registry.model_for_schema("my_survey.fringe_frame")
    pytype = registry.pytype_for_schema("my_survey.fringe_frame")
    assert pytype is not None
    assert registry.model_for_type(pytype) is model


def test_plugins_installed_dataset_type_round_trip(tmp_path: Path) -> None:
    code = """
        import sys, numpy as np
        from lsst.images import Box, Image
        from lsst.images.io import read, write, open_archive
        from my_survey_images import FringeFrame
        image = Image(np.arange(12.0).reshape(3, 4), start=(5, 7))
        for extension in ("fits", "json", "sdf"):
            path = f"{sys.argv[1]}/fringe.{extension}"
            write(FringeFrame(image, 2.5), path)
            box = Box.factory[6:8, 8:10]
            found = read(path, FringeFrame, bbox=box)
            assert found.amplitude == 2.5 and found.image.bbox == box
            assert (found.image.array == image[box].array).all()
            with open_archive(path) as reader:
                assert reader.get_component("image").bbox == image.bbox
                assert reader.get_component("amplitude") == 2.5
    """
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE / "fake_plugin"), *sys.path])},
        check=True,
    )


def test_plugins_import_error_warns_and_is_listed(site: Path) -> None:
    install(site, "broken_plugin", "import no_such_module_at_all")
    install(site, "good_plugin", GOOD)
    registry = Registry()
    with pytest.warns(PluginWarning, match=r"broken_plugin.*1\.0.*no_such_module_at_all"):
        plugins = {info.name: info for info in registry.plugins()}
    assert "no_such_module_at_all" in str(plugins["broken_plugin"].error)
    assert plugins["good_plugin"].error is None
    assert "tests.good" in registry.datasets()


def test_plugins_import_error_with_strict_variable_raises(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(site, "broken_plugin", "1 / 0")
    monkeypatch.setenv("LSST_IMAGES_STRICT_PLUGINS", "1")
    with pytest.raises(PluginLoadError, match="broken_plugin"):
        Registry().plugins()


def test_plugins_disabled_plugin_is_not_imported(site: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(site, "broken_plugin", "1 / 0")
    install(site, "good_plugin", GOOD)
    monkeypatch.setenv("LSST_IMAGES_DISABLE_PLUGINS", "broken_plugin,another")
    registry = Registry()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        names = [info.name for info in registry.plugins()]
    assert "good_plugin" in names
    assert "broken_plugin" not in names


def test_plugins_unknown_hook_warns_with_its_name(site: Path) -> None:
    install(
        site,
        "typo_plugin",
        """
        from lsst.images.plugins import hookimpl

        @hookimpl
        def register_datsets():
            return []
        """,
    )
    registry = Registry()
    with pytest.warns(PluginWarning, match="register_datsets"):
        registry.plugins()


def test_declaration_hook_exception_is_ignored_with_warning(site: Path) -> None:
    install(
        site,
        "half_plugin",
        """
        from lsst.images.plugins import hookimpl

        @hookimpl
        def register_datasets():
            raise KeyError("no configuration")
        """,
    )
    install(site, "good_plugin", GOOD)
    registry = Registry()
    with pytest.warns(PluginWarning, match="register_datasets.*half_plugin.*no configuration"):
        assert "tests.good" in registry.datasets()


def test_plugins_duplicate_entry_point_is_listed_once(site: Path) -> None:
    install(site, "good_plugin", GOOD)
    (site / "good_plugin-1.0.egg-info").mkdir()
    for name in ("METADATA", "entry_points.txt"):
        source = site / "good_plugin-1.0.dist-info" / name
        target = "PKG-INFO" if name == "METADATA" else name
        (site / "good_plugin-1.0.egg-info" / target).write_text(source.read_text())
    assert [info.name for info in Registry().plugins()].count("good_plugin") == 1


def test_trace_variable_prints_hook_calls(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LSST_IMAGES_TRACE_PLUGINS", "1")
    registry.hook.guess_container(uri=None, head=b"xyz")
    assert "guess_container(" in capsys.readouterr().err


# Plugins added by register().


def test_register_plugin_is_used_until_unregistered(registry: Registry) -> None:
    assert registry.model_for_schema("tests.a") is None
    registry.register(Declares(SPEC), name="mine")
    assert registry.model_for_schema("tests.a") is __import__("decimal").Decimal
    registry.unregister("mine")
    assert registry.model_for_schema("tests.a") is None
    registry.unregister("mine")


def test_reset_removes_registered_plugins(registry: Registry) -> None:
    registry.register(Declares(SPEC), name="mine")
    registry.reset()
    assert "mine" not in [info.name for info in registry.plugins()]


def test_register_unknown_hook_raises_and_changes_nothing(registry: Registry) -> None:
    class Typo:
        @hookimpl
        def after_reed(self, obj: Any) -> None: ...

    with pytest.raises(PluginLoadError, match="after_reed"):
        registry.register(Typo(), name="typo")
    assert "typo" not in [info.name for info in registry.plugins()]


def test_register_schema_without_namespace_raises(registry: Registry) -> None:
    class Plugin:
        @hookimpl
        def register_datasets(self) -> list[DatasetSpec]:
            return [DatasetSpec(schema="fringe", pytype="fractions:Fraction", model="decimal:Decimal")]

    with pytest.raises(PluginError, match=r"'fringe' of fractions:Fraction .*'fractions\.fringe'"):
        registry.register(Plugin(), name="mine")
    assert "mine" not in {info.name for info in registry.plugins()}
    assert "image" in registry.datasets()


def test_installed_schema_without_namespace_is_ignored_with_warning(site: Path) -> None:
    install(site, "no_namespace", GOOD.replace("tests.good", "image"))
    registry = Registry()
    with pytest.warns(PluginWarning, match=r"no_namespace.*'image'.*has no namespace"):
        assert registry.datasets()["image"].pytype.startswith("lsst.images.")


@pytest.mark.parametrize("dotted", ["Fraction", "fractions:", ":Fraction", "fractions.Fraction"])
@pytest.mark.parametrize("field", ["pytype", "model"])
def test_dataset_spec_name_of_other_form_raises(field: str, dotted: str) -> None:
    names = {"pytype": "fractions:Fraction", "model": "decimal:Decimal", field: dotted}
    with pytest.raises(PluginError, match="package.module:Name"):
        DatasetSpec(schema="tests.a", **names)


def test_declared_model_without_serialize_raises(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = DatasetSpec(
        schema="tests.mute", pytype="fractions:Fraction", model="lsst.images.serialization:ArchiveTree"
    )
    with pytest.raises(PluginError, match=r"ArchiveTree cannot write .*Fraction: .*serialize\(\)"):
        registry.register(Declares(spec), name="mine")
    # A model that is imported later is checked when an object is written.
    with monkeypatch.context() as context:
        context.delitem(sys.modules, "fractions")
        registry.register(Declares(spec), name="mine")
    with pytest.raises(PluginError, match=r"ArchiveTree cannot write .*Fraction: .*serialize\(\)"):
        registry.model_for_type(Fraction)


def test_register_unknown_hook_argument_raises_with_its_name(registry: Registry) -> None:
    class Typo:
        @hookimpl
        def after_read(self, obj: Any, contents: Any) -> None: ...

    with pytest.raises(PluginLoadError, match="contents"):
        registry.register(Typo(), name="typo")


# Duplicate declarations.


def test_datasets_duplicate_schema_raises_with_both_packages(registry: Registry) -> None:
    registry.register(Declares(SPEC), name="first")
    registry.register(Declares(SPEC), name="second")
    with pytest.raises(DuplicateRegistrationError, match="'tests.a' is declared by 'first'.*'second'"):
        registry.datasets()


@pytest.mark.parametrize("order", [("old", "new"), ("new", "old")])
def test_datasets_replaces_overrides_in_any_order(registry: Registry, order: tuple[str, str]) -> None:
    newer = DatasetSpec(schema="tests.a", pytype="fractions:Fraction", model="numbers:Number", replaces="old")
    plugins = {"old": Declares(SPEC), "new": Declares(newer)}
    for name in order:
        registry.register(plugins[name], name=name)
    assert registry.datasets()["tests.a"] is newer


def test_storage_classes_duplicate_name_raises(registry: Registry) -> None:
    storage = StorageClassSpec(name="Thing")
    for schema in "ab":
        spec = DatasetSpec(schema=f"tests.{schema}", pytype="x:X", model="x:Y", storage_class=storage)
        registry.register(Declares(spec), name=schema)
    with pytest.raises(DuplicateRegistrationError, match="'Thing'"):
        registry.storage_classes()


class DeclaresAll:
    """A plugin with one declaration of each kind."""

    @hookimpl
    def register_storage_classes(self) -> list[StorageClassSpec]:
        return [StorageClassSpec(name="Extra")]

    @hookimpl
    def register_dataset_types(self) -> list[DatasetTypeSpec]:
        return [DatasetTypeSpec(name="extra", dimensions=("visit",), storage_class="Extra")]

    @hookimpl
    def register_containers(self) -> list[ContainerSpec]:
        return [
            ContainerSpec(
                name="zip",
                extensions=(".zip",),
                input_archive="x:X",
                output_archive="x:Y",
                recognizes=lambda head: head.startswith(b"PK"),
            )
        ]

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        return [Migration(schema="tests.a", from_major=1, function=dict)]

    @hookimpl
    def register_legacy_decoders(self) -> dict[str, str]:
        return {"ExtraPsf": "x:decode"}


def test_declarations_are_returned_by_key(registry: Registry) -> None:
    registry.register(DeclaresAll(), name="all")
    assert registry.storage_classes()["Extra"].name == "Extra"
    assert registry.dataset_types()["extra"].dimensions == ("visit",)
    assert registry.containers()["zip"].extensions == (".zip",)
    assert registry.migrations()["tests.a", 1].function is dict
    assert registry.legacy_decoders()["ExtraPsf"] == "x:decode"


# Look-ups.


def test_model_for_type_subclass_uses_model_of_base(registry: Registry) -> None:
    import fractions

    class Half(fractions.Fraction):
        pass

    registry.register(Declares(SPEC), name="mine")
    assert registry.model_for_type(Half) is __import__("decimal").Decimal


def test_model_for_type_undeclared_type_raises_with_its_name(registry: Registry) -> None:
    with pytest.raises(UnserializableTypeError, match="threading"):
        registry.model_for_type(threading.Thread)


def test_guess_schema_returns_schema_with_most_members(registry: Registry) -> None:
    narrow = DatasetSpec(
        schema="tests.narrow", pytype="x:A", model="x:B", members=frozenset({"q1", "q2", "q3"})
    )
    wide = DatasetSpec(schema="tests.wide", pytype="x:A", model="x:B", members=frozenset({"q1"}))
    registry.register(Declares(wide, narrow), name="mine")
    assert registry.guess_schema(["q1", "q2", "q3", "q4"]) == "tests.narrow"
    assert registry.guess_schema(["q1", "q2"]) == "tests.wide"
    assert registry.guess_schema(["unheard_of"]) is None


@pytest.mark.parametrize("dotted", ["no_such_module:Name", "decimal:NoSuchName", "decimal"])
def test_load_invalid_dotted_name_raises_with_the_name(registry: Registry, dotted: str) -> None:
    with pytest.raises(PluginLoadError, match=dotted):
        registry.load(dotted)


# First-result hooks.


class Answers:
    """A plugin that implements first-result hooks."""

    def __init__(self, answer: Any) -> None:
        self.answer = answer

    @hookimpl
    def convert_to_legacy(self, obj: Any, options: Any) -> Any:
        return self.answer

    @hookimpl
    def convert_from_legacy(self, legacy: Any, pytype: type, options: Any) -> Any:
        return self.answer

    @hookimpl
    def read_legacy(self, uri: Any) -> Any:
        return self.answer


def test_first_result_hook_last_registered_plugin_is_called_first(registry: Registry) -> None:
    registry.register(Answers("first"), name="first")
    registry.register(Answers("second"), name="second")
    registry.register(Answers(None), name="silent")
    assert registry.convert_to_legacy(object()) == "second"


def test_read_legacy_found_none_returns_none(registry: Registry) -> None:
    registry.register(Answers(Found(None)), name="mine")
    assert registry.read_legacy("x", Registry) is None


def test_conversions_without_result_raise(registry: Registry) -> None:
    with pytest.raises(LegacyConversionError, match="Registry"):
        registry.convert_from_legacy(object(), Registry)
    with pytest.raises(LegacyConversionError, match="object"):
        registry.convert_to_legacy(object())
    with pytest.raises(LegacyConversionError, match="Registry"):
        registry.read_legacy("x", Registry)


def test_registry_concurrent_first_use_loads_once(registry: Registry) -> None:
    registry.register(Declares(SPEC), name="mine")
    barrier, found = threading.Barrier(8), []

    def ask() -> None:
        barrier.wait()
        found.append((registry.hook, registry.datasets()))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len({id(hook) for hook, _ in found}) == len({id(datasets) for _, datasets in found}) == 1
