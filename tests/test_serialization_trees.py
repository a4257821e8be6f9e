# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Trees: versions, migrations, components, and polymorphic subtrees."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pydantic
import pytest
from lsst.images.errors import (
    ArchiveAccessRequiredError,
    ArchiveReadError,
    CorruptArchiveError,
    InvalidComponentError,
    InvalidParameterError,
    NotAnArchiveError,
    SchemaVersionError,
    UnknownSchemaError,
)
from lsst.images.plugins import DatasetSpec, Migration, hookimpl, registry
from lsst.images.serialization import (
    ArchiveInfo,
    ArchiveTree,
    ArrayReferenceModel,
    DetachedArchive,
    Pointer,
    Polymorphic,
    TableModel,
    UnreadableTree,
    component,
    is_development_version,
    omit_if_none,
    parse_schema_url,
)


class Leaf(ArchiveTree, schema="tests.leaf", version="2.1.0"):
    value: int
    upgraded: str = ""

    @classmethod
    def upgrade(cls, tree: dict[str, Any]) -> dict[str, Any]:
        if "old_value" in tree:
            tree["value"] = tree.pop("old_value")
        return tree

    @classmethod
    def serialize(cls, obj: int, archive: Any) -> Leaf:
        return cls(value=obj)

    def deserialize(self, archive: Any) -> int:
        return self.value


class Parent(ArchiveTree, schema="tests.parent", version="1.0.0", url_base="https://example.org/x/schemas"):
    leaf: Leaf
    other: Leaf | None = omit_if_none()
    guest: Polymorphic[Any] | None = omit_if_none()
    number: float = 0.5
    sky_projection: str = "sky"

    def deserialize(self, archive: Any, *, twice: bool = False) -> int:
        return self.leaf.value * (2 if twice else 1)

    @component("double", needs=("leaf",))
    def _double(self, archive: Any, *, offset: int = 0) -> int:
        return 2 * self.leaf.value + offset

    @component("first", needs=("number",))
    @component("second", needs=("number",))
    def _both(self, archive: Any) -> float:
        return self.number


class Younger(Parent, schema="tests.younger", version="1.0.0"):
    @component("double", needs=("leaf", "number"))
    def _double(self, archive: Any) -> float:
        return 2 * self.leaf.value + self.number


class Plugin:
    @hookimpl
    def register_datasets(self) -> list[DatasetSpec]:
        return [
            DatasetSpec(
                schema="tests.leaf",
                pytype="builtins:int",
                model=f"{__name__}:Leaf",
                members=frozenset({"value"}),
            )
        ]

    @hookimpl
    def register_migrations(self) -> list[Migration]:
        def first(tree: dict[str, Any]) -> dict[str, Any]:
            tree["value"] = tree.pop("values")[0]
            return {**tree, "upgraded": "1 to 2"}

        return [Migration(schema="tests.leaf", from_major=1, function=first)]


@pytest.fixture(autouse=True, scope="module")
def plugin() -> Iterator[None]:
    registry.register(Plugin(), name="plugin of trees")
    yield
    registry.unregister("plugin of trees")


ARCHIVE = DetachedArchive()
LEAF = {"schema_version": "2.1.0", "min_read_version": 2, "value": 7}


def parent_tree(**members: Any) -> dict[str, Any]:
    return {"schema_version": "1.0.0", "min_read_version": 1, "leaf": LEAF, **members}


# JSON form.


def test_tree_json_starts_with_versions_and_ends_with_url() -> None:
    text = Parent(leaf=Leaf(value=3)).model_dump_json()
    assert list(json.loads(text)) == [
        "schema_version",
        "min_read_version",
        "leaf",
        "number",
        "sky_projection",
        "schema_url",
    ]
    assert json.loads(text)["schema_url"] == "https://example.org/x/schemas/tests.parent-1.0.0"
    assert json.loads(text)["leaf"]["schema_url"] == "https://images.lsst.io/schemas/tests.leaf-2.1.0"


def test_tree_json_omits_empty_fields() -> None:
    tree = Parent(leaf=Leaf(value=3), metadata={"a": float("inf")}, butler_info={"b": 1}, indirect=[2])
    found = json.loads(tree.model_dump_json())
    assert found["metadata"] == {"a": float("inf")}
    assert found["butler_info"] == {"b": 1}
    assert found["indirect"] == [2]


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"bytes", 1j])
def test_metadata_nested_value_raises(value: Any) -> None:
    with pytest.raises(pydantic.ValidationError):
        Leaf(value=1, metadata={"a": value})


@pytest.mark.parametrize(("value", "kind"), [(1, int), (1.0, float), (True, bool), ("1", str)])
def test_metadata_keeps_types(value: Any, kind: type) -> None:
    tree = Leaf.model_validate_json(Leaf(value=1, metadata={"a": value}).model_dump_json())
    assert type(tree.metadata["a"]) is kind


def test_model_type_parameters_are_ignored() -> None:
    assert Leaf[int] is Leaf


