# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Fields with deferred errors: the rest of the tree can be read if they are invalid.

The value of an invalid field is an `UnreadableTree`, which holds the raw JSON
and the error.  It is the placeholder of the object: the error is raised when
the object is used, and the raw JSON is written if the tree is written again.
"""

from __future__ import annotations

__all__ = (
    "Deferrable",
    "DeferrableAlways",
    "deferrable_model",
    "deserialize_field",
    "make_placeholder",
    "serialize_field",
    "unless_placeholder",
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
from ..serialization._polymorphic import is_json, keep_raw_subtree, raw_subtree, validate_subtree
from ..serialization._tree import tree_error
from ..utils import short_repr

T = TypeVar("T")


def _validate(value: Any, *, model: Any) -> Any:
    if value is None or isinstance(value, UnreadableTree):
        return value
    try:
        if _is_of_another_schema(value, model):
            return _make_extended(value, model)
        return keep_raw_subtree(_adapter(model).validate_python(value), value)
    except ArchiveReadError as err:
        reason = err
    except pydantic.ValidationError as err:
        reason = tree_error(err, "its root", what="A field")
        reason.__cause__ = err
    except TypeError as err:
        # Validators of other packages compute with values of unchecked types.
        reason = CorruptArchiveError(f"A field is malformed: {err}")
        reason.__cause__ = err
    if not is_json(value):
        raise ValueError(str(reason))
    return UnreadableTree.because(value, reason)


def _is_of_another_schema(value: Any, model: Any) -> bool:
    """Return whether a raw field has another schema than its declaration."""
    url = value.get("schema_url") if isinstance(value, dict) else None
    if not isinstance(url, str) or not isinstance(model, type) or not issubclass(model, ArchiveTree):
        return False
    try:
        return parse_schema_url(url)[0] not in (model.SCHEMA_NAME, *model.OLD_SCHEMA_NAMES)
    except NotAnArchiveError:
        # An invalid URL is not an error here.
        return False


def _make_extended(value: dict[str, Any], model: type[ArchiveTree]) -> ArchiveTree | UnreadableTree:
    """Validate a raw field whose schema extends that of its declaration."""
    field = validate_subtree(value)
    if isinstance(field, UnreadableTree | model):
        return field
    raise CorruptArchiveError(
        f"A field has schema {short_repr(value['schema_url'])}; expected {model.SCHEMA_NAME!r}."
    )


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


def _dump(value: Any, info: pydantic.SerializationInfo, *, model: Any) -> Any:
    # Pydantic serializes models, including placeholders, by their own type,
    # and other values by their annotation.
    if value is None or isinstance(value, pydantic.BaseModel):
        return value
    return _adapter(model).dump_python(value, mode="json" if info.mode_is_json() else "python")


if TYPE_CHECKING:
    Deferrable: TypeAlias = T | UnreadableTree | None
    DeferrableAlways: TypeAlias = T | UnreadableTree | None
else:

    class Deferrable:
        """Annotation of an optional field with deferred errors.

        ``detector: Deferrable[DetectorSerializationModel]`` holds a model, an
        `UnreadableTree` if the field is invalid, or `None`.
        """

        def __class_getitem__(cls, model: Any) -> Any:
            return _annotate(model, model | None)

    class DeferrableAlways:
        """The same for a required field.

        Its schema does not allow ``null``.
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


def deserialize_field(field: Any, archive: InputArchive, **parameters: Any) -> Any:
    """Read the object of a field; return a placeholder if that fails.

    Parameters
    ----------
    field
        A model, a placeholder, or `None`.
    archive
        Archive to read from.
    **parameters
        Read parameters.

    Returns
    -------
    value
        The object, a placeholder, or `None`.
    """
    return unless_placeholder(field, type(field), lambda model: model.deserialize(archive, **parameters))


def unless_placeholder(field: Any, model: Any, make: Callable[[Any], Any]) -> Any:
    """Call a function with the value of a field; return a placeholder if that fails.

    Parameters
    ----------
    field
        Value of the field, a placeholder, or `None`.
    model
        Type or annotation that validated the value.
    make
        Called with the value, unless it is a placeholder or `None`.

    Returns
    -------
    value
        The result of the function, a placeholder, or `None`.
    """
    if field is None or isinstance(field, UnreadableTree):
        return field
    try:
        return make(field)
    except ArchiveAccessRequiredError:
        raise
    except (ImagesError, TypeError, ValueError) as err:
        # Fields may be valid one by one, but inconsistent.
        return make_placeholder(field, model, _as_reason(err))


def _as_reason(err: Exception) -> ArchiveReadError:
    if isinstance(err, ArchiveReadError):
        return err
    kind = ArchiveReadError if isinstance(err, MissingOptionalDependencyError) else CorruptArchiveError
    reason = kind(f"The object cannot be constructed: {err}")
    reason.__cause__ = err
    return reason


def make_placeholder(value: Any, model: Any, reason: ArchiveReadError) -> UnreadableTree:
    """Make the placeholder of a valid field whose object cannot be constructed.

    Parameters
    ----------
    value
        Value of the field.
    model
        Type or annotation that validated it.
    reason
        Why the object cannot be constructed.

    Returns
    -------
    placeholder
        The raw field with the reason.
    """
    raw = raw_subtree(value)
    return UnreadableTree.because(
        _adapter(model).dump_python(value, mode="json") if raw is None else raw, reason
    )


def serialize_field(
    name: str,
    value: Any,
    archive: OutputArchive,
    serialize: Callable[[Any, OutputArchive], Any] | None = None,
) -> Any:
    """Write a component, or the raw field of its placeholder.

    Parameters
    ----------
    name
        Path of the component below the current one.
    value
        The component, a placeholder, or `None`.
    archive
        Archive to write to.
    serialize
        Called with the component and the nested archive; by default, the
        model that is registered for the type of the component.

    Returns
    -------
    field
        The tree of the component, the placeholder, or `None`.

    Raises
    ------
    UnserializableTypeError
        If the placeholder is an error without the raw field.
    """
    if value is None or isinstance(value, UnreadableTree):
        return value
    if isinstance(value, ArchiveReadError):
        raise UnserializableTypeError(
            f"Component {short_repr(name)} cannot be written, because it could not be read from the original "
            "file: "
            f"{value}"
        )
    if serialize is not None:
        return serialize(value, archive.nested(name))
    return archive.serialize_child(name, value)
