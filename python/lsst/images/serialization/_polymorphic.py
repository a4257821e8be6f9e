# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Branches of a tree whose schema the branch itself names.

There is no union to edit: who adds a PSF or a field declares its schema, and
every tree with a place for one can hold it.  A branch that nobody installed
understands, or that is damaged, is kept as it is and complains when used.
"""

from __future__ import annotations

__all__ = ("Polymorphic", "UnreadableTree", "branch_as_read", "make_branch", "remember_branch")

import functools
import itertools
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, Protocol, TypeVar

import pydantic

from ..errors import ArchiveReadError, CorruptArchiveError, UnknownSchemaError
from ..plugins import registry
from ._migrations import parse_schema_url
from ._tree import ArchiveTree, tree_error

if TYPE_CHECKING:
    from ._input_archive import InputArchive

T = TypeVar("T", covariant=True)
M = TypeVar("M")


_JSON_TYPES = (dict, list, str, int, float, type(None))

_MAX_DEPTH = 210
"""Levels of a tree, some more than our parser accepts."""

_AS_READ = "_branch_as_read"
"""Where a model keeps the raw branch; no field, so that nobody else sees it."""


class UnreadableTree(pydantic.RootModel[Any], ser_json_inf_nan="constants"):
    """A branch that could not be understood, with the reason."""

    _reason: ArchiveReadError = pydantic.PrivateAttr()

    @classmethod
    def because(cls, tree: Any, reason: ArchiveReadError) -> UnreadableTree:
        """Keep a raw branch.

        Parameters
        ----------
        tree
            Raw JSON, an object unless it is damaged badly.
        reason
            Raised by whoever uses the branch.
        """
        result = cls.model_construct(tree)
        result._reason = reason
        return result

    @property
    def reason(self) -> ArchiveReadError:
        """Why the branch is unreadable."""
        return self._reason

    @property
    def refers_to_arrays(self) -> bool:
        """Whether the branch points at arrays, so that it cannot move."""
        return any(dict in kinds and any(map(_is_reference, level)) for kinds, level in _levels(self.root))

    def deserialize(self, archive: InputArchive | None = None) -> NoReturn:
        """Raise the reason.

        Parameters
        ----------
        archive
            Not used.
        """
        raise self._reason


def make_branch(data: Any, pytype: type = object) -> Any:
    """Validate a branch as the model that its own schema names.

    Parameters
    ----------
    data
        Raw JSON, or a model.
    pytype
        Type of object that the branch must stand for.

    Returns
    -------
    branch
        An `ArchiveTree`, or an `UnreadableTree`.

    Raises
    ------
    ValueError
        If it is no JSON.
    """
    if isinstance(data, ArchiveTree | UnreadableTree):
        return data
    try:
        if not isinstance(data, dict):
            message = f"A JSON object is needed here, not {data!r:.80}."
            raise CorruptArchiveError(message) if is_json(data) else ValueError(message)
        return remember_branch(_find_model(data, pytype).model_validate(data), data)
    except ArchiveReadError as err:
        return UnreadableTree.because(data, err)
    except pydantic.ValidationError as err:
        reason = tree_error(err, "its root", what=f"A branch of {data.get('schema_url')!r}")
        reason.__cause__ = err
        return UnreadableTree.because(data, reason)


def is_json(value: Any) -> bool:
    """Tell whether a value can be a raw branch, which ``null`` by itself is not.

    Parameters
    ----------
    value
        The value.

    Raises
    ------
    ValueError
        If it is nested too deeply for any parser.
    """
    return value is not None and all(
        issubclass(kind, _JSON_TYPES) for kinds, _ in _levels(value) for kind in kinds
    )


def _levels(node: Any) -> Iterator[tuple[set[type], list[Any]]]:
    """Walk through raw JSON, all nodes of the same depth together, with their types.

    A node may be megabytes of lists, which nobody should visit one by one.
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
    raise ValueError(f"A branch is nested deeper than {_MAX_DEPTH} levels; it may contain itself.")


def remember_branch(model: M, raw: Any) -> M:
    """Let a model keep the raw branch, in case no object can be made of it.

    Parameters
    ----------
    model
        What was validated.
    raw
        Raw JSON.

    Returns
    -------
    model
        The same.
    """
    if isinstance(model, ArchiveTree):
        vars(model)[_AS_READ] = raw
    return model


def branch_as_read(model: Any) -> Any:
    """Return the raw branch that a model keeps; `None` if it keeps none.

    Parameters
    ----------
    model
        What was validated.
    """
    return vars(model).get(_AS_READ) if isinstance(model, ArchiveTree) else None


def _find_model(data: dict[str, Any], wanted: type) -> type[ArchiveTree]:
    url = data.get("schema_url")
    schema = parse_schema_url(url)[0] if isinstance(url, str) else registry.guess_schema(data)
    model, pytype = (None, None) if schema is None else registry.types_for_schema(schema)
    if model is None:
        broken = [info for info in registry.plugins() if info.error]
        what = repr(url) if url else f"of a branch with the members {sorted(data)}"
        raise UnknownSchemaError(
            f"No installed package knows the schema {what}."
            + (f" Plugins that were left out: {[(i.name, i.error) for i in broken]}." if broken else "")
        )
    if pytype is not None and not issubclass(pytype, wanted):
        raise CorruptArchiveError(
            f"A branch of schema {schema!r}, a {pytype.__name__}, stands where a {wanted.__name__} belongs."
        )
    return model


def _is_reference(node: Any) -> bool:
    """Tell whether a node is an array or table, or a pointer of any container."""
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
        """What type checkers see: something that makes an object."""

        def deserialize(self, archive: Any) -> T:
            """Make the object.

            Parameters
            ----------
            archive
                Archive that holds its arrays.
            """

else:

    class Polymorphic:
        """Annotation of a field that holds a branch of some public type.

        ``psf: Polymorphic[PointSpreadFunction]`` says for readers which type
        the branch stands for; which model reads it, the branch says.
        """

        def __class_getitem__(cls, pytype: Any) -> Any:
            pytype = object if pytype is Any else pytype
            validate = functools.partial(make_branch, pytype=pytype)
            return Annotated[Any, pydantic.PlainValidator(validate, json_schema_input_type=dict[str, Any])]