# Versions.


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.99.3", "3.0.0", "2.1.0.dev3"])
def test_version_with_supported_min_read_version_is_read(version: str) -> None:
    tree = Leaf.model_validate({"schema_version": version, "min_read_version": 2, "value": 1})
    assert (tree.value, tree.schema_version) == (1, "2.1.0")


def test_version_for_newer_reader_raises_with_number() -> None:
    with pytest.raises(SchemaVersionError, match="requires reader major >= 3"):
        Leaf.prepare({"schema_version": "3.0.0", "min_read_version": 3, "value": 1})


@pytest.mark.parametrize(
    ("stamps", "message"),
    [
        ({"schema_version": "x.y.z"}, "non-integer major"),
        ({"schema_version": ""}, "not a non-empty string"),
        ({"schema_version": 2}, "not a non-empty string"),
        ({"schema_version": "2.0.0", "min_read_version": "one"}, "expected an integer"),
    ],
)
def test_version_malformed_raises(stamps: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaVersionError, match=message):
        Leaf.prepare({**stamps, "value": 1})


def test_migration_older_major_uses_declared_migrations() -> None:
    raw = {"schema_version": "1.4.0", "min_read_version": 1, "values": [5, 6]}
    tree = Leaf.model_validate(raw)
    assert (tree.value, tree.upgraded, tree.schema_version) == (5, "1 to 2", "2.1.0")
    assert raw == {"schema_version": "1.4.0", "min_read_version": 1, "values": [5, 6]}


def test_migration_missing_step_raises() -> None:
    with pytest.raises(
        SchemaVersionError, match="No migration is registered from major 0 to 1 of schema 'tests.leaf'"
    ):
        Leaf.prepare({"schema_version": "0.9.0", "values": [5]})


def test_migration_nested_trees_are_migrated() -> None:
    old = {"schema_version": "1.4.0", "min_read_version": 1, "values": [5]}
    assert Parent.model_validate(parent_tree(leaf=old)).leaf.value == 5


def test_upgrade_is_called_for_tree_without_version() -> None:
    assert Leaf.model_validate({"old_value": 4}).value == 4


