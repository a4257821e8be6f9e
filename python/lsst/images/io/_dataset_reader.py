# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The interface that all readers of stored datasets share."""

from __future__ import annotations

__all__ = ("DatasetReader",)

import abc
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, runtime_checkable

from .._geom import Box
from ..serialization import UnreadableTree

T_co = TypeVar("T_co", covariant=True)


@runtime_checkable
class DatasetReader(Protocol[T_co]):
    """A stored dataset, opened for reading as a whole or by component.

    `Reader` implements it for files of this package, and
    `lsst.images.legacy.LegacyReader` for files of `lsst.afw`.

    Notes
    -----
    Classes that inherit from this one need to implement `component_names`,
    `read` and `get_component` only.
    """

    @property
    def uri(self) -> Any:
        """Location of the dataset, or `None` if it is not known."""
        return None

    @property
    def butler_info(self) -> Mapping[str, Any] | UnreadableTree | None:
        """Butler dataset and provenance stored in the file, as raw JSON.

        It is `None` if the file has none, and an
        `~lsst.images.serialization.UnreadableTree` if they are damaged.
        """
        return None

    @property
    @abc.abstractmethod
    def component_names(self) -> Sequence[str]:
        """Names of the components that `get_component` reads."""

    @abc.abstractmethod
    def read(self, **parameters: Any) -> T_co:
        """Read the whole object.

        Parameters
        ----------
        **parameters
            Read parameters of its type, for instance ``bbox``.

        Returns
        -------
        obj
            The object.

        Raises
        ------
        InvalidParameterError
            If the type does not have one of the parameters.
        ArchiveReadError
            If the file is damaged.
        """

    @abc.abstractmethod
    def get_component(self, name: str, **parameters: Any) -> Any:
        """Read one component, and only the parts of the file that it needs.

        Parameters
        ----------
        name
            Name of the component.
        **parameters
            Read parameters of the component, for instance ``bbox``.

        Returns
        -------
        component
            The component, or `None` if the file does not have it.

        Raises
        ------
        InvalidComponentError
            If the type has no component of this name.
        InvalidParameterError
            If the component does not have one of the parameters.
        ArchiveReadError
            If the file is damaged.
        """

    def read_ahead(self, boxes: Sequence[Box], components: Sequence[str | None] = (None,)) -> None:
        """Decode the pixels of several boxes together, for the reads that follow.

        Each box should be read once afterwards, as the same components; a
        tile that several boxes share is decoded once.  Boxes that do not fit
        into the image are ignored.  Readers that cannot do this do nothing.

        Parameters
        ----------
        boxes
            The boxes, in absolute pixel coordinates.
        components
            Names of the components that will be read; `None` stands for the
            whole object.

        Raises
        ------
        ArchiveReadError
            If a tile that one of the boxes needs is damaged.
        """
        return None
