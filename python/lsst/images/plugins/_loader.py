# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find and validate plugins; one that cannot be loaded is skipped with a warning."""

from __future__ import annotations

__all__ = ("BUILTIN", "Loaded", "load_plugins", "merge_declarations", "resolve")

import dataclasses
import functools
import importlib
import importlib.metadata
import os
import sys
import warnings
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Any, cast

import pluggy

from ..errors import DuplicateRegistrationError, PluginError, PluginLoadError, PluginWarning
from ..utils import short_repr
from . import _hookspecs
from ._schema_entry_points import check_writable
from ._specs import DatasetSpec, PluginInfo

PACKAGE = "lsst-images"
ENTRY_POINT_GROUP = "lsst.images"
BUILTIN = (
    "lsst.images._builtin_plugin._plugin",
    "lsst.images.fits._plugin",
    "lsst.images.json._plugin",
    "lsst.images.ndf._plugin",
    "lsst.images.legacy._plugin",
)
"""Modules of the built-in plugins, in the order of registration.

pluggy calls the implementation that was registered last first, so that
third-party plugins take precedence.
"""


@dataclasses.dataclass(frozen=True)
class Loaded:
    """The loaded plugins.

    Parameters
    ----------
    manager
        Manager of the plugins that could be loaded.
    plugins
        All plugins, including those that could not be loaded.
    """

    manager: pluggy.PluginManager
    plugins: tuple[PluginInfo, ...]

    def check_datasets(self, name: str) -> None:
        """Raise an error if a plugin declares an invalid dataset.

        Models are checked if their module is imported already.

        Parameters
        ----------
        name
            Name of the plugin.

        Raises
        ------
        PluginError
            If a declaration is invalid.
        """
        for implementation in self.manager.hook.register_datasets.get_hookimpls():
            if implementation.plugin_name == name:
                specs: Iterable[DatasetSpec] = ()
                # Other failures are reported when the declarations are used.
                try:
                    specs = cast("Iterable[DatasetSpec]", implementation.function() or ())
                except PluginError:
                    raise
                except Exception as err:
                    warnings.warn(
                        f"Plugin {short_repr(name)}: {short_repr(err)}", PluginWarning, stacklevel=3
                    )
                for spec in specs:
                    model, pytype = _imported(spec.model), _imported(spec.pytype)
                    if spec.STRICT and model is not None and pytype is not None:
                        check_writable(model, pytype)

    def call_each(self, hook: str) -> Iterator[tuple[str, str, Iterable[Any]]]:
        """Call a declaration hook of each plugin, built-in ones first.

        Parameters
        ----------
        hook
            Name of the hook.

        Yields
        ------
        name, package, answer
            Name of the plugin, its distribution, and its declarations.
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
                    f"The hook {hook}() of plugin {short_repr(name)} ({package}) failed and is ignored: "
                    f"{short_repr(err)}",
                    PluginWarning,
                    stacklevel=2,
                )
                continue
            yield name, package, answer


def merge_declarations(loaded: Loaded, hook: str, key: Callable[[Any], Hashable]) -> dict[Any, Any]:
    """Collect the declarations of all plugins.

    Parameters
    ----------
    loaded
        The plugins.
    hook
        Name of a declaration hook.
    key
        Returns the name of a declaration, which must be unique.

    Returns
    -------
    declarations
        Declarations by name.

    Raises
    ------
    DuplicateRegistrationError
        If two plugins declare the same name, and neither declares that it
        replaces the other's.
    """
    merged: dict[Hashable, tuple[Any, str]] = {}
    for name, package, answers in loaded.call_each(hook):
        for spec in answers:
            claim = key(spec)
            if claim in merged:
                other, rival = merged[claim]
                if getattr(other, "replaces", None) == package:
                    continue
                if getattr(spec, "replaces", None) != rival:
                    raise DuplicateRegistrationError(
                        f"{hook}: {short_repr(claim)} is declared by {short_repr(rival)} and again by plugin "
                        f"{short_repr(name)} of "
                        f"{short_repr(package)}. Remove one of them, or declare one of them with "
                        f"replaces={short_repr(rival)}."
                    )
            merged[claim] = (spec, package)
    return {claim: spec for claim, (spec, _) in merged.items()}


def _imported(dotted: str) -> Any:
    """Return the object that a declaration names, or `None` if its module has not been imported."""
    module, _, name = dotted.partition(":")
    return getattr(sys.modules.get(module), name, None)


def resolve(dotted: str) -> Any:
    """Import the object that a declaration names.

    Parameters
    ----------
    dotted
        ``package.module:Name``.

    Raises
    ------
    PluginLoadError
        If the module cannot be imported, or does not define the name.
    """
    module, _, name = dotted.partition(":")
    try:
        return getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as err:
        raise PluginLoadError(f"Plugin declaration {short_repr(dotted)} cannot be resolved: {err}") from err


def load_plugins(
    *, extra: Mapping[str, object], strict: frozenset[str] = frozenset(), builtin: bool = True
) -> Loaded:
    """Load the built-in plugins, the installed ones and some extra ones.

    Parameters
    ----------
    extra
        Plugins that are not installed, by name.
    strict
        Names of plugins that must be loadable.
    builtin
        Whether to load the built-in plugins, which import most of the package.

    Returns
    -------
    loaded
        The plugins that could be loaded, and the reasons for the others.

    Raises
    ------
    PluginLoadError
        If a plugin cannot be loaded that is built in or named in ``strict``;
        if the environment variable ``LSST_IMAGES_STRICT_PLUGINS`` is set, if
        any plugin cannot be loaded.
    """
    manager = pluggy.PluginManager(_hookspecs.PROJECT)
    manager.add_hookspecs(_hookspecs)
    plugins = []
    all_strict = bool(os.environ.get("LSST_IMAGES_STRICT_PLUGINS"))
    for candidate in _candidates(extra, BUILTIN if builtin else ()):
        info = _register(manager, candidate)
        if info.error is not None:
            message = f"Plugin {info.name!r} of {info.package} {info.version} is skipped: {info.error}"
            if all_strict or info.name in strict or info.package == PACKAGE:
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


def _candidates(extra: Mapping[str, object], builtin: Iterable[str]) -> Iterator[_Candidate]:
    """Yield plugins in the order of registration, which does not depend on the installation order."""
    disabled = set(filter(None, os.environ.get("LSST_IMAGES_DISABLE_PLUGINS", "").split(",")))
    for module in builtin:
        yield _Candidate(module, PACKAGE, "", functools.partial(importlib.import_module, module))
    # An editable install may list its entry points twice.
    unique = {}
    for point in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
        package, version = (point.dist.name, point.dist.version) if point.dist else ("?", "")
        # Compare by name, not by class: the importlib_metadata backport, once
        # imported, returns entry points of its own class.
        unique[package, point.name] = _Candidate(point.name, package, version, point.load)
    for key in sorted(unique):
        if unique[key].name not in disabled:
            yield unique[key]
    for name, plugin in extra.items():
        yield _Candidate(name, name, "", functools.partial(_identity, plugin))


def _identity(plugin: object) -> object:
    return plugin


def _register(manager: pluggy.PluginManager, candidate: _Candidate) -> PluginInfo:
    """Load and register one plugin; if that fails, record the error and unregister it."""
    info = PluginInfo(name=candidate.name, package=candidate.package, version=candidate.version)
    try:
        plugin = candidate.load()
    except Exception as err:  # importing a third-party module may raise any exception
        return dataclasses.replace(info, error=f"{type(err).__name__}: {err}")
    try:
        manager.register(plugin, name=candidate.name)
        implemented = manager.get_hookcallers(plugin) or []
        unknown = [caller.name for caller in implemented if not caller.has_spec()]
        if unknown:
            raise pluggy.PluginValidationError(
                plugin,
                f"the hooks {', '.join(unknown)} do not exist; lsst.images.plugins lists the existing ones",
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
