# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Subimages of objects in memory with the released configuration of the Butler.

The released storage classes accept the read parameter ``bbox``, but name no
delegate that applies it to an object in memory, as in an ``InMemoryDatastore``.
"""

from __future__ import annotations

__all__ = ("ImagesStorageClass", "add_delegates")

import copy

from lsst.daf.butler import StorageClass, StorageClassDelegate, StorageClassFactory

from .plugins import registry

NAMES = ("ImageV2", "MaskV2", "MaskedImageV2", "ColorImage", "VisitImage", "DifferenceImage", "CellCoadd")
"""Storage classes with read parameters in the released configuration."""


class ImagesStorageClass(StorageClass):
    """A released storage class, with the delegate of this package.

    It is equal to the released one, so that the configuration can be read again.
    """

    @property
    def derivedComponents(self) -> dict[str, StorageClass]:
        """Storage classes of the components that are not stored separately."""
        factory = StorageClassFactory()
        derived = super().derivedComponents
        return {name: factory.getStorageClass(known.name) for name, known in derived.items()}

    @property
    def delegateClass(self) -> type[StorageClassDelegate]:
        """Class of the delegate (`~lsst.images.butler.ImagesDelegate`)."""
        delegate: type[StorageClassDelegate] = registry.load("lsst.images.butler:ImagesDelegate")
        return delegate


def add_delegates() -> None:
    """Replace the released storage classes by equal ones with a delegate.

    Storage classes whose configuration names a delegate are left unchanged.
    """
    factory = StorageClassFactory()
    for name in NAMES:
        if name not in factory:
            continue
        known = factory.getStorageClass(name)
        if type(known) is StorageClass and known.delegateClass is StorageClassDelegate:
            replacement = copy.copy(known)
            replacement.__class__ = ImagesStorageClass
            factory.registerStorageClass(replacement)
