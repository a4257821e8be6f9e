# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Declare how one component of a tree is read without validating the rest."""

from __future__ import annotations

__all__ = ("LATE", "ComponentReader", "component", "keyword_parameters")

import dataclasses
import inspect
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

_MARK = "__lsst_images_component__"

LATE = "late"
"""Marker in the annotation of a member: component readers get its raw JSON, and
the object that is created from it validates it at first use."""


@dataclasses.dataclass(frozen=True)
class ComponentReader:
    """How one component is read.

    Parameters
    ----------
    name
        Name of the component.
    needs
        Members of the tree that must be validated first.
    function
        Called with a partial model, the archive and the read parameters.
    parameters
        Names of the read parameters it takes.
    """

    name: str
    needs: tuple[str, ...]
    function: Callable[..., Any]
    parameters: frozenset[str]


def component(name: str, *, needs: tuple[str, ...] = ()) -> Callable[[F], F]:
    """Declare that a method of a model reads a component.

    Parameters
    ----------
    name
        Name of the component.
    needs
        Members of the tree that the method uses.  Only these are
        validated; the others are absent from the model it is called on.

    Returns
    -------
    decorator
        For a method with the arguments ``archive`` and, keyword-only, the
        read parameters that it takes.
    """

    def mark(method: F) -> F:
        recipe = ComponentReader(name, needs, method, keyword_parameters(method))
        setattr(method, _MARK, (*getattr(method, _MARK, ()), recipe))
        return method

    return mark


def keyword_parameters(function: Callable[..., Any]) -> frozenset[str]:
    """Return the names of a function's keyword-only parameters.

    Parameters
    ----------
    function
        The function.
    """
    parameters = inspect.signature(function).parameters.values()
    return frozenset(p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY)


def declared_components(namespace: Mapping[str, Any]) -> dict[str, ComponentReader]:
    """Return the component readers that a class body declares.

    Parameters
    ----------
    namespace
        The ``__dict__`` of the class.
    """
    return {recipe.name: recipe for value in namespace.values() for recipe in getattr(value, _MARK, ())}
