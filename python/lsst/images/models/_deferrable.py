# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Branches of a tree that may be damaged without costing the rest of it.

A branch of a known schema that is not valid is kept as it is in the file, with
the reason.  What is made of it stands in for the object, complains when it is
used, and goes into the next file unchanged if it can.
"""

from __future__ import annotations

__all__ = (
    "Deferrable",
    "DeferrableAlways",
    "deferrable_model",
    "deserialize_branch",
    "make_unreadable",
    "serialize_branch",
    "unless_unreadable",
)

import dataclasses
import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypeVar

import pydantic

from ..errors import (
    ArchiveAccessRequiredError,
    ArchiveReadError,
    CorruptArchiveError,
    ImagesError,
    MissingOptionalDependencyError,
    NotAnArchiveError,
    UnserializableTypeError,
)
from ..serialization import ArchiveTree, InputArchive, OutputArchive, UnreadableTree, parse_schema_url
from ..serialization._polymorphic import branch_as_read, is_json, make_branch, remember_branch
from ..serialization._tree import tree_error

T = TypeVar("T")


def _validate(value: Any, *, model: Any) -> Any:
    if value is None or isinstance(value, UnreadableTree):
        return value
    try:
        if _is_of_another_schema(value, model):
            return _make_other_branch(value, model)
        return remember_branch(_adapter(model).validate_python(value), value)
    except ArchiveReadError as err:
        reason = err
    except pydantic.ValidationError as err:
        reason = tree_error(err, "its root", what="A branch")
        reason.__cause__ = err
    except TypeError as err:
        # Validators of other packages compute before they look.
        reason = CorruptArchiveError(f"A branch is malformed: {err}")
        reason.__cause__ = err
    if not is_json(value):
        raise ValueError(str(reason))
    return UnreadableTree.because(value, reason)


def _is_of_another_schema(value: Any, model: Any) -> bool:
    """Tell whether a raw branch names a schema other than that of its place."""
    url = value.get("schema_url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not isinstance(model, type) or not issubclass(model, ArchiveTree):
        return False
    try:
        return parse_schema_url(url)[0] not in (model.SCHEMA_NAME, *model.OLD_SCHEMA_NAMES)
    except NotAnArchiveError:
        # Nobody but us has to look at it.
        return False


def _make_other_branch(value: dict[str, Any], model: type[ArchiveTree]) -> ArchiveTree | UnreadableTree:
    """Validate a branch of a schema that extends the one of its place."""
    branch = make_branch(value)
    if isinstance(branch, UnreadableTree | model):
        return branch
    raise CorruptArchiveError(
        f"A branch of schema {value['schema_url']!r} stands where one of {model.SCHEMA_NAME!r} belongs."
    )


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


def _dump(value: Any, info: pydantic.SerializationInfo, *, model: Any) -> Any:
    # Models, unreadable branches among them, say themselves how they are
    # written; for values of other types their annotation does.
    if value is None or isinstance(value, pydantic.BaseModel):
        return value
    return _adapter(model).dump_python(value, mode="json" if info.mode_is_json() else "python")


if TYPE_CHECKING:
    Deferrable: TypeAlias = T | UnreadableTree | None
    DeferrableAlways: TypeAlias = T | UnreadableTree | None
else:

    class Deferrable:
        """Annotation of a field that holds a branch, perhaps a damaged one.

        ``detector: Deferrable[DetectorSerializationModel]`` holds a model, an
        `UnreadableTree` for a branch that is not valid, or `None`.
        """

        def __class_getitem__(cls, model: Any) -> Any:
            return _annotate(model, model | None)

    class DeferrableAlways:
        """The same for a branch that every tree should have.

        Its schema does not mention ``null``.
        """

        def __class_getitem__(cls, model: Any) -> Any:
            return _annotate(model, model)


@dataclasses.dataclass(frozen=True)
class _FieldModel:
    """Metadata of a deferrable field: the annotation that it validates."""

    model: Any


def deferrable_model(field: pydantic.fields.FieldInfo) -> Any:
    """Return the annotation that a deferrable field validates.

    Parameters
    ----------
    field
        The field.

    Returns
    -------
    model
        ``X`` for a field of type ``Deferrable[X]``; `None` for other fields.
    """
    return next((item.model for item in field.metadata if isinstance(item, _FieldModel)), None)


def _annotate(model: Any, schema_type: Any) -> Any:
    return Annotated[
        Any,
        _FieldModel(model),
        pydantic.PlainValidator(
            functools.partial(_validate, model=model), json_schema_input_type=schema_type
        ),
        pydantic.PlainSerializer(functools.partial(_dump, model=model)),
    ]


def deserialize_branch(branch: Any, archive: InputArchive, **parameters: Any) -> Any:
    """Make the object of a branch, or what stands for it if that fails.

    Parameters
    ----------
    branch
        A model, a branch that is unreadable already, or `None`.
    archive
        Archive to read from.
    **parameters
        Read parameters.

    Returns
    -------
    value
        The object, an `UnreadableTree`, or `None`.
    """
    return unless_unreadable(branch, type(branch), lambda model: model.deserialize(archive, **parameters))


def unless_unreadable(branch: Any, model: Any, make: Callable[[Any], Any]) -> Any:
    """Make something of a branch, or what stands for it if that fails.

    Parameters
    ----------
    branch
        Value of the branch; it may be unreadable already, or `None`.
    model
        Type or annotation that validated it.
    make
        Called with the value.

    Returns
    -------
    value
        What was made, an `UnreadableTree`, or `None`.
    """
    if branch is None or isinstance(branch, UnreadableTree):
        return branch
    try:
        return make(branch)
    except ArchiveAccessRequiredError:
        raise
    except (ImagesError, TypeError, ValueError) as err:
        # What validates one by one may still make no sense together.
        return make_unreadable(branch, model, _as_reason(err))


def _as_reason(err: Exception) -> ArchiveReadError:
    if isinstance(err, ArchiveReadError):
        return err
    kind = ArchiveReadError if isinstance(err, MissingOptionalDependencyError) else CorruptArchiveError
    reason = kind(f"Nothing can be made of this branch: {err}")
    reason.__cause__ = err
    return reason


def make_unreadable(value: Any, model: Any, reason: ArchiveReadError) -> UnreadableTree:
    """Turn a branch that is valid back, since nothing can be made of it.

    Parameters
    ----------
    value
        Value of the branch.
    model
        Type or annotation that validated it.
    reason
        Why nothing can be made of it.

    Returns
    -------
    branch
        The raw branch with the reason.
    """
    raw = branch_as_read(value)
    return UnreadableTree.because(
        _adapter(model).dump_python(value, mode="json") if raw is None else raw, reason
    )


def serialize_branch(
    name: str,
    value: Any,
    archive: OutputArchive,
    serialize: Callable[[Any, OutputArchive], Any] | None = None,
) -> Any:
    """Write a part of an object, or put back what stands for it.

    Parameters
    ----------
    name
        Path of the part below the current one.
    value
        The part, what stands for it, or `None`.
    archive
        Archive to write to.
    serialize
        Called with the part and the nested archive; by default, the model
        that the type of the part declares does it.

    Returns
    -------
    branch
        The tree of the part, the raw branch it was read from, or `None`.

    Raises
    ------
    UnserializableTypeError
        If only the reason is left of a part that could not be read.
    """
    if value is None or isinstance(value, UnreadableTree):
        return value
    if isinstance(value, ArchiveReadError):
        raise UnserializableTypeError(
            f"The part {name!r} could not be read, and nothing of it was kept, so it cannot be written: "
            f"{value}"
        )
    if serialize is not None:
        return serialize(value, archive.nested(name))
    return archive.serialize_child(name, value)
