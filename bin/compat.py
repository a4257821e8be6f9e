# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Report what this version does not interpret in files of another release.

    bin/compat FOLDER

reads all files in a folder and lists schemas that no installed package
declares, newer versions of schemas, members that no model declares, those of
the root as components, and files that cannot be read.  The exit code is 0 if
everything is known, 1 if not, and 2 if the folder has no files of this package.
"""

from __future__ import annotations

import argparse
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from lsst.images.errors import (
    ImagesError,
    ImagesWarning,
    NotAnArchiveError,
    UnknownSchemaError,
    UnsupportedFormatError,
)
from lsst.images.io import Reader, open_archive
from lsst.images.plugins import registry
from lsst.images.serialization import UnreadableTree, iter_trees, parse_schema_url
from lsst.images.serialization._find_unknown_members import find_unknown_members

__all__ = ("compare_file", "main")


def main(arguments: list[str] | None = None) -> int:
    """Print the report of a folder, and return the exit code."""
    parser = argparse.ArgumentParser(prog="bin/compat", description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, help="folder with files, or one file")
    folder: Path = parser.parse_args(arguments).folder
    paths = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    n_files, findings = 0, set()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImagesWarning)
        for path in paths:
            found = compare_file(path)
            n_files += found is not None
            for line in found or []:
                print(f"{path}: {line}")
                findings.add(line)
    print(f"{n_files} of {len(paths)} files are of this package; {len(findings)} different findings.")
    return 2 if not n_files else int(bool(findings))


def compare_file(path: Path) -> list[str] | None:
    """Return the findings of a file; `None` if it is not a file of this package."""
    try:
        with open_archive(path) as reader:
            url = reader.raw_tree.get("schema_url") or reader.archive.schema_url
            try:
                return sorted(set(_findings(reader)))
            except UnknownSchemaError:
                return None if url is None else [f"unknown schema {url}"]
            except ImagesError as err:
                # Other JSON documents may have the same members as trees of the first releases.
                return None if url is None else [f"cannot be read: {err}"]
    except (NotAnArchiveError, UnsupportedFormatError):
        return None
    except ImagesError as err:
        return [f"cannot be read: {err}"]


def _findings(reader: Reader[Any]) -> Iterator[str]:
    yield from _newer_versions(reader.raw_tree)
    tree = reader.get_tree()
    for node in iter_trees(tree):
        if isinstance(node, UnreadableTree):
            known = isinstance(node.reason, UnknownSchemaError) and isinstance(node.root, dict)
            url = node.root.get("schema_url") if known else None
            yield f"unknown schema {url}" if url else f"unreadable part: {node.reason}"
    unknown = find_unknown_members(reader.raw_tree, tree)
    for member in () if unknown is None else unknown.members:
        path = re.sub(r"/\d+/", "/#/", str(member))
        yield f"unknown member {path} of {member.schema}" if member.parent else f"unknown component {path}"


def _newer_versions(node: Any) -> Iterator[str]:
    """Yield the schemas in a raw tree that have a newer version than the installed model."""
    if isinstance(node, list):
        nested = node if node and isinstance(node[0], dict) else []
    else:
        nested = list(node.values()) if isinstance(node, dict) else []
        url = node.get("schema_url") if isinstance(node, dict) else None
        if isinstance(url, str):
            try:
                name, version = parse_schema_url(url)
            except NotAnArchiveError:
                name, version = "", ""
            model, _ = registry.types_for_schema(name)
            if model is not None and _numbers(version) > _numbers(model.SCHEMA_VERSION):
                yield f"schema {name} {version} is newer than {model.SCHEMA_VERSION}"
    for value in nested:
        yield from _newer_versions(value)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:3]]


if __name__ == "__main__":
    sys.exit(main())
