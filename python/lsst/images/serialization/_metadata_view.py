# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The metadata of an image: values of the data model, and cards of the file."""

from __future__ import annotations

__all__ = ("MetadataView", "NativeMetadata", "native_metadata", "writable_metadata")

from collections.abc import Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any, Final

from ..utils import short_repr
from ._external_metadata import NO_EXTERNAL_METADATA, ExternalMetadata, ExternalMetadataValue
from ._fields import MetadataValue
from ._metadata import check_metadata

_MISSING: Final = object()


if TYPE_CHECKING:
    _Base = dict[str, Any]
else:

    class _Base(MutableMapping, dict):
        """A dictionary whose methods are made from five abstract ones."""


class NativeMetadata(_Base):
    """The metadata that are written with an image.

    Parameters
    ----------
    values
        Values by name; used by reference.
    external
        Metadata of the file.

    Notes
    -----
    All methods read and change ``values``.  As a `dict`, an instance holds a
    copy too, for functions in C that do not call methods of subclasses
    (`json.dumps`, for example).
    """

    def __init__(
        self, values: dict[str, Any] | None = None, external: ExternalMetadata = NO_EXTERNAL_METADATA
    ) -> None:
        self._values = {} if values is None else values
        self._external = external
        dict.update(self, self._union())

    def _union(self) -> dict[str, Any]:
        """Return the content as a new dictionary."""
        return dict(self._values)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mapping):
            return NotImplemented
        return self._union() == (other._union() if isinstance(other, NativeMetadata) else dict(other))

    __hash__ = None

    def __reversed__(self) -> Iterator[str]:
        return reversed(self._union())

    def __repr__(self) -> str:
        return repr(self._union())

    # Changes.

    def __setitem__(self, name: str, value: Any) -> None:
        self.update({name: value})

    def __delitem__(self, name: str) -> None:
        if name not in self._values and name in self._external:
            raise KeyError(
                f"{short_repr(name)} is external metadata (a card of the file), which cannot be deleted."
            )
        del self._values[name]
        self._mirror()

    def pop(self, name: str, default: Any = _MISSING) -> Any:
        """Remove a native value and return it.

        Parameters
        ----------
        name
            Name of the value.
        default
            Result if the native values do not contain the name.

        Returns
        -------
        value
            The value.

        Raises
        ------
        KeyError
            If the native values do not contain the name, without a default.
        """
        if name in self._values or default is _MISSING:
            value = self._values.get(name)
            del self[name]
            return value
        return default

    def popitem(self) -> tuple[str, Any]:
        """Remove the last native value and return it.

        Returns
        -------
        item
            Name and value.

        Raises
        ------
        KeyError
            If it is empty.
        """
        item = self._values.popitem()
        self._mirror()
        return item

    def clear(self) -> None:
        """Remove all native values."""
        self._values.clear()
        self._mirror()

    def update(self, other: Any = (), /, **more: Any) -> None:
        """Set native values; if one of the names is not allowed, none is set.

        Parameters
        ----------
        other
            A mapping, or pairs of names and values.
        **more
            Values by name.

        Raises
        ------
        KeyError
            If a new name is that of external metadata, in any case.

        Notes
        -----
        Values of any type are accepted; types that cannot be written raise an
        error when the image is written.
        """
        values = {**dict(other), **more}
        for name in values:
            if name not in self._values and name in self._external:
                raise KeyError(
                    f"A value {short_repr(name)} would shadow a key in the external metadata (the header "
                    "cards of the file), which cannot be changed. Choose another name."
                )
        self._values.update(values)
        self._mirror()

    def _mirror(self) -> None:
        """Update the copy that functions in C see."""
        dict.clear(self)
        dict.update(self, self._union())

    # Copies.

    def copy(self) -> dict[str, Any]:
        """Return the native values as a dictionary.

        Returns
        -------
        values
            A copy.
        """
        return dict(self._values)

    __copy__ = copy

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return self.copy()  # The values are immutable.

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self.copy(),)

    def __or__(self, other: Any) -> Any:
        return self._union() | dict(other) if isinstance(other, Mapping) else NotImplemented

    def __ror__(self, other: Any) -> Any:
        return dict(other) | self._union() if isinstance(other, Mapping) else NotImplemented

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self


class MetadataView(NativeMetadata):
    """The metadata of an image: native values, and the header cards of its file.

    Look-ups find native values by their exact name, and then external ones in
    any case: ``visit.metadata["airmass"]`` is the value of the card
    ``AIRMASS``.  Iteration, ``len``, ``dict(view)`` and comparison include
    both.  Only native values can be changed, and only they are written as
    metadata; FITS and NDF files also preserve the cards.

    Parameters
    ----------
    values
        Native values by name; used by reference.
    external
        Metadata of the file.
    """

    def _union(self) -> dict[str, Any]:
        return {**self._external, **self._values}

    def __getitem__(self, name: str) -> Any:
        return self._values[name] if name in self._values else self._external[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._union())

    def __len__(self) -> int:
        return len(self._union())

    def __contains__(self, name: object) -> bool:
        return name in self._values or name in self._external

    def __repr__(self) -> str:
        return f"MetadataView(native={self._values!r}, external={dict(self._external)!r})"

    @property
    def native(self) -> NativeMetadata:
        """The values that are written as metadata (`NativeMetadata`)."""
        return NativeMetadata(self._values, self._external)

    @property
    def external(self) -> ExternalMetadata:
        """The header cards of the file that this package does not interpret
        (`~lsst.images.serialization.ExternalMetadata`).

        Read-only.  Empty for objects that were not read from a FITS or NDF
        file, and for parts of objects.
        """
        return self._external

    def get_all(self, name: str) -> tuple[MetadataValue | ExternalMetadataValue, ...]:
        """Return all values of a name.

        Parameters
        ----------
        name
            The name: a native one, or an external one in any case.

        Returns
        -------
        values
            The native value, or all external values in the order of the file.

        Raises
        ------
        KeyError
            If neither contains the name.
        """
        return (self._values[name],) if name in self._values else self._external.get_all(name)


def native_metadata(metadata: Mapping[str, Any] | None, *, copy: bool = False) -> dict[str, Any]:
    """Return the dictionary of native metadata.

    Parameters
    ----------
    metadata
        Metadata of an image, any other mapping, or `None`.
    copy
        Whether to copy the values; otherwise a dictionary, also that of a
        view, is returned itself.

    Returns
    -------
    values
        Values by name.

    Raises
    ------
    TypeError
        If the argument is not a mapping.
    """
    if metadata is None:
        return {}
    if isinstance(metadata, NativeMetadata):
        values = metadata._values
    elif isinstance(metadata, dict):
        values = metadata
    elif isinstance(metadata, Mapping):
        return dict(metadata)
    else:
        raise TypeError(f"The metadata of an image must be a mapping; got {short_repr(metadata)}.")
    return dict(values) if copy else values


def writable_metadata(metadata: Mapping[str, Any] | None) -> dict[str, MetadataValue]:
    """Return native metadata in the form that is written to a tree.

    Parameters
    ----------
    metadata
        Metadata of an image, any other mapping, or `None`.

    Returns
    -------
    values
        A copy; numpy scalars become Python scalars.

    Raises
    ------
    UnserializableTypeError
        If a name or a value cannot be written.
    """
    return check_metadata(native_metadata(metadata))
