# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What decoders of archived `lsst.afw` classes return, and how it becomes an object of this package.

A built-in decoder returns a record, which a function of ``_convert_*.py``
converts.  A decoder of a plugin may return a finished object, or a
`LegacyConvertible` if the object depends on the image it belongs to.
"""

from __future__ import annotations

__all__ = ("LegacyContext", "LegacyConvertible", "class_name_of", "finish", "unknown_class")

import dataclasses
from typing import Any, Protocol, TypeVar, runtime_checkable

from .._geom import Bounds
from .._transforms import Frame
from ..errors import ArchiveReadError
from .afw_archive import LegacyOpaque

_T = TypeVar("_T")
_T_co = TypeVar("_T_co", covariant=True)


@dataclasses.dataclass(frozen=True)
class LegacyContext:
    """Facts from the file about the image that an archived object belongs to.

    Parameters
    ----------
    bounds
        Pixels where the object has to be defined: for an exposure, the
        bounding box of the image and of its detector.  `None` if the file
        holds only the object.
    frame
        Frame of the pixels; `None` if it is not known.
    instrument
        Name of the instrument; `None` if it is not known.
    visit
        Number of the visit; `None` if it is not known.
    """

    bounds: Bounds | None = None
    frame: Frame | None = None
    instrument: str | None = None
    visit: int | None = None


@runtime_checkable
class LegacyConvertible(Protocol[_T_co]):
    """An archived object that is converted once its image is known."""

    def convert_from_archive(self, context: LegacyContext) -> _T_co:
        """Return the object of this package.

        Parameters
        ----------
        context
            The image that the object belongs to.
        """
        ...


def finish(record: Any, pytype: type[_T], what: str, context: LegacyContext) -> _T | None:
    """Return the object of this package that a decoder made, if it made one.

    Parameters
    ----------
    record
        What the decoder returned.
    pytype
        Type of the object.
    what
        Name of the object in error messages, with an article: ``"the PSF"``.
    context
        The image that the object belongs to.

    Returns
    -------
    obj
        `None` if the decoder returned a record, which the caller converts.

    Raises
    ------
    ArchiveReadError
        If the decoder returned a `LegacyConvertible` that makes an object of
        another type.
    """
    if isinstance(record, pytype):
        return record
    if not isinstance(record, LegacyConvertible):
        return None
    made = record.convert_from_archive(context)
    if not isinstance(made, pytype):
        raise ArchiveReadError(
            f"{type(record).__name__}.convert_from_archive returned a {type(made).__name__} for {what}; "
            f"expected a {pytype.__name__}."
        )
    return made


def unknown_class(record: Any, pytype: type, what: str) -> ArchiveReadError:
    """Make the error for an archived object that cannot be converted.

    Parameters
    ----------
    record
        What the decoder returned, or a `LegacyOpaque` without a decoder.
    pytype
        Type of the object that was expected.
    what
        Name of the object, with an article: ``"the PSF"``.
    """
    if isinstance(record, LegacyOpaque):
        return ArchiveReadError(
            f"Cannot convert {what}: it is archived as a {class_name_of(record)}, a class for which no "
            "decoder is registered. Install the plugin that implements the hook register_legacy_decoders "
            "for it."
        )
    return ArchiveReadError(
        f"Cannot convert {what}: the archive holds a {class_name_of(record)}, which is not converted to a "
        f"{pytype.__name__}."
    )


def class_name_of(record: Any) -> str:
    """Return the name of the archived class, or else the type of a decoded object.

    Parameters
    ----------
    record
        What a decoder returned, or a `LegacyOpaque`.
    """
    if isinstance(record, LegacyOpaque):
        return f"{record.entry.module}.{record.entry.class_name}".lstrip(".")
    return type(record).__name__
