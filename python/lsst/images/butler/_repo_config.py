# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Write configuration into a Butler repository.

The repository's ``butler.yaml`` includes the file that is written, so that no
environment variable is needed.
"""

from __future__ import annotations

__all__ = ("is_repository", "write_repo_config")

from typing import Any

import yaml

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import PluginError
from ._config import HEADER, config_files
from ._config_checks import check_configuration, default_storage_classes

MAIN = "butler.yaml"
"""Name of the configuration file of a repository."""

INCLUDED = "lsst-images.yaml"
"""Name of the file that is written and included."""

INCLUDE = "includeConfigs"
"""Key of the list of included files."""


def is_repository(root: ResourcePathExpression) -> bool:
    """Return whether a location is the root of a Butler repository.

    Parameters
    ----------
    root
        The location.
    """
    return ResourcePath(root, forceDirectory=True).join(MAIN).exists()


def write_repo_config(root: ResourcePathExpression) -> list[ResourcePath]:
    """Write the configuration of this package and all plugins into a repository.

    Parameters
    ----------
    root
        Root of the repository.

    Returns
    -------
    files
        The files written.

    Raises
    ------
    PluginError
        If no Butler could start with the configuration, or if the repository
        cannot include it.  Nothing is written then.

    Notes
    -----
    The Butler's default storage classes are not redefined, because a process
    that opens several repositories accepts only one definition.
    """
    place = ResourcePath(root, forceDirectory=True)
    main = place.join(MAIN)
    text = main.read().decode()
    config: dict[str, Any] = yaml.safe_load(text) or {}
    if "datastores" in (config.get("datastore") or {}):
        raise PluginError(
            f"{main} configures a chain of datastores, which do not share an included configuration. Write "
            "it to a directory (lsst-images butler-config DIR) and name that in DAF_BUTLER_CONFIG_PATH."
        )
    present = config.get(INCLUDE) or []
    present = [present] if isinstance(present, str) else list(present)
    if present and INCLUDED not in present:
        raise PluginError(
            f"{main} already includes {present}; add {INCLUDED!r} to its list {INCLUDE}, and try again."
        )
    files = config_files()
    check_configuration(files)
    included = place.join(INCLUDED)
    included.write(_included(files).encode())
    if not present:
        main.write(f"{text.rstrip()}\n{INCLUDE}:\n  - {INCLUDED}\n".encode())
    return [included, main]


def _included(files: dict[str, str]) -> str:
    own = default_storage_classes()
    declared = yaml.safe_load(files["storageClasses.yaml"])["storageClasses"]
    datastore = yaml.safe_load(files["datastores/fileDatastore.yaml"])
    content = {"storageClasses": {name: body for name, body in declared.items() if name not in own}}
    return HEADER + str(yaml.safe_dump({**content, **datastore}, sort_keys=True, width=100))
