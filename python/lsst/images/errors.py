# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""All exception and warning classes of the package.

Every exception inherits from `ImagesError` and from the built-in exception
that fits it, so that code that only handles built-in exceptions works too.
"""

from __future__ import annotations

__all__ = (
    "ArchiveAccessRequiredError",
    "ArchiveError",
    "ArchiveReadError",
    "ArchiveSyntaxError",
    "ArchiveWriteError",
    "BoundsError",
    "BoxIndexError",
    "ChecksumWarning",
    "CorruptArchiveError",
    "DataIdMismatchError",
    "DevelopmentSchemaWarning",
    "DuplicateRegistrationError",
    "FrameLookupError",
    "FrozenSchemaError",
    "GeometryError",
    "ImagesError",
    "ImagesWarning",
    "InvalidArgumentError",
    "InvalidComponentError",
    "InvalidFitsArchiveError",
    "InvalidMappingError",
    "InvalidParameterError",
    "LegacyConversionError",
    "LegacyValueError",
    "LossyConversionWarning",
    "MissingComponentError",
    "MissingOptionalDependencyError",
    "MissingOriginError",
    "NoOverlapError",
    "NotAnArchiveError",
    "NotContainedError",
    "PluginError",
    "PluginLoadError",
    "PluginWarning",
    "SchemaVersionError",
    "TransformCompositionError",
    "TransientReadError",
    "UnitConversionError",
    "UnitMismatchError",
    "UnknownSchemaError",
    "UnmappedMaskPlaneError",
    "UnserializableTypeError",
    "UnsupportedConversionError",
    "UnsupportedFieldError",
    "UnsupportedFormatError",
    "UnsupportedTableError",
)

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import astropy.units as u


MAX_MESSAGE_LENGTH = 4000
"""Maximum number of characters of an error message; a longer one is cut."""


class ImagesError(Exception):
    """Base class of all exceptions raised by `lsst.images`."""

    def __init__(self, *args: object, **kwargs: Any) -> None:
        # A message may contain text of unlimited length: that of an error of
        # another package, or the names in a damaged file.
        super().__init__(*(_cut(arg) if isinstance(arg, str) else arg for arg in args), **kwargs)


class InvalidArgumentError(ImagesError, TypeError, ValueError):
    """An argument has an unsupported type or an invalid value.

    One class derives from both `TypeError` and `ValueError`, because whether
    an argument such as ``options={"no_such_key": 1}`` has a wrong type or a
    wrong value is a matter of taste; callers may catch either.
    """


class UnsupportedConversionError(ImagesError, TypeError):
    """No plugin converts an object of this type to the requested form."""


# Geometry and values.


class GeometryError(ImagesError, ValueError):
    """A geometric argument is invalid: a wrong shape or an empty box, for example."""


class BoundsError(GeometryError):
    """A position lies outside the bounds on which an object is defined."""


class BoxIndexError(GeometryError, IndexError):
    """A box or slice is not contained in the box that it indexes."""


class NoOverlapError(GeometryError):
    """An intersection is empty."""


class NotContainedError(GeometryError, RuntimeError):
    """A region is not contained in the region that must contain it."""


class TransformCompositionError(ImagesError, RuntimeError):
    """Two transforms cannot be composed, because the frames between them differ."""


class FrameLookupError(ImagesError, LookupError):
    """A frame set does not contain the requested frame."""


class UnitMismatchError(ImagesError, ValueError):
    """Units are not convertible to each other, or contradict each other."""


if TYPE_CHECKING:

    class UnitConversionError(UnitMismatchError, u.UnitConversionError):  # type: ignore[misc]  # untyped base
        """Values cannot be converted from one unit to another.

        It is also an `astropy.units.UnitConversionError`.
        """


# Legacy objects and optional packages.


class LegacyConversionError(ImagesError, TypeError):
    """An object cannot be converted to or from its `lsst.afw` counterpart."""


class LegacyValueError(LegacyConversionError, ValueError):
    """An object of a convertible type has a value that cannot be converted."""


class DataIdMismatchError(LegacyValueError):
    """An identifier given by the caller contradicts the one stored in the legacy file or object."""


class UnmappedMaskPlaneError(LegacyConversionError, RuntimeError):
    """A legacy mask plane that has pixels set is missing from the plane map."""


class UnsupportedFieldError(LegacyConversionError, NotImplementedError):
    """A field type has no counterpart in the package it is converted to."""


class MissingOptionalDependencyError(ImagesError, ImportError):
    """An optional third-party package is not installed; the message names it."""


# Files.


class ArchiveError(ImagesError):
    """Base class of the exceptions about files and their content."""


class ArchiveReadError(ArchiveError, RuntimeError):
    """A file, or a part of it, cannot be read."""


class TransientReadError(ArchiveReadError):
    """A request to a server failed in a way that a retry may resolve."""

    retry_after: float = 0.0
    """Seconds that the server asks the client to wait before the next request."""


class NotAnArchiveError(ArchiveReadError):
    """A file is not in a supported format, or not in the expected one."""


class ArchiveSyntaxError(NotAnArchiveError, ValueError):
    """JSON text or a schema URL is malformed."""


class MissingOriginError(NotAnArchiveError, ValueError):
    """A FITS header does not record the pixel coordinates of its first pixel."""


class CorruptArchiveError(ArchiveReadError):
    """A file is inconsistent: truncated, with wrong offsets, or with a bad checksum."""


class InvalidFitsArchiveError(CorruptArchiveError):
    """The layout of a FITS file contradicts its headers or its JSON tree."""


class InvalidMappingError(GeometryError, CorruptArchiveError):
    """The AST text of a mapping, which usually comes from a file, is invalid."""


class UnknownSchemaError(ArchiveReadError):
    """No installed package declares the schema of a tree."""


class SchemaVersionError(ArchiveReadError, ValueError):
    """A tree requires a newer version of its reader, or its version is malformed."""


class InvalidComponentError(ArchiveReadError, LookupError):
    """A dataset does not have a component of the requested name."""

    def __str__(self) -> str:
        # A subclass that also derives from KeyError would show the message in quotes.
        return str(self.args[0]) if self.args else ""


class MissingComponentError(InvalidComponentError, AttributeError):
    """An optional component that an object does not have was requested as an attribute."""


class InvalidParameterError(InvalidArgumentError, ArchiveReadError):
    """A read parameter is unknown, or has an invalid value."""


class ArchiveAccessRequiredError(ArchiveError, RuntimeError):
    """Array data was requested from an archive that is detached from its file."""


class ArchiveWriteError(ArchiveError, RuntimeError):
    """A file cannot be written; an incomplete file is removed."""


class UnserializableTypeError(ArchiveWriteError, TypeError):
    """No installed package declares how to write an object of this type."""


class UnsupportedTableError(ArchiveError, NotImplementedError):
    """A table has columns of a type that archives cannot store."""


class UnsupportedFormatError(ArchiveError, ValueError):
    """No container supports this file name extension, format name or stream."""


class FrozenSchemaError(ArchiveError, RuntimeError):
    """A finalized JSON Schema document would change."""


# Plugins.


class PluginError(ImagesError, RuntimeError):
    """A plugin violates the contract of a hook."""


class DuplicateRegistrationError(PluginError):
    """Two plugins declare the same name, and neither declares ``replaces``."""


class PluginLoadError(PluginError):
    """A plugin cannot be imported, or implements a hook that does not exist."""


# Warnings.


class ImagesWarning(UserWarning):
    """Base class of all warnings issued by `lsst.images`."""


class ChecksumWarning(ImagesWarning):
    """A part of a file disagrees with its checksum; values that were read from it may be wrong."""


class PluginWarning(ImagesWarning):
    """A plugin is skipped because it cannot be loaded."""


class DevelopmentSchemaWarning(ImagesWarning):
    """A file was written with a schema that may still change."""


class LossyConversionWarning(ImagesWarning):
    """A conversion discards a part of its input."""


def _cut(message: str) -> str:
    if len(message) <= MAX_MESSAGE_LENGTH:
        return message
    return f"{message[: MAX_MESSAGE_LENGTH - 40]}... ({len(message)} characters)"


def __getattr__(name: str) -> Any:
    # UnitConversionError is created at first use: its base class is the only
    # thing here that needs astropy, and `lsst.images.errors` is imported by
    # scripts that need no units.
    if name != "UnitConversionError":
        raise AttributeError(f"Module {__name__!r} has no attribute {name!r}.")
    import astropy.units as u

    error = type(
        name,
        (UnitMismatchError, u.UnitConversionError),
        {
            "__doc__": "Values cannot be converted from one unit to another.\n\n"
            "It is also an `astropy.units.UnitConversionError`.",
            "__module__": __name__,
        },
    )
    return globals().setdefault(name, error)
