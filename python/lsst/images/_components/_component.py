# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Declarations of the components of an image.

A component is what belongs to an image besides its planes: a PSF, a detector.
It is declared once, as an attribute of the class of the image:

.. code-block:: python

    class VisitImage(AnnotatedImage):
        psf = Component[PointSpreadFunction | None](
            "The point spread function.", storage_class="PointSpreadFunction", required=True
        )

The keyword of the constructor, the attribute, the rules for subimages and
copies, the component of the serialization model, the component of the Butler
storage class and the part of the report follow from the declaration.  The
serialization model declares a field of the same name, because the field
defines the schema; files of `lsst.afw` are decoded by a table that is keyed by
the declaration.
"""

from __future__ import annotations

__all__ = ("Component", "SettableComponent", "component_storage_classes", "components_of")

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Generic, Literal, Never, Self, TypeVar, cast, overload

from .._geom import Box
from ..errors import MissingComponentError
from ..serialization import attach, attachments_of
from ..serialization._deferred import Deferred, available, is_deferred

T = TypeVar("T")


class Component(Generic[T]):
    """Declare a component of an image; a read-only attribute of its type.

    Parameters
    ----------
    doc
        Docstring of the attribute.
    storage_class
        Name of the Butler storage class of the component; `None` if it is not
        a component of the image's storage class.
    required
        Whether every image should have it.  What that means is up to the
        constructor of the class.
    default
        Makes the value of an image that is constructed without one; by
        default, that value is `None`.
    missing
        Message of the `AttributeError` that is raised instead of returning
        `None`.
    check
        Called with every value that is set or read; raises `TypeError` or
        `ValueError` for an invalid one.
    prepare
        Called by the constructor with the image and the value, which is
        `None` if it is missing; returns the value to store.
    access
        Called with the stored value by the attribute; returns its value.
    subset
        Called with the value and a box; returns the value of a subimage.  By
        default, subimages share it.
    copied
        Whether copies of the image copy the value, too, always or only on
        request.  By default, copies share it, since it is immutable.
    copy
        Called with the value; returns its copy.  By default, ``value.copy()``.
    report_row
        Formats the value for a row of the report about the image.
    report_section
        Whether the report about the image contains the report about the value.

    Notes
    -----
    An image may hold an `ArchiveReadError`, or an
    `~lsst.images.serialization.UnreadableTree`, in place of a component that
    cannot be read.  The attribute raises the error.
    """

    name: str
    """Name of the attribute and of the component."""

    def __init__(
        self,
        doc: str,
        *,
        storage_class: str | None = None,
        required: bool = False,
        default: Callable[[], T] | None = None,
        missing: str | None = None,
        check: Callable[[Any], None] | None = None,
        prepare: Callable[[Any, Any], T] | None = None,
        access: Callable[[T], T] | None = None,
        subset: Callable[[T, Box], T] | None = None,
        copied: Literal["never", "always", "on request"] = "never",
        copy: Callable[[T], T] | None = None,
        report_row: Callable[[T], str] | None = None,
        report_section: bool = False,
    ) -> None:
        self.__doc__ = doc
        self.storage_class = storage_class
        self.required = required
        self.default = default
        self.check = check
        self.copied = copied
        self.report_row = report_row
        self.report_section = report_section
        self._missing = missing
        self._prepare = prepare
        self._access = access
        self._subset = subset
        self._copy = copy

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self._attribute = f"_{name}"

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...

    @overload
    def __get__(self, obj: object, owner: type) -> T: ...

    def __get__(self, obj: object | None, owner: type) -> Self | T:
        if obj is None:
            return self
        value = available(self.stored(obj))
        if value is None and self._missing is not None:
            raise MissingComponentError(self._missing)
        return value if self._access is None or value is None else self._access(value)

    def __set__(self, obj: Any, value: Never) -> None:
        raise AttributeError(f"Component {self.name!r} of {type(obj).__name__} cannot be set.")

    def __delete__(self, obj: Any) -> None:
        raise AttributeError(f"Component {self.name!r} of {type(obj).__name__} cannot be deleted.")

    def __repr__(self) -> str:
        return f"<component {getattr(self, 'name', '?')!r}>"

    def stored(self, obj: Any) -> T | Deferred:
        """Return the value that an image holds.

        Parameters
        ----------
        obj
            The image.

        Returns
        -------
        value
            The value, or the placeholder of one that cannot be read.
        """
        return cast(T, getattr(obj, self._attribute))

    def store(self, obj: Any, value: Any) -> None:
        """Set the value of an image.

        Parameters
        ----------
        obj
            The image.
        value
            The value, the placeholder of one that cannot be read, or `None`.

        Raises
        ------
        TypeError, ValueError
            If the value is invalid.
        """
        if not is_deferred(value):
            if self.check is not None and value is not None:
                self.check(value)
            if self._prepare is not None:
                value = self._prepare(obj, value)
            if value is None:
                value = self.value_if_missing()
        setattr(obj, self._attribute, value)

    def value_if_missing(self) -> T:
        """Make the value of an image that is constructed without one."""
        return cast(T, None) if self.default is None else self.default()

    def subset_of(self, obj: Any, bbox: Box) -> T | Deferred:
        """Return the value of a subimage.

        Parameters
        ----------
        obj
            The image.
        bbox
            Box of the subimage.
        """
        value = self.stored(obj)
        return (
            value
            if self._subset is None or value is None or is_deferred(value)
            else self._subset(value, bbox)
        )

    def copy_of(self, obj: Any, *, requested: bool = False) -> T | Deferred:
        """Return the value of a copy of an image.

        Parameters
        ----------
        obj
            The image.
        requested
            Whether to copy values that are copied on request only, too.
        """
        value = self.stored(obj)
        if value is None or is_deferred(value) or not (self.copied == "always" or requested):
            return value
        if self.copied == "never":
            return value
        return cast(T, cast(Any, value).copy()) if self._copy is None else self._copy(value)


class SettableComponent(Component[T]):
    """Declare a component that can be replaced and, if it may be missing, deleted.

    The parameters are those of `Component`.
    """

    def __set__(self, obj: Any, value: T) -> None:
        self.store(obj, value)
        self._discard_unknown_members(obj)

    def __delete__(self, obj: Any) -> None:
        if self._missing is None:
            super().__delete__(obj)
        setattr(obj, self._attribute, None)
        self._discard_unknown_members(obj)

    def _discard_unknown_members(self, obj: Any) -> None:
        """Discard members of the file that described the previous value."""
        if (members := attachments_of(obj).unknown_members) is not None:
            attach(obj, unknown_members=members.without(self.name))


def components_of(pytype: type) -> Mapping[str, Component[Any]]:
    """Return the declarations of the components of a type.

    Parameters
    ----------
    pytype
        Type of the image.

    Returns
    -------
    components
        Declarations by name, those of base classes first.
    """
    return _find_components(pytype)


@functools.cache
def _find_components(pytype: type) -> Mapping[str, Component[Any]]:
    return MappingProxyType(
        {
            name: value
            for base in reversed(pytype.__mro__)
            for name, value in vars(base).items()
            if isinstance(value, Component)
        }
    )


def component_storage_classes(pytype: type) -> dict[str, str]:
    """Return the Butler storage classes of the components of a type.

    Parameters
    ----------
    pytype
        Type of the image.

    Returns
    -------
    storage_classes
        Names of storage classes by name of the component.
    """
    return {
        name: component.storage_class
        for name, component in components_of(pytype).items()
        if component.storage_class is not None
    }
