# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Subtrees whose model is selected by their own schema URL.

A plugin that adds a type of PSF or field declares its schema; a field of a
model that is annotated with `Polymorphic` then accepts it.  A subtree with an
unknown schema, or a damaged one, becomes an `UnreadableTree`, which raises the
error when it is used.
"""

from __future__ import annotations

__all__ = (
    "Polymorphic",
    "UnreadableTree",
    "is_reference",
    "raw_subtree",
    "validate_subtree",
    "keep_raw_subtree",
)

import functools
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Protocol, TypeVar

import pydantic

from ..errors import ArchiveReadError, CorruptArchiveError, UnknownSchemaError
from ..plugins import registry
from ..utils import short_repr
from ._migrations import parse_schema_url
from ._tree import ArchiveTree, tree_error

if TYPE_CHECKING:
    from ._input_archive import InputArchive

T = TypeVar("T", covariant=True)
M = TypeVar("M")


_JSON_TYPES = (dict, list, str, int, float, type(None))

_MAX_DEPTH = 210
"""Largest depth of a tree, in levels; the JSON parser accepts 200."""

_AS_READ = "_raw_subtree"
"""Attribute of a model for its raw JSON; not a pydantic field, so it is not serialized."""


class UnreadableTree(pydantic.RootModel[Any], ser_json_inf_nan="constants"):
    """A placeholder for a subtree that cannot be read, with the error."""

    _reason: ArchiveReadError = pydantic.PrivateAttr()

    @classmethod
    def because(cls, tree: Any, reason: ArchiveReadError) -> UnreadableTree:
        """Create a placeholder for a subtree.

        Parameters
        ----------
        tree
            Raw JSON, an object unless it is damaged badly.
        reason
            Error that `deserialize` raises.
        """
        result = cls.model_construct(tree)
        result._reason = reason
        return result

    @property
    def reason(self) -> ArchiveReadError:
        """The error that prevents reading the subtree."""
        return self._reason

    @property
    def refers_to_arrays(self) -> bool:
        """Whether the subtree refers to arrays of its file, so that it cannot be written to another."""
        return any(dict in kinds and any(map(is_reference, level)) for kinds, level in _levels(self.root))

    def deserialize(self, archive: InputArchive | None = None) -> NoReturn:
        """Raise the error.

        Parameters
        ----------
        archive
            Not used.
        """
        raise self._reason


def validate_subtree(data: Any, pytype: type = object) -> Any:
    """Validate a subtree as the model that its schema URL names.

    Parameters
    ----------
    data
        Raw JSON, or a model.
    pytype
        Type of the object that the subtree must describe.

    Returns
    -------
    subtree
        An `ArchiveTree`, or an `UnreadableTree`.

    Raises
    ------
    ValueError
        If ``data`` is not JSON.
    """
    if isinstance(data, ArchiveTree | UnreadableTree):
        return data
    try:
        if not isinstance(data, dict):
            message = f"A JSON object is required here; got {data!r:.80}."
            raise CorruptArchiveError(message) if is_json(data) else ValueError(message)
        return keep_raw_subtree(_find_model(data, pytype).model_validate(data), data)
    except ArchiveReadError as err:
        return UnreadableTree.because(data, err)
    except pydantic.ValidationError as err:
        reason = tree_error(err, "its root", what=f"A subtree of schema {data.get('schema_url')!r}")
        reason.__cause__ = err
        return UnreadableTree.because(data, reason)


def is_json(value: Any) -> bool:
    """Return whether a value is JSON other than ``null``.

    Parameters
    ----------
    value
        The value.

    Raises
    ------
    ValueError
        If it is nested too deeply.
    """
    return value is not None and all(
        issubclass(kind, _JSON_TYPES) for kinds, _ in _levels(value) for kind in kinds
    )


def _levels(node: Any) -> Iterator[tuple[set[type], list[Any]]]:
    """Yield the types and the nodes of raw JSON, one level of depth after the other.

    A node may be a list of millions of numbers, so whole levels are processed
    at once.
    """
    level = [node]
    for _ in range(_MAX_DEPTH):
        kinds = set(map(type, level))
        yield kinds, level
        if kinds.isdisjoint((dict, list)):
            return
        if kinds != {list}:
            values = [list(node.values()) for node in level if isinstance(node, dict)]
            level = [node for node in level if isinstance(node, list)] + values
        level = list(itertools.chain.from_iterable(level))
    raise ValueError(f"A subtree has more than {_MAX_DEPTH} levels; it may contain itself.")


def keep_raw_subtree(model: M, raw: Any) -> M:
    """Store the raw JSON of a subtree in its model, for errors in ``deserialize``.

    Parameters
    ----------
    model
        The validated subtree.
    raw
        Raw JSON.

    Returns
    -------
    model
        The same object.
    """
    if isinstance(model, ArchiveTree):
        vars(model)[_AS_READ] = raw
    return model


def raw_subtree(model: Any) -> Any:
    """Return the raw JSON that a model stores, or `None`.

    Parameters
    ----------
    model
        The validated subtree.
    """
    return vars(model).get(_AS_READ) if isinstance(model, ArchiveTree) else None


def _find_model(data: dict[str, Any], wanted: type) -> type[ArchiveTree]:
    url = data.get("schema_url")
    schema = parse_schema_url(url)[0] if isinstance(url, str) else registry.guess_schema(data)
    model, pytype = (None, None) if schema is None else registry.types_for_schema(schema)
    if model is None:
        broken = [info for info in registry.plugins() if info.error]
        what = repr(url) if url else f"of a subtree with the members {sorted(data)}"
        raise UnknownSchemaError(
            f"No installed package declares the schema {what}."
            + (f" Plugins that could not be loaded: {[(i.name, i.error) for i in broken]}." if broken else "")
        )
    if pytype is not None and not issubclass(pytype, wanted):
        raise CorruptArchiveError(
            f"A subtree of schema {short_repr(schema)} describes a {pytype.__name__}; expected a "
            f"{wanted.__name__}."
        )
    return model


def is_reference(node: Any) -> bool:
    """Return whether a node refers to an array, a table or a pointer of a container.

    Parameters
    ----------
    node
        Raw JSON.
    """
    if not isinstance(node, dict):
        return False
    path = node.get("path")
    return (
        "$ref" in node
        or isinstance(node.get("source"), str)
        or (isinstance(path, str) and path.endswith("/JSON"))
    )


if TYPE_CHECKING:

    class Polymorphic(Protocol[T]):
        """The type for type checkers: an object with ``deserialize``."""

        def deserialize(self, archive: Any) -> T:
            """Create the object.

            Parameters
            ----------
            archive
                Archive that holds its arrays.
            """

else:

    class Polymorphic:
        """Annotation of a field whose model depends on the content.

        ``psf: Polymorphic[PointSpreadFunction]`` accepts a subtree of any
        schema whose in-memory type is a `PointSpreadFunction`.
        """

        def __class_getitem__(cls, pytype: Any) -> Any:
            pytype = object if pytype is Any else pytype
            validate = functools.partial(validate_subtree, pytype=pytype)
            return Annotated[Any, pydantic.PlainValidator(validate, json_schema_input_type=dict[str, Any])]
