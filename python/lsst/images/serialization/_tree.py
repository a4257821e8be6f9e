# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class of the serialization models: a JSON tree with a schema."""

from __future__ import annotations

__all__ = ("SCHEMA_URL_BASE", "ArchiveTree", "tree_error")

import functools
import inspect
import re
import reprlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args

import pydantic

from .._aliases import COMPONENT_ALIASES
from ..errors import (
    ArchiveReadError,
    CorruptArchiveError,
    InvalidComponentError,
    InvalidParameterError,
    PluginError,
    SchemaVersionError,
    UnserializableTypeError,
)
from ..plugins import registry
from ..utils import qualified_name, short_repr
from ._arrays import ArrayReferenceModel, InlineArrayModel
from ._component import LATE, ComponentReader, declared_components, keyword_parameters
from ._fields import MetadataValue, Named, omit_if_empty, omit_if_none
from ._migrations import check_version, migrate
from ._tables import TableModel

if TYPE_CHECKING:
    from ._input_archive import InputArchive
    from ._output_archive import OutputArchive

_FORM = re.compile(r"^[A-Z]\w*Model$|[\[(]")
"""Elements of the path of a validation error that name a type, not a member."""

_OTHER_FORMS = frozenset({"missing", "is_instance_of"})
"""Types of validation errors that occur for the other types of a union."""

_SCHEMA_NAME = re.compile(r"[A-Za-z_][\w.-]*")
_SCHEMA_VERSION = re.compile(r"\d+\.\d+\.\d+(\.?(dev|a|b|rc)\d*)?")

_REPR = reprlib.Repr()
_REPR.maxstring, _REPR.maxlevel = 80, 3
"""Abbreviates invalid values, which may be large, in error messages."""

AMENDMENT = "_amend_json"
"""Attribute of a root tree for a function that changes its JSON; not a pydantic field."""

SCHEMA_URL_BASE = "https://images.lsst.io/schemas"


