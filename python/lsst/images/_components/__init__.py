# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Masked images with components: the base of visit images and cell coadds."""

from __future__ import annotations

__all__ = (
    "AnnotatedImage",
    "Component",
    "SettableComponent",
    "UnitFactor",
    "check_band",
    "component_storage_classes",
    "components_of",
)

from ._annotated_image import AnnotatedImage, check_band
from ._component import Component, SettableComponent, component_storage_classes, components_of
from ._unit_factor import UnitFactor
