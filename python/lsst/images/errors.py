# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Every error and warning of the package.

Each inherits from the family (`ImagesError`) and from the Python error that a
caller who does not know the family would catch.
"""

from __future__ import annotations

__all__ = (
    "ArchiveAccessRequiredError",
    "ArchiveError",
    "ArchiveReadError",
    "ArchiveWriteError",
    "BoundsError",
    "BoxIndexError",
    "CorruptArchiveError",
    "DevelopmentSchemaWarning",
    "DuplicateRegistrationError",
    "FrameLookupError",
    "FrozenSchemaError",
    "GeometryError",
    "ImagesError",
    "ImagesWarning",
    "InvalidComponentError",
    "InvalidFitsArchiveError",
    "InvalidParameterError",
    "LegacyConversionError",
    "LossyConversionWarning",
    "MissingOptionalDependencyError",
    "NoOverlapError",
    "NotAnArchiveError",
    "NotContainedError",
    "PluginError",
    "PluginLoadError",
    "PluginWarning",
    "SchemaVersionError",
    "TransformCompositionError",
    "UnitMismatchError",
    "UnknownSchemaError",
    "UnserializableTypeError",
    "UnsupportedFormatError",
    "UnsupportedTableError",
)


class ImagesError(Exception):
    """Root of every error raised by `lsst.images`."""


# Geometry and values.


class GeometryError(ImagesError, ValueError):
    """A geometric argument makes no sense: a wrong shape, an empty box."""


class BoundsError(GeometryError):
    """A position lies outside the bounds on which something is defined."""


class BoxIndexError(GeometryError, IndexError):
    """A box or slice does not fit into the box it is applied to."""


class NoOverlapError(GeometryError):
    """An intersection is empty."""


class NotContainedError(GeometryError, RuntimeError):
    """A region that had to lie inside another one does not."""


class TransformCompositionError(ImagesError, RuntimeError):
    """Two transforms cannot be chained: the frames in the middle differ."""


class FrameLookupError(ImagesError, LookupError):
    """A frame set does not know a frame."""


class UnitMismatchError(ImagesError, ValueError):
    """Units do not convert, or contradict each other."""


class LegacyConversionError(ImagesError, TypeError):
    """An object cannot be converted from or to its `lsst.afw` form."""


class MissingOptionalDependencyError(ImagesError, ImportError):
    """An optional third-party package is needed; the message names it."""


# Files.


class ArchiveError(ImagesError):
    """Something is wrong with a file, or with what was asked of it."""


class ArchiveReadError(ArchiveError, RuntimeError):
    """A file, or a part of it, cannot be read."""


class NotAnArchiveError(ArchiveReadError):
    """A file is in no format, or not in the format, that was expected."""


class CorruptArchiveError(ArchiveReadError):
    """A file contradicts itself: truncated, wrong offsets, bad checksum."""


class InvalidFitsArchiveError(CorruptArchiveError):
    """A FITS file breaks the layout that its own headers or tree promise."""


class UnknownSchemaError(ArchiveReadError):
    """No installed package knows the schema of a tree."""


class SchemaVersionError(ArchiveReadError, ValueError):
    """A tree was written for a newer reader, or its version is malformed."""


class InvalidComponentError(ArchiveReadError, LookupError):
    """A dataset has no component of the requested name."""

    def __str__(self) -> str:
        # LookupError's subclasses may quote their text; we never want that.
        return str(self.args[0]) if self.args else ""


class InvalidParameterError(ArchiveReadError, TypeError):
    """A read parameter is not known, or has an unusable value."""


class ArchiveAccessRequiredError(ArchiveError, RuntimeError):
    """Array data was asked of an archive that is detached from its file."""


class ArchiveWriteError(ArchiveError, RuntimeError):
    """A file cannot be written; nothing was left behind."""


class UnserializableTypeError(ArchiveWriteError, TypeError):
    """No installed package knows how to write an object of this type."""


class UnsupportedTableError(ArchiveError, NotImplementedError):
    """A table has columns that the archives cannot hold."""


class UnsupportedFormatError(ArchiveError, ValueError):
    """A file name, format name or stream belongs to no known container."""


class FrozenSchemaError(ArchiveError, RuntimeError):
    """A finalized JSON Schema document would change."""


# Plugins.


class PluginError(ImagesError, RuntimeError):
    """A plugin breaks the rules of the plugin layer."""


class DuplicateRegistrationError(PluginError):
    """Two plugins claim the same name, and neither says it replaces it."""


class PluginLoadError(PluginError):
    """A plugin cannot be imported or refuses its own hooks."""


# Warnings.


class ImagesWarning(UserWarning):
    """Root of every warning issued by `lsst.images`."""


class PluginWarning(ImagesWarning):
    """A plugin was left out because it is broken."""


class DevelopmentSchemaWarning(ImagesWarning):
    """A file was written with a schema that may still change."""


class LossyConversionWarning(ImagesWarning):
    """A conversion could not keep everything."""
