# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Finding and checking plugins, so that a broken one harms nobody else."""

from __future__ import annotations

__all__ = ("BUILTIN", "Loaded", "load_plugins", "resolve")

import dataclasses
import functools
import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pluggy

from ..errors import PluginLoadError, PluginWarning
from . import _hookspecs
from ._specs import PluginInfo

PACKAGE = "lsst-images"
ENTRY_POINT_GROUP = "lsst.images"
BUILTIN = (
    "lsst.images._builtin_plugin._plugin",
    "lsst.images.fits._plugin",
    "lsst.images.json._plugin",
    "lsst.images.ndf._plugin",
    "lsst.images.legacy._plugin",
)
"""Our own plugins, in the order of registration: they are asked last."""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """The outcome of loading: a manager, and the list of who is in it."""

    manager: pluggy.PluginManager
    plugins: tuple[PluginInfo, ...]

    def ask_all(self, hook: str) -> Iterator[tuple[str, str, Iterable[Any]]]:
        """Ask a declaration hook of each plugin, built-in ones first.

        Parameters
        ----------
        hook
            Name of the hook.

        Yields
        ------
        name, package, answer
            Name of the plugin, its distribution, and what it declares.
        """
        packages = {info.name: info.package for info in self.plugins}
        for implementation in getattr(self.manager.hook, hook).get_hookimpls():
            name = implementation.plugin_name
            package = packages.get(name, name)
            try:
                answer = implementation.function() or ()
            except Exception as err:
                if package == PACKAGE:
                    raise
                warnings.warn(
                    f"{hook}() of plugin {name!r} ({package}) failed: {err!r}", PluginWarning, stacklevel=2
                )
                continue
            yield name, package, answer


def resolve(dotted: str) -> Any:
    """Import what ``package.module:Name`` names.

    Parameters
    ----------
    dotted
        The name.

    Raises
    ------
    PluginLoadError
        If there is no such thing.
    """
    module, _, name = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as err:
        raise PluginLoadError(f"Plugin declaration {dotted!r} cannot be resolved: {err}") from err


def load_plugins(*, extra: Mapping[str, object], strict: frozenset[str] = frozenset()) -> Loaded:
    """Load the built-in plugins, the installed ones and some extra ones.

    Parameters
    ----------
    extra
        Plugins that are not installed, by name.
    strict
        Names of plugins whose failure is an error.

    Returns
    -------
    loaded
        The plugin manager, and a list of every plugin with its fate.

    Raises
    ------
    PluginLoadError
        If a plugin fails that is built in or named in ``strict``, or any with
        ``LSST_IMAGES_STRICT_PLUGINS`` set.
    """
    manager = pluggy.PluginManager(_hookspecs.PROJECT)
    manager.add_hookspecs(_hookspecs)
    plugins = []
    every_one_matters = bool(os.environ.get("LSST_IMAGES_STRICT_PLUGINS"))
    for candidate in _candidates(extra):
        info = _register(manager, candidate)
        if info.error is not None:
            message = f"Plugin {info.name!r} of {info.package} {info.version} is left out: {info.error}"
            if every_one_matters or info.name in strict or info.package == PACKAGE:
                raise PluginLoadError(message)
            warnings.warn(message, PluginWarning, stacklevel=2)
        plugins.append(info)
    if os.environ.get("LSST_IMAGES_TRACE_PLUGINS"):
        manager.add_hookcall_monitoring(_trace_before, _trace_after)
    return Loaded(manager, tuple(plugins))


@dataclasses.dataclass(frozen=True)
class _Candidate:
    """A plugin that is not loaded yet."""

    name: str
    package: str
    version: str
    load: Callable[[], object]


def _candidates(extra: Mapping[str, object]) -> Iterator[_Candidate]:
    """Yield plugins in the order of registration, which is reproducible."""
    disabled = set(filter(None, os.environ.get("LSST_IMAGES_DISABLE_PLUGINS", "").split(",")))
    for module in BUILTIN:
        yield _Candidate(module, PACKAGE, "", functools.partial(importlib.import_module, module))
    # An editable install may list its entry points twice.
    unique = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "")
        # The class of an entry point says nothing: a backport of
        # importlib.metadata, once imported by anybody, brings its own.
        unique[package, point.name] = _Candidate(point.name, package, version, point.load)
    for key in sorted(unique):
        if unique[key].name not in disabled:
            yield unique[key]
    for name, plugin in extra.items():
        yield _Candidate(name, name, "", functools.partial(_itself, plugin))


def _itself(plugin: object) -> object:
    return plugin


def _register(manager: pluggy.PluginManager, candidate: _Candidate) -> PluginInfo:
    """Load one plugin; a failure is recorded, and leaves no trace of it."""
    info = PluginInfo(name=candidate.name, package=candidate.package, version=candidate.version)
    try:
        plugin = candidate.load()
    except Exception as err:  # a stranger's module may raise anything while it is imported
        return dataclasses.replace(info, error=f"{type(err).__name__}: {err}")
    try:
        manager.register(plugin, name=candidate.name)
        implemented = manager.get_hookcallers(plugin) or []
        unknown = [caller.name for caller in implemented if not caller.has_spec()]
        if unknown:
            raise pluggy.PluginValidationError(
                plugin, f"there is no hook {', '.join(unknown)}; see lsst.images.plugins for their names"
            )
    except (pluggy.PluginValidationError, ValueError) as err:
        if manager.is_registered(plugin):
            manager.unregister(plugin)
        return dataclasses.replace(info, error=str(err))
    return dataclasses.replace(info, hooks=tuple(sorted(caller.name for caller in implemented)))


def _trace_before(hook: str, _: Any, arguments: Mapping[str, Any]) -> None:
    sys.stderr.write(f"lsst.images: {hook}({', '.join(f'{k}={v!r}' for k, v in arguments.items())})\n")


def _trace_after(outcome: pluggy.Result[Any], hook: str, _: Any, arguments: Mapping[str, Any]) -> None:
    sys.stderr.write(f"lsst.images: {hook} -> {outcome.get_result()!r}\n")
