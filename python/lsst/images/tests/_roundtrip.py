# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Temporary Butler repositories, and objects that are written and read back."""

from __future__ import annotations

__all__ = ("RoundtripBase", "RoundtripFits", "RoundtripJson", "RoundtripNdf", "TemporaryButler")

import contextlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeVar

from astropy.io.fits import HDUList  # noqa: TID251  # `inspect` returns what astropy reads

from ..butler import activate
from ..io import open_archive, read, write

if TYPE_CHECKING:
    import h5py  # `inspect` returns the file

    from lsst.daf.butler import Butler, DatasetRef  # noqa: TID251  # as above

T = TypeVar("T")


class TemporaryButler:
    """A context manager with a temporary Butler repository.

    Parameters
    ----------
    run
        Name of the run.
    format
        Container that the formatter writes; ``fits`` by default.
    recipe
        Name of a write recipe.
    **kwargs
        Storage class of each dataset type, by name.  They are registered without dimensions.

    Attributes
    ----------
    butler
        The Butler, while the context is entered.

    Notes
    -----
    For each dataset type there is an attribute of its name: a resolved reference in ``run``.
    """

    def __init__(
        self, run: str = "test_run", *, format: str | None = None, recipe: str | None = None, **kwargs: str
    ) -> None:
        self._run = run
        self._parameters = {
            name: value for name, value in (("format", format), ("recipe", recipe)) if value is not None
        }
        self._dataset_types = kwargs
        self._stack = contextlib.ExitStack()
        self.butler: Butler

    def __enter__(self) -> Self:
        import lsst.daf.butler as daf_butler  # noqa: TID251  # optional

        root = self._stack.enter_context(tempfile.TemporaryDirectory())
        activate()
        formatter: Any = "lsst.images.formatters.GenericFormatter"
        if self._parameters:
            formatter = {"formatter": formatter, "parameters": self._parameters}
        formatters = dict.fromkeys(self._dataset_types.values(), formatter)
        config = daf_butler.Config({"datastore": {"formatters": formatters}})
        daf_butler.Butler.makeRepo(root, config=config)
        self.butler = self._stack.enter_context(
            daf_butler.Butler.from_config(root, writeable=True, run=self._run)
        )
        for name, storage_class in self._dataset_types.items():
            dataset_type = daf_butler.DatasetType(
                name, self.butler.dimensions.empty, storageClass=storage_class
            )
            self.butler.registry.registerDatasetType(dataset_type)
            data_id = daf_butler.DataCoordinate.make_empty(self.butler.dimensions)
            setattr(self, name, daf_butler.DatasetRef(dataset_type, data_id, run=self._run))
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()


class RoundtripBase(Generic[T]):
    """A context manager that writes an object to a temporary file, and reads it.

    Parameters
    ----------
    original
        The object.
    storage_class
        Storage class with which the object is put into a temporary Butler; by default it is
        written directly.
    recipe
        Write recipe of the Butler.
    **kwargs
        Options of `lsst.images.io.write`.

    Attributes
    ----------
    result
        The object that was read.
    serialized
        The tree that was written; with a Butler, the tree that was read.
    butler, ref
        The Butler and the dataset, if there is a storage class.
    """

    EXTENSION: ClassVar[str] = ""
    FORMAT: ClassVar[str] = ""

    def __init__(
        self, original: T, storage_class: str | None = None, recipe: str | None = None, **kwargs: Any
    ) -> None:
        self._original = original
        self._storage_class = storage_class
        self._recipe = recipe
        self._options = kwargs
        self._stack = contextlib.ExitStack()
        self._temporary_butler: Any = None
        self._path = ""
        self.result: T
        self.serialized: Any

    def __enter__(self) -> Self:
        if self._storage_class is None:
            folder = self._stack.enter_context(tempfile.TemporaryDirectory())
            self._path = str(Path(folder) / f"object{self.EXTENSION}")
            self.serialized = write(self._original, self._path, **self._options)
            self.result = read(self._path, type(self._original))
            return self
        self._temporary_butler = self._stack.enter_context(
            TemporaryButler(format=self.FORMAT, recipe=self._recipe, dataset=self._storage_class)
        )
        self.ref = self.butler.put(self._original, self._temporary_butler.dataset)
        self._path = self.butler.getURI(self.ref).ospath
        with open_archive(self._path) as reader:
            self.serialized = reader.get_tree()
        self.result = self.butler.get(self.ref)
        return self

    def __exit__(self, *exc: object) -> None:
        self._stack.close()

    @property
    def butler(self) -> Butler:
        """The temporary Butler."""
        butler: Butler = self._temporary_butler.butler
        return butler

    @property
    def filename(self) -> str:
        """Path of the file."""
        return self._path

    def get(self, component: str | None = None, storageClass: str | None = None, **kwargs: Any) -> Any:
        """Read the object or a component of it.

        Parameters
        ----------
        component
            Name of the component; `None` reads the whole.
        storageClass
            Storage class of the result, with a Butler.
        **kwargs
            Read parameters.

        Returns
        -------
        value
            The object or the component.
        """
        if self._temporary_butler is not None:
            ref: DatasetRef = self.ref
            if component is not None:
                ref = ref.makeComponentRef(component)
            return self.butler.get(ref, storageClass=storageClass, parameters=kwargs or None)
        if component is None:
            return read(self._path, **kwargs)
        with open_archive(self._path) as reader:
            return reader.get_component(component, **kwargs)


class RoundtripFits(RoundtripBase[T]):
    """A context manager that writes an object to a FITS file, and reads it.

    See `RoundtripBase` for parameters and attributes.
    """

    EXTENSION, FORMAT = ".fits", "fits"

    def inspect(self) -> HDUList:
        """Return the HDUs of the file.

        Returns
        -------
        hdus
            Open until the context is left; compressed images are tables.
        """
        hdus = HDUList.fromfile(self._path, disable_image_compression=True)
        return self._stack.enter_context(hdus)


class RoundtripJson(RoundtripBase[T]):
    """A context manager that writes an object to a JSON file, and reads it.

    See `RoundtripBase` for parameters and attributes.
    """

    EXTENSION, FORMAT = ".json", "json"

    def inspect(self) -> dict[str, Any]:
        """Return the content of the file.

        Returns
        -------
        tree
            The tree.
        """
        tree: dict[str, Any] = json.loads(Path(self._path).read_bytes())
        return tree


class RoundtripNdf(RoundtripBase[T]):
    """A context manager that writes an object to an NDF, and reads it.

    See `RoundtripBase` for parameters and attributes.
    """

    EXTENSION, FORMAT = ".sdf", "ndf"

    def inspect(self) -> h5py.File:
        """Return the HDF5 file.

        Returns
        -------
        file
            Open until the context is left.
        """
        import h5py  # as above

        return self._stack.enter_context(h5py.File(self._path, "r", locking=False))
