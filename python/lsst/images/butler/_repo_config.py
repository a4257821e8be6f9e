# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Configuration that lives in a repository, so that nobody needs a variable.

The repository's own file gains one line, which includes a file of ours.
"""

from __future__ import annotations

__all__ = ("is_repository", "write_repo_config")

from typing import Any

import yaml

from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import PluginError
from ._config import HEADER, config_files
from ._config_checks import default_storage_classes, prove

MAIN = "butler.yaml"
INCLUDED = "lsst-images.yaml"
INCLUDE = "includeConfigs"


def is_repository(root: ResourcePathExpression) -> bool:
    """Say whether a place is the root of a Butler repository.

    Parameters
    ----------
    root
        The place.
    """
    return ResourcePath(root, forceDirectory=True).join(MAIN).exists()


def write_repo_config(root: ResourcePathExpression) -> list[ResourcePath]:
    """Tell a repository of everything that is installed.

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
        If the configuration would keep a Butler from starting, or if the
        repository is of a kind that cannot hold it; nothing is written then.

    Notes
    -----
    Storage classes that the Butler defines itself are left out: a
    process that opens two repositories accepts one definition only.
    """
    place = ResourcePath(root, forceDirectory=True)
    main = place.join(MAIN)
    text = main.read().decode()
    config: dict[str, Any] = yaml.safe_load(text) or {}
    if "datastores" in (config.get("datastore") or {}):
        raise PluginError(
            f"{main} describes a chain of datastores, each with a configuration of its own; write a "
            "directory instead (lsst-images butler-config DIR) and name it in DAF_BUTLER_CONFIG_PATH."
        )
    present = config.get(INCLUDE) or []
    present = [present] if isinstance(present, str) else list(present)
    if present and INCLUDED not in present:
        raise PluginError(f"{main} has {INCLUDE}: {present}; add {INCLUDED!r} to that list, then try again.")
    files = config_files()
    prove(files)
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
