# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Branches of a tree that may be damaged without costing the rest of it.

A branch of a known schema that is not valid is kept as it is in the file, with
the reason.  What is made of it stands in for the object, complains when it is
used, and goes into the next file unchanged if it can.
"""

from __future__ import annotations

__all__ = ("Deferrable", "deserialize_branch", "make_unreadable", "serialize_branch")

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
    UnserializableTypeError,
)
from ..serialization import InputArchive, OutputArchive, UnreadableTree

T = TypeVar("T")


def _validate(value: Any, *, model: Any) -> Any:
    if value is None or isinstance(value, UnreadableTree):
        return value
    try:
        return _adapter(model).validate_python(value)
    except ArchiveReadError as err:
        reason = err
    except pydantic.ValidationError as err:
        first = err.errors(include_url=False)[0]
        own = first.get("ctx", {}).get("error")
        where = "/".join(map(str, first["loc"])) or "its root"
        kind = type(own) if isinstance(own, ArchiveReadError) else CorruptArchiveError
        reason = kind(f"A branch is malformed at {where}: {first['msg']}; found {first['input']!r:.100}.")
        reason.__cause__ = err
    except TypeError as err:
        # Validators of other packages compute before they look.
        reason = CorruptArchiveError(f"A branch is malformed: {err}")
        reason.__cause__ = err
    if not isinstance(value, dict):
        raise ValueError(str(reason))
    return UnreadableTree.because(value, reason)


_adapter: Callable[[Any], pydantic.TypeAdapter[Any]] = functools.cache(pydantic.TypeAdapter)


def _dump(value: Any, info: pydantic.SerializationInfo, *, model: Any) -> Any:
    # Models, unreadable branches among them, say themselves how they are
    # written; for values of other types their annotation does.
    if value is None or isinstance(value, pydantic.BaseModel):
        return value
    return _adapter(model).dump_python(value, mode="json" if info.mode_is_json() else "python")


if TYPE_CHECKING:
    Deferrable: TypeAlias = T | UnreadableTree | None
else:

    class Deferrable:
        """Annotation of a field that holds a branch, perhaps a damaged one.

        ``detector: Deferrable[DetectorSerializationModel]`` holds a model, an
        `UnreadableTree` for a branch that is not valid, or `None`.
        """

        def __class_getitem__(cls, model: Any) -> Any:
            return Annotated[
                Any,
                pydantic.PlainValidator(
                    functools.partial(_validate, model=model), json_schema_input_type=model | None
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
    if branch is None or isinstance(branch, UnreadableTree):
        return branch
    try:
        return branch.deserialize(archive, **parameters)
    except ArchiveAccessRequiredError:
        raise
    except (ImagesError, TypeError, ValueError) as err:
        # What validates one by one may still make no sense together.
        return make_unreadable(branch, type(branch), _as_reason(err))


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
    return UnreadableTree.because(_adapter(model).dump_python(value, mode="json"), reason)


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
