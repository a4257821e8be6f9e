# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Base class with the read and write methods of serializable types."""

from __future__ import annotations

__all__ = ("Serializable",)

from typing import Any, Self

from lsst.resources import ResourcePathExpression

from .._geom import Box
from ..describe import Described
from ..plugins import registry
from ..serialization import ArchiveTree, InputArchive, OutputArchive
from ._butler_attributes import ButlerAttributes
from ._reader import read
from ._write import write


class Serializable(ButlerAttributes, Described):
    """Base class of types that can be read from and written to files.

    The stored form of a type is defined by its serialization model, which a
    plugin registers with `~lsst.images.plugins.DatasetSpec`.
    """

    def serialize(self, archive: OutputArchive, **options: Any) -> Any:
        """Serialize into an archive.

        Parameters
        ----------
        archive
            Archive to write to.
        **options
            Keyword arguments of the ``serialize`` method of the model.

        Returns
        -------
        tree
            The serialization model, which refers to arrays in the archive.
        """
        model: Any = registry.model_for_type(type(self))
        return model.serialize(self, archive, **options)

    serialize.calls_model = True  # type: ignore[attr-defined]  # for models of types with a method of their own

    @staticmethod
    def deserialize(model: ArchiveTree, archive: InputArchive, *, bbox: Box | None = None) -> Any:
        """Make an object from a serialization model.

        Parameters
        ----------
        model
            Result of `serialize`, or an equal model.
        archive
            Archive to read from.
        bbox
            Box to read, in absolute pixel coordinates; `None` reads the whole
            object.
        """
        parameters = {} if bbox is None else {"bbox": bbox}
        return model.deserialize(archive, **parameters)

    @classmethod
    def read(cls, path: ResourcePathExpression, **parameters: Any) -> Self:
        """Read from a file of any container.

        Parameters
        ----------
        path
            URI, path, or seekable binary stream.
        **parameters
            Read parameters, for instance ``bbox``.

        Raises
        ------
        ArchiveReadError
            If the file does not hold an object of this type, or is damaged.
        """
        return read(path, cls, **parameters)

    def write(self, path: ResourcePathExpression, **options: Any) -> ArchiveTree:
        """Write to a new file, in the container that its extension selects.

        Parameters
        ----------
        path
            Location of the file.
        **options
            As for `lsst.images.io.write`.

        Raises
        ------
        FileExistsError
            If the file exists and is not empty.
        """
        return write(self, path, **options)

    @classmethod
    def read_fits(cls, url: ResourcePathExpression, *, bbox: Box | None = None) -> Self:
        """Read from a FITS file.

        Parameters
        ----------
        url
            URL of the file; any type that `lsst.resources.ResourcePath`
            accepts.
        bbox
            Box to read, in absolute pixel coordinates; `None` reads the whole
            object.

        Raises
        ------
        ArchiveReadError
            If the file does not hold an object of this type, or is damaged.
        """
        return read(url, cls, format="fits", bbox=bbox)

    @classmethod
    def read_legacy(cls, uri: ResourcePathExpression) -> Self:
        """Read from a file that `lsst.afw` wrote, without `lsst.afw`.

        Parameters
        ----------
        uri
            URI, path, or seekable binary stream.

        Raises
        ------
        LegacyConversionError
            If no plugin reads legacy files as this type.
        ArchiveReadError
            If the file does not contain this type, or is damaged.
        """
        return registry.read_legacy(uri, cls)

    def write_fits(self, filename: ResourcePathExpression, **options: Any) -> None:
        """Write to a new FITS file.

        Parameters
        ----------
        filename
            Location of the file.
        **options
            As for `lsst.images.io.write`.

        Raises
        ------
        FileExistsError
            If the file exists and is not empty.
        """
        write(self, filename, format="fits", **options)