@pytest.mark.parametrize(("version", "answer"), [("1.0.0", False), ("1.0.0.dev0", True)])
def test_is_development_version(version: str, answer: bool) -> None:
    assert is_development_version(version) is answer


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://images.lsst.io/schemas/visit_image-1.0.0", ("visit_image", "1.0.0")),
        ("http://a.b/c/d/schemas/my-own-thing-2.0.0.dev1", ("my-own-thing", "2.0.0.dev1")),
    ],
)
def test_parse_schema_url_splits_at_last_hyphen(url: str, expected: tuple[str, str]) -> None:
    assert parse_schema_url(url) == expected
    info = ArchiveInfo.from_schema_url(url, format_version=1)
    assert (info.schema_name, info.schema_version, info.format_version) == (*expected, 1)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://a.b/schemas/x-1.0.0", "does not have the required"),
        ("https://a.b/x-1.0.0", "does not have the required"),
        ("", "does not have the required"),
        ("https://a.b/schemas/image", "Cannot parse schema name/version"),
        ("https://a.b/schemas/my-image", "Cannot parse schema name/version"),
    ],
)
def test_parse_schema_url_malformed_raises(url: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_schema_url(url)
    with pytest.raises(NotAnArchiveError, match=message):
        parse_schema_url(url)


# Components.


def test_component_validates_needed_members_only() -> None:
    raw = parent_tree(number="broken", guest=3, other=[])
    assert Parent.read_component(raw, "double", ARCHIVE, {}) == 14
    assert Parent.read_component(raw, "double", ARCHIVE, {"offset": 1}) == 15
    with pytest.raises(CorruptArchiveError, match="malformed at number: .*'broken'"):
        Parent.read_component(raw, "first", ARCHIVE, {})


def test_component_member_is_read() -> None:
    raw = parent_tree(number=2.5)
    assert Parent.read_component(raw, "number", ARCHIVE, {}) == 2.5
    assert Parent.read_component(raw, "leaf", ARCHIVE, {}) == 7
    assert Parent.read_component(raw, "other", ARCHIVE, {}) is None
    assert Parent.read_component(raw, "projection", ARCHIVE, {}) == "sky"
    assert [Parent.read_component(raw, name, ARCHIVE, {}) for name in ("first", "second")] == [2.5, 2.5]


def test_component_subclass_overrides_reader() -> None:
    raw = parent_tree(number=0.25)
    assert Younger.read_component(raw, "double", ARCHIVE, {}) == 14.25
    assert Younger.read_component(raw, "first", ARCHIVE, {}) == 0.25
    assert set(Younger.component_names()) == {
        "double",
        "first",
        "guest",
        "leaf",
        "number",
        "other",
        "second",
        "sky_projection",
    }


def test_component_missing_member_raises_with_its_name() -> None:
    with pytest.raises(ArchiveReadError, match="'leaf'"):
        Parent.read_component({"schema_version": "1.0.0"}, "double", ARCHIVE, {})


def test_component_unknown_name_or_parameter_raises() -> None:
    with pytest.raises(InvalidComponentError, match=r"'triple' is not recognized by 'tests.parent'.*double"):
        Parent.read_component(parent_tree(), "triple", ARCHIVE, {})
    with pytest.raises(InvalidParameterError, match=r"'shift'.*'offset'"):
        Parent.read_component(parent_tree(), "double", ARCHIVE, {"shift": 1})


def test_component_of_model_equals_component_of_raw_tree() -> None:
    tree = Parent.model_validate(parent_tree(number=2.5))
    for name in ("double", "first", "leaf", "number", "other"):
        raw = Parent.read_component(parent_tree(number=2.5), name, ARCHIVE, {})
        assert tree.deserialize_component(name, ARCHIVE) == raw


def test_deserialize_not_implemented_raises() -> None:
    class Bare(ArchiveTree, schema="tests.bare", version="1.0.0"):
        pass

    with pytest.raises(ArchiveReadError, match="Bare"):
        Bare().deserialize(ARCHIVE)


# Polymorphic subtrees.

GUEST = {**LEAF, "schema_url": "https://elsewhere.org/schemas/tests.leaf-2.1.0"}


def test_polymorphic_subtree_uses_model_of_its_schema() -> None:
    tree = Parent.model_validate(parent_tree(guest=GUEST))
    assert isinstance(tree.guest, Leaf)
    assert tree.guest.deserialize(ARCHIVE) == 7


def test_polymorphic_subtree_without_url_is_recognized_by_members() -> None:
    assert isinstance(Parent.model_validate(parent_tree(guest={"value": 7})).guest, Leaf)


@pytest.mark.parametrize(
    ("guest", "error", "message"),
    [
        ({"schema_url": "https://a.b/schemas/unheard.of-1.0.0", "q": 1}, UnknownSchemaError, "unheard.of"),
        ({"strange": 1, "members": 2}, UnknownSchemaError, "strange"),
        ({"schema_url": "no url"}, NotAnArchiveError, "no url"),
        ({**GUEST, "value": "x"}, CorruptArchiveError, "tests.leaf"),
        ({**GUEST, "schema_version": "9.0.0", "min_read_version": 9}, SchemaVersionError, "major >= 9"),
        (3, CorruptArchiveError, "JSON object is required here; got 3"),
        ("text", CorruptArchiveError, "got 'text'"),
        ([1], CorruptArchiveError, "got \\[1\\]"),
    ],
)
def test_polymorphic_unreadable_subtree_raises_at_use(
    guest: Any, error: type[Exception], message: str
) -> None:
    tree = Parent.model_validate(parent_tree(guest=guest))
    assert tree.deserialize(ARCHIVE) == 7
    assert isinstance(tree.guest, UnreadableTree)
    with pytest.raises(ArchiveReadError, match=message) as caught:
        tree.guest.deserialize(ARCHIVE)
    assert isinstance(caught.value, error)
    assert json.loads(tree.model_dump_json())["guest"] == guest


@pytest.mark.parametrize("guest", [1j, object()])
def test_polymorphic_subtree_not_json_raises(guest: Any) -> None:
    with pytest.raises(pydantic.ValidationError, match="JSON object"):
        Parent.model_validate(parent_tree(guest=guest))


@pytest.mark.parametrize(
    ("node", "answer"),
    [
        ({"a": [{"source": "fits:X", "shape": [1]}]}, True),
        ({"a": {"b": {"$ref": "#/indirect/0"}}}, True),
        ({"a": {"path": "/MORE/LSST/CAMERA/JSON"}}, True),
        ({"path": "/home/me/file"}, False),
        ({"source": 3, "a": [1, None, "x", {"data": [1], "datatype": "uint8"}]}, False),
    ],
)
def test_unreadable_tree_refers_to_arrays(node: dict[str, Any], answer: bool) -> None:
    assert UnreadableTree.because(node, UnknownSchemaError("x")).refers_to_arrays is answer


# Detached archives.


def test_detached_archive_raises_for_all_data() -> None:
    reference = ArrayReferenceModel(source="x", shape=(1,), datatype="uint8")
    table = TableModel(columns=[])
    for ask in (
        lambda: ARCHIVE.get_array(reference),
        lambda: ARCHIVE.get_table(table),
        lambda: ARCHIVE.get_structured_array(table),
        lambda: ARCHIVE.get_raw_tree(),
        lambda: ARCHIVE.deserialize_pointer(Pointer({"$ref": "x"}), Leaf, lambda m, a: m),
    ):
        with pytest.raises(ArchiveAccessRequiredError, match="detached") as caught:
            ask()
        assert not isinstance(caught.value, ArchiveReadError)
    assert ARCHIVE.get_passthrough() is None


def test_get_frame_set_before_read_raises() -> None:
    with pytest.raises(ArchiveReadError, match="before it is read"):
        ARCHIVE.get_frame_set(Pointer({"$ref": "x"}))
