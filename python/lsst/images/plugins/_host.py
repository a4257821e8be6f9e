# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Load the plugins at first use, and cache what they declare."""

from __future__ import annotations

__all__ = ("PluginHost",)

import functools
import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from ..errors import PluginLoadError
from ..utils import qualified_name, short_repr
from ._loader import Loaded, load_plugins, merge_declarations, resolve
from ._specs import PluginInfo

if TYPE_CHECKING:
    import pluggy

T = TypeVar("T")


class PluginHost:
    """The loaded plugins, and a cache of their declarations.

    Plugins are loaded when they are used for the first time, not when this
    object is created.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._extra: dict[str, object] = {}
        self._clear()

    def _clear(self) -> None:
        self._loaded: Loaded | None = None
        # Declarations by hook and key, so that plugins are called once.
        self._cache: dict[Hashable, Any] = {}
        self._models: dict[str, type[Any] | None] = {}
        self._pytypes: dict[str, type | None] = {}
        self._types: dict[str, tuple[type[Any] | None, type | None]] = {}
        self._objects: dict[str, Any] = {}
        self.__dict__.pop("hook", None)

    def reset(self) -> None:
        """Discard all plugins and caches; the next use loads the plugins again."""
        with self._lock:
            self._extra.clear()
            self._clear()

    def register(self, plugin: object, *, name: str) -> None:
        """Add a plugin that is not installed, for example in a notebook.

        Parameters
        ----------
        plugin
            Module or object with hook implementations.
        name
            Name under which `plugins` lists it.

        Raises
        ------
        PluginLoadError
            If it implements a hook that does not exist, or a hook with an
            argument that the hook does not have.
        PluginError
            If it declares an invalid dataset.
        """
        with self._lock:
            loaded = load_plugins(extra={**self._extra, name: plugin}, strict=frozenset({name}))
            loaded.check_datasets(name)
            self._extra[name] = plugin
            self._clear()

    def unregister(self, name: str) -> None:
        """Remove a plugin that `register` added.

        Parameters
        ----------
        name
            The name given to `register`; an unknown name is ignored.
        """
        with self._lock:
            self._extra.pop(name, None)
            self._clear()

    hook: pluggy.HookRelay
    """The hooks; each is called with keyword arguments."""

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            # Called for `hook` only until the plugins are loaded.
            if name == "hook":
                return self._load().manager.hook
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {short_repr(name)}")

    def plugins(self) -> tuple[PluginInfo, ...]:
        """List all plugins, including those that could not be loaded."""
        return self._load().plugins

    def command_implementations(self) -> list[pluggy.HookImpl]:
        """Return the implementations of the hook ``register_commands``.

        The built-in plugins do not implement it; they are not loaded for this.
        """
        loaded = self._loaded or load_plugins(extra=self._extra, builtin=False)
        return list(loaded.manager.hook.register_commands.get_hookimpls())

    def load(self, dotted: str) -> Any:
        """Import the object that a declaration names.

        Parameters
        ----------
        dotted
            ``package.module:Name``.

        Returns
        -------
        obj
            The object; see `load_class` for classes.

        Raises
        ------
        PluginLoadError
            If the module cannot be imported, or does not define the name.
        """
        try:
            return self._objects[dotted]
        except KeyError:
            return self._objects.setdefault(dotted, resolve(dotted))

    def load_class(self, dotted: str, base: type[T]) -> type[T]:
        """Import the class that a declaration names.

        Parameters
        ----------
        dotted
            ``package.module:Name``.
        base
            Class that it must be, or inherit from.

        Raises
        ------
        PluginLoadError
            If it cannot be imported, or does not inherit from ``base``.
        """
        found = self.load(dotted)
        if not (isinstance(found, type) and issubclass(found, base)):
            raise PluginLoadError(
                f"Plugin declaration {short_repr(dotted)} names {short_repr(found)}, which is not a subclass "
                f"of {qualified_name(base)}."
            )
        return found

    def _load(self) -> Loaded:
        if (loaded := self._loaded) is not None:
            return loaded
        with self._lock:
            while self._loaded is None:
                extra = dict(self._extra)
                loaded = load_plugins(extra=extra)
                # A module may call `register` while it is imported.
                if extra == self._extra:
                    self._loaded = loaded
                    self.hook = loaded.manager.hook
            return self._loaded

    def _cached(self, key: Hashable, make: Callable[[], T]) -> T:
        try:
            return cast(T, self._cache[key])
        except KeyError:
            with self._lock:
                return cast(T, self._cache.setdefault(key, make()))

    def _declared(self, hook: str, key: Callable[[Any], Hashable]) -> dict[Any, Any]:
        return self._cached(hook, functools.partial(merge_declarations, self._load(), hook, key))