class ArchiveTree(pydantic.BaseModel, ser_json_inf_nan="constants", ser_json_bytes="base64"):
    """A node of the JSON tree that describes one object.

    A subclass names its schema in the class statement,
    ``class FringeModel(ArchiveTree, schema="my.fringe", version="1.0.0")``,
    declares members as pydantic fields, and defines two methods:

    - ``serialize(cls, obj, archive)``, a class method, returns the tree;
    - ``deserialize(self, archive, *, ...)`` returns the object; its
      keyword-only arguments are the read parameters of the type.

    Methods marked with `component` read one component from part of the tree.
    """

    SCHEMA_NAME: ClassVar[str] = ""
    SCHEMA_VERSION: ClassVar[str] = ""
    MIN_READ_VERSION: ClassVar[int] = 1
    SCHEMA_URL: ClassVar[str] = ""
    ROOT_NAME: ClassVar[str] = ""
    """Archive path of the object if it is the root of a file; arrays require a path."""

    OLD_SCHEMA_NAMES: ClassVar[tuple[str, ...]] = ()
    """Names of the schema in other releases."""

    OLD_MEMBERS: ClassVar[Mapping[str, str]] = {}
    """Names of members in other releases, and their current names.

    Some of those releases wrote the current version of the schema."""

    COMPONENTS: ClassVar[Mapping[str, ComponentReader]] = {}
    _PARAMETERS: ClassVar[frozenset[str]] = frozenset()

    schema_version: str = pydantic.Field(default="", repr=False)
    min_read_version: int = pydantic.Field(default=1, repr=False)
    metadata: Named[MetadataValue] = omit_if_empty(dict)
    # Validated when it is used; see _butler_info.py.
    butler_info: Annotated[
        Any, pydantic.PlainValidator(lambda raw: raw, json_schema_input_type=dict[str, Any] | None)
    ] = omit_if_none(repr=False)
    indirect: list[Any] = omit_if_empty(list, repr=False)

    @pydantic.computed_field(repr=False)  # type: ignore[prop-decorator]  # pydantic's documented order
    @property
    def schema_url(self) -> str:
        """URL of the schema, which ends with its name and version."""
        return self.SCHEMA_URL

    def __class_getitem__(cls, item: Any) -> Any:
        # The models of the first release were generic in a pointer type, which
        # is ignored.
        return cls

    def __init_subclass__(cls, **kwargs: Any) -> None:
        # Pydantic hands the keywords on to the hook below as well.
        super().__init_subclass__()

    @classmethod
    def __pydantic_init_subclass__(
        cls,
        *,
        schema: str = "",
        version: str = "",
        min_read_version: int = 1,
        url_base: str = SCHEMA_URL_BASE,
        **kwargs: Any,
    ) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        if schema:
            cls.SCHEMA_NAME, cls.SCHEMA_VERSION, cls.MIN_READ_VERSION = schema, version, min_read_version
        if schema or "SCHEMA_NAME" in vars(cls):
            _check_declaration(cls)
            cls.SCHEMA_URL = f"{url_base}/{cls.SCHEMA_NAME}-{cls.SCHEMA_VERSION}"
        if not schema and "SCHEMA_NAME" in vars(cls):
            registry.schema_models.add(cls)
        cls.COMPONENTS = {**cls.COMPONENTS, **declared_components(vars(cls))}
        if "deserialize" in vars(cls):
            cls._PARAMETERS = keyword_parameters(cls.deserialize)

    def model_dump_json(self, **options: Any) -> str:
        """Return the tree as JSON, with unknown members of the file that it is from.

        Parameters
        ----------
        **options
            As for `pydantic.BaseModel.model_dump_json`.

        Returns
        -------
        text
            The JSON text.
        """
        text = super().model_dump_json(**options)
        # Unknown members are inserted here, because no model declares them.
        amend: Callable[[str, Mapping[str, Any]], str] | None = vars(self).get(AMENDMENT)
        return text if amend is None else amend(text, options)

    @classmethod
    def model_construct(cls, _fields_set: set[str] | None = None, **values: Any) -> Self:
        """Make a tree without validation, with the schema version of this model.

        Parameters
        ----------
        _fields_set, **values
            As for `pydantic.BaseModel.model_construct`.

        Returns
        -------
        tree
            The tree.
        """
        stamps = {"schema_version": cls.SCHEMA_VERSION, "min_read_version": cls.MIN_READ_VERSION}
        return super().model_construct(_fields_set, **{**stamps, **values})

    # Reading.

    @pydantic.model_validator(mode="before")
    @classmethod
    def _validate_stamps(cls, data: Any) -> Any:
        if type(data) is not dict or (
            data.get("schema_version") == cls.SCHEMA_VERSION
            and data.get("min_read_version", 1) == 1
            and data.keys().isdisjoint(cls.OLD_MEMBERS)
        ):
            # Nearly all trees are current; this avoids another call.
            return data
        return cls.prepare(data)

    @classmethod
    def prepare(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """Check the version of a raw tree and convert it to the current form.

        Parameters
        ----------
        tree
            Raw JSON object; it is not changed.

        Returns
        -------
        tree
            Raw JSON object with the members and versions of this model.

        Raises
        ------
        SchemaVersionError
            If the tree requires a newer reader, or its versions are malformed.
        """
        major = check_version(cls.SCHEMA_NAME, tree, cls.SCHEMA_VERSION)
        wanted = int(cls.SCHEMA_VERSION.partition(".")[0])
        tree = {cls.OLD_MEMBERS.get(name, name): value for name, value in tree.items()}
        tree = cls.upgrade(tree) if major is None else migrate(cls.SCHEMA_NAME, tree, major, wanted)
        return {**tree, "schema_version": cls.SCHEMA_VERSION, "min_read_version": cls.MIN_READ_VERSION}

    @classmethod
    def upgrade(cls, tree: dict[str, Any]) -> dict[str, Any]:
        """Convert a tree without a version to the current members.

        Also called with the arguments of a model that is created in memory,
        so it must not change current members.

        Parameters
        ----------
        tree
            Members of the tree; it may be modified.
        """
        return tree

    @classmethod
    def serialize(cls, obj: Any, archive: OutputArchive) -> Self:
        """Write an object.

        A subclass may add keyword-only arguments, which the model of the
        parent object passes to `OutputArchive.serialize_child`.

        Parameters
        ----------
        obj
            The object.
        archive
            Archive to write arrays, tables and nested objects to.

        Returns
        -------
        tree
            The tree of the object.

        Raises
        ------
        UnserializableTypeError
            If the object, or a part of it, cannot be written.
        """
        # A type may serialize itself.
        own = getattr(type(obj), "serialize", None)
        if own is None or getattr(own, "calls_model", False):
            raise UnserializableTypeError(
                f"{cls.__name__} does not write objects: neither it nor {type(obj).__name__} has a method "
                "serialize()."
            )
        tree: Self = own(obj, archive)
        return tree

    serialize.__func__.calls_type = True  # type: ignore[attr-defined]  # for models without a method of their own

    def deserialize(self, archive: InputArchive) -> Any:
        """Read the object.

        A subclass may add keyword-only arguments: the read parameters of the
        type, ``bbox`` for instance.

        Parameters
        ----------
        archive
            Archive to read arrays, tables and nested objects from.

        Returns
        -------
        obj
            The object.

        Raises
        ------
        ArchiveReadError
            If the tree or the arrays are invalid.
        """
        raise InvalidComponentError(
            f"{type(self).__name__} does not read objects: it has no deserialize() method."
        )

    def deserialize_component(self, name: str, archive: InputArchive, **parameters: Any) -> Any:
        """Read one component of a validated tree.

        Parameters
        ----------
        name
            Name of the component.
        archive
            Archive that holds the arrays.
        **parameters
            Read parameters.

        Raises
        ------
        InvalidComponentError
            If the tree does not have a component of this name.
        InvalidParameterError
            If the component does not accept a parameter.
        """
        recipe = self.find_component(name)
        check_parameters(recipe.parameters, parameters, f"Component {name!r} of {self.SCHEMA_NAME!r}")
        return recipe.function(self, archive, **parameters)

    @classmethod
    def read_component(
        cls, tree: dict[str, Any], name: str, archive: InputArchive, parameters: Mapping[str, Any]
    ) -> Any:
        """Read one component, validating only the members that it needs.

        Parameters
        ----------
        tree
            Raw JSON object of the whole tree.
        name
            Name of the component.
        archive
            Archive that holds the arrays.
        parameters
            Read parameters.

        Raises
        ------
        InvalidComponentError
            If the tree does not have a component of this name.
        InvalidParameterError
            If the component does not accept a parameter.
        """
        if (recipe := cls.COMPONENTS.get(name)) is None:
            recipe = cls.find_component(name)
        if not parameters.keys() <= recipe.parameters:
            check_parameters(recipe.parameters, parameters, f"Component {name!r} of {cls.SCHEMA_NAME!r}")
        if (
            tree.get("schema_version") != cls.SCHEMA_VERSION
            or tree.get("min_read_version", 1) != 1
            or not tree.keys().isdisjoint(cls.OLD_MEMBERS)
        ):
            tree = cls.prepare(tree)
        values = {}
        for member in recipe.needs:
            if member in tree:
                adapter = _member_adapter(cls, member, member == recipe.name)
                try:
                    values[member] = adapter.validate_python(tree[member])
                except pydantic.ValidationError as err:
                    raise tree_error(err, at=member) from err
            elif cls.model_fields[member].is_required():
                raise InvalidComponentError(
                    f"The {short_repr(cls.SCHEMA_NAME)} tree has no member {short_repr(member)}."
                )
        # The partial model needs no versions.
        partial = super().model_construct(**values)
        return recipe.function(partial, archive, **parameters)

    @classmethod
    def find_component(cls, name: str) -> ComponentReader:
        """Return the reader of a component.

        Parameters
        ----------
        name
            Name of the component, or an alias of it.

        Raises
        ------
        InvalidComponentError
            If the tree does not have a component of this name.
        """
        name = COMPONENT_ALIASES.get(name, name)
        if (recipe := cls.COMPONENTS.get(name)) is not None:
            return recipe
        if name not in cls.model_fields or name in ArchiveTree.model_fields:
            raise InvalidComponentError(
                f"Component {short_repr(name)} is not recognized by {short_repr(cls.SCHEMA_NAME)}; "
                f"it has {cls.component_names()}."
            )
        return _member_component(cls, name)

    @classmethod
    def component_names(cls) -> list[str]:
        """List the components by name."""
        return sorted((cls.model_fields.keys() - ArchiveTree.model_fields.keys()) | cls.COMPONENTS.keys())


def _check_declaration(cls: type[ArchiveTree]) -> None:
    """Raise an error for a model whose schema has no valid name or version."""
    if not _SCHEMA_NAME.fullmatch(cls.SCHEMA_NAME) or not _SCHEMA_VERSION.fullmatch(cls.SCHEMA_VERSION):
        raise PluginError(
            f"The schema {short_repr(cls.SCHEMA_NAME)}, version {short_repr(cls.SCHEMA_VERSION)}, of "
            f"{qualified_name(cls)} is invalid: a name consists of letters, digits, '_', '-' "
            "and '.', and a version of three numbers, such as 1.0.0."
        )


@functools.cache
def _member_adapter(cls: type[ArchiveTree], name: str, alone: bool) -> pydantic.TypeAdapter[Any]:
    field = cls.model_fields[name]
    annotation: Any = field.annotation
    if LATE in field.metadata and not alone:
        return pydantic.TypeAdapter(Any)
    return pydantic.TypeAdapter(Annotated[annotation, *field.metadata] if field.metadata else annotation)


@functools.cache
def _member_component(cls: type[ArchiveTree], name: str) -> ComponentReader:
    """Return the reader of a component that is a member of the tree."""

    def read(model: ArchiveTree, archive: InputArchive, **parameters: Any) -> Any:
        value = getattr(model, name)
        if isinstance(value, ArchiveTree):
            return value.deserialize(archive, **parameters)
        if isinstance(value, TableModel):
            return archive.get_table(value)
        if isinstance(value, ArrayReferenceModel | InlineArrayModel):
            return archive.get_array(value)
        if not hasattr(value, "deserialize"):
            return value
        # Regions and placeholders do not need the archive; models of parts of a tree do.
        needs_archive = "archive" in inspect.signature(value.deserialize).parameters
        return value.deserialize(archive) if needs_archive else value.deserialize()

    # The read parameters of a nested tree are those of its own type.
    annotation = cls.model_fields[name].annotation
    types = (t for t in (annotation, *get_args(annotation)) if isinstance(t, type))
    nested = [t for t in types if issubclass(t, ArchiveTree)]
    return ComponentReader(name, (name,), read, frozenset().union(*(t._PARAMETERS for t in nested)))


def tree_error(
    err: pydantic.ValidationError, root: str = "the root", *, what: str = "The tree", at: str = ""
) -> ArchiveReadError:
    """Convert a validation error to an error that names the invalid node.

    The class is that of the `ArchiveReadError` that a validator raised, else
    `CorruptArchiveError`.

    Parameters
    ----------
    err
        Validation error of pydantic.
    root
        Name of the root of the validated value, for the message.
    what
        Description of the validated value, for the message.
    at
        Path of the validated value in the tree.

    Returns
    -------
    error
        Error to raise in place of ``err``.
    """
    # For a union, pydantic reports errors of all types; those of the intended
    # type are of other kinds.
    first = min(err.errors(include_url=False), key=lambda error: error["type"] in _OTHER_FORMS)
    path = (at, *(part for part in map(str, first["loc"]) if not _FORM.search(part)))
    where = "/".join(path).strip("/") or root
    own = first.get("ctx", {}).get("error")
    kind = type(own) if isinstance(own, ArchiveReadError) else CorruptArchiveError
    if isinstance(own, SchemaVersionError):
        # The tree is valid for a newer reader.
        return kind(str(own) if where == root else f"{own} (At {where}.)")
    more = f" (and {err.error_count() - 1} more)" if err.error_count() > 1 else ""
    return kind(f"{what} is malformed at {where}: {first['msg']}; found {_REPR.repr(first['input'])}{more}.")


def check_parameters(allowed: frozenset[str], given: Mapping[str, Any], what: str) -> None:
    """Raise an error for unknown read parameters.

    Parameters
    ----------
    allowed
        Names of the supported parameters.
    given
        Parameters of the caller.
    what
        Description of the object that is read, for the message.

    Raises
    ------
    InvalidParameterError
        If a parameter is not supported.
    """
    if unknown := given.keys() - allowed:
        raise InvalidParameterError(
            f"{what} does not take the read parameters {sorted(unknown)}; it takes {sorted(allowed)}."
        )
