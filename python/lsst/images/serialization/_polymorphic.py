# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Branches of a tree whose schema the branch itself names.

There is no union to edit: who adds a PSF or a field declares its schema, and
every tree with a place for one can hold it.  A branch that nobody installed
understands, or that is damaged, is kept as it is and complains when used.
"""

from __future__ import annotations

__all__ = ("Polymorphic", "UnreadableTree", "branch_as_read", "make_branch", "remember_branch")

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
        return _has_reference(self.root)

    def deserialize(self, archive: InputArchive) -> NoReturn:
        """Raise the reason.

        Parameters
        ----------
        archive
            Not used.
        """
        raise self._reason


def make_branch(data: Any) -> Any:
    """Validate a branch as the model that its own schema names.

    Parameters
    ----------
    data
        Raw JSON, or a model.

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
        return remember_branch(_find_model(data).model_validate(data), data)
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
    """
    if isinstance(value, dict):
        return all(item is None or is_json(item) for item in value.values())
    if isinstance(value, list):
        return all(item is None or is_json(item) for item in value)
    return isinstance(value, str | int | float)


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


def _find_model(data: dict[str, Any]) -> type[ArchiveTree]:
    url = data.get("schema_url")
    schema = parse_schema_url(url)[0] if isinstance(url, str) else registry.guess_schema(data)
    model = registry.model_for_schema(schema) if schema is not None else None
    if model is None:
        broken = [info for info in registry.plugins() if info.error]
        what = repr(url) if url else f"of a branch with the members {sorted(data)}"
        raise UnknownSchemaError(
            f"No installed package knows the schema {what}."
            + (f" Plugins that were left out: {[(i.name, i.error) for i in broken]}." if broken else "")
        )
    return model


def _has_reference(node: Any) -> bool:
    if isinstance(node, dict):
        # An array or table, or a pointer of the one container or the other.
        path = node.get("path")
        own = (
            "$ref" in node
            or isinstance(node.get("source"), str)
            or (isinstance(path, str) and path.endswith("/JSON"))
        )
        return own or any(map(_has_reference, node.values()))
    return isinstance(node, list) and any(map(_has_reference, node))


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
            return Annotated[Any, pydantic.PlainValidator(make_branch, json_schema_input_type=dict[str, Any])]
