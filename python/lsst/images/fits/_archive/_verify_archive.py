# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Verification of the index and the trees of an archive."""

from __future__ import annotations

__all__ = ("check_archive",)

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pydantic_core

from ...errors import ArchiveReadError
from ...utils import UNEXPECTED, short_repr
from .._hdus._file import FitsFile, Hdu
from .._hdus._table_reader import TableData
from ._layout import FORMAT_VERSION, INDEX_EXTNAME, JSON_COLUMN, JSON_EXTNAME, ExtensionKey, parse_source
from ._verify_report import Finding

_Known = Mapping[ExtensionKey, Hdu]

TILE_COLUMNS = ("ZTILE", "ZBYTES")
"""Columns of the index with the shape of a tile in pixels, and the sizes of the tiles in bytes."""


def check_archive(file: FitsFile, hdus: Sequence[Hdu]) -> Iterator[Finding]:
    """Verify the index and the trees of an archive.

    Parameters
    ----------
    file
        The open file.
    hdus
        All HDUs of the file.

    Yields
    ------
    finding
        Each problem.
    """
    known: dict[ExtensionKey, Hdu] = {}
    for hdu in hdus[1:]:
        key = _key(hdu)
        if key in known:
            yield Finding(
                hdu.label, "index", f"The file has two HDUs {key}; only the first one can be read by name."
            )
        known.setdefault(key, hdu)
    # Files of the first releases have no FMTVER.
    version = file.first_values.get("FMTVER", 0)
    if type(version) is not int or not 0 <= version <= FORMAT_VERSION:
        yield Finding(
            "primary header",
            "index",
            f"FMTVER = {version!r} is not supported; it must be an integer up to {FORMAT_VERSION}.",
        )
    for name, prefix in ((JSON_EXTNAME, "JSON"), (INDEX_EXTNAME, "INDX")):
        yield from _check_pointer(file, known, name, prefix)
    for name, check in ((INDEX_EXTNAME, _check_index), (JSON_EXTNAME, _check_trees)):
        try:
            yield from check(known)
        except (ArchiveReadError, *UNEXPECTED) as err:
            yield Finding(name, "index", f"The HDU cannot be checked completely: {short_repr(err)}.")


def _key(hdu: Hdu) -> ExtensionKey:
    version = hdu.values.get("EXTVER", 1)
    return ExtensionKey(hdu.name.upper(), version if type(version) is int else 1)


def _check_pointer(file: FitsFile, known: _Known, name: str, prefix: str) -> Iterator[Finding]:
    """Check the cards of the primary header with the address and size of a table."""
    hdu = known.get(ExtensionKey(name))
    if hdu is None:
        yield Finding("file", "index", f"The HDU {name}, to which the primary header refers, is missing.")
        return
    facts = {f"{prefix}ADDR": hdu.header_address, f"{prefix}SIZE": hdu.stop - hdu.header_address}
    for card, fact in facts.items():
        stated = file.first_values.get(card)
        if stated != fact:
            yield Finding("primary header", "index", f"{card} = {stated!r}, but the correct value is {fact}.")


def _check_index(known: _Known) -> Iterator[Finding]:
    """Compare the rows of the index with the headers."""
    index = known.get(ExtensionKey(INDEX_EXTNAME))
    if index is None:
        return
    try:
        table = index.read_table()
        columns = [
            table.column(name).tolist()  # type: ignore[union-attr]  # a list has no tolist: caught
            for name in ("EXTNAME", "EXTVER", "XTENSION", "ZIMAGE", "HDRADDR", "DATADDR", "DATSIZE")
        ]
    except (ArchiveReadError, AttributeError) as err:
        yield Finding(index.label, "index", f"The index cannot be read: {err}")
        return
    listed = set()
    places = _places(table)
    for name, version, kind, zimage, *addresses in zip(*columns, strict=True):
        sides, lengths = next(places, ((), ()))
        key = ExtensionKey(name.strip().upper(), version)
        listed.add(key)
        hdu = known.get(key)
        if hdu is None:
            if name.strip():
                yield Finding(index.label, "index", f"The index lists {key}, which is not in the file.")
            continue
        facts = (hdu.header_address, hdu.data_address, hdu.data_size)
        for column, stated, fact in zip(("HDRADDR", "DATADDR", "DATSIZE"), addresses, facts, strict=True):
            if stated != fact:
                yield Finding(
                    index.label, "index", f"{column} of {key} is {stated!r}, but the correct value is {fact}."
                )
        found = str(hdu.values.get("XTENSION")).strip(), hdu.kind == "compressed_image"
        if (kind.strip(), zimage) != found:
            yield Finding(
                index.label,
                "index",
                f"XTENSION and ZIMAGE of {key} are {found}, but {(kind, zimage)} in the index.",
            )
        elif zimage and len(lengths):
            for message in _check_places(hdu, sides, lengths):
                yield Finding(index.label, "index", f"{key} {message}")
    for key in known.keys() - listed - {ExtensionKey(INDEX_EXTNAME), ExtensionKey(JSON_EXTNAME)}:
        yield Finding(index.label, "index", f"The index does not list {key}, which is in the file.")


def _places(table: TableData) -> Iterator[tuple[Sequence[int], Sequence[int]]]:
    """Iterate over tile shapes in pixels and tile sizes in bytes, for each row of the index."""
    columns: list[list[list[int]]] = []
    for name in TILE_COLUMNS:
        # Files of other writers may lack these columns, or use the names for other data.
        cells = table.column(name) if name in table.names else ()
        if isinstance(cells, list) and all(isinstance(cell, np.ndarray) for cell in cells):
            columns.append([cell.tolist() for cell in cells if cell.dtype.kind == "i"])
    return zip(*columns, strict=False) if len(columns) == len(TILE_COLUMNS) else iter(())


def _check_places(hdu: Hdu, sides: Sequence[int], lengths: Sequence[int]) -> Iterator[str]:
    """Compare tile shape and sizes in the index with the header and the tile table."""
    try:
        tile = hdu.compressed.grid.tile[::-1]
        found = [hdu.tile_rows(), *hdu.byte_ranges()]
    except ArchiveReadError:
        # A damaged table is reported where its HDU is checked.
        return
    if tuple(sides) != tile:
        yield f"has tiles of {tile}, but ZTILE in the index is {tuple(sides)}."
    starts = itertools.accumulate(lengths, initial=hdu.data_address)
    stated = list(zip(starts, lengths, strict=False))
    if len(stated) != len(found):
        yield f"has {len(found) - 1} tiles, but ZBYTES in the index has lengths of {len(stated) - 1}."
        return
    # Tiles in a fallback column have no bytes in the usual one.
    wrong = [i for i, fact in enumerate(found) if fact[1] and fact != stated[i]]
    if wrong:
        i = wrong[0]
        what = f"tile {i - 1}" if i else "the tile table"
        yield (
            f"has {what} at byte {found[i][0]}, {found[i][1]} bytes long; by ZBYTES in the index it is "
            f"at {stated[i][0]}, {stated[i][1]} bytes long."
        )


def _check_trees(known: _Known) -> Iterator[Finding]:
    """Check that the rows of the tree are JSON, and follow their references."""
    hdu = known.get(ExtensionKey(JSON_EXTNAME))
    if hdu is None:
        return
    try:
        rows = hdu.read_table().column(JSON_COLUMN)
    except ArchiveReadError as err:
        yield Finding(hdu.label, "tree", f"The trees cannot be read: {err}")
        return
    if not len(rows):
        yield Finding(hdu.label, "tree", "The tree is missing.")
    for number, row in enumerate(rows):
        try:
            tree = pydantic_core.from_json(bytes(row), allow_inf_nan=True)
        except ValueError as err:
            yield Finding(f"row {number} of {hdu.label}", "tree", f"The row is not valid JSON: {err}")
            continue
        if not isinstance(tree, dict):
            yield Finding(f"row {number} of {hdu.label}", "tree", "The row is not a JSON object.")
            continue
        place = "tree" if number == 0 else f"tree {number}"
        for path, reference in _references(tree, place):
            for message in _check_reference(reference, known, len(rows)):
                yield Finding(path, "tree", message)


def _references(node: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Iterate over all references of a tree to HDUs and other trees."""
    stack = [(path, node)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, list):
            stack.extend((f"{path}[{i}]", child) for i, child in enumerate(node))
        elif isinstance(node, dict):
            source = node.get("source")
            if isinstance(source, str) and source.startswith("fits:"):
                yield path, node
            elif "row" in node and "column" in node:
                yield path, node
            else:
                stack.extend((f"{path}.{name}", child) for name, child in node.items())


def _check_reference(node: dict[str, Any], known: _Known, n_trees: int) -> Iterator[str]:
    if "row" in node:
        if type(node["row"]) is not int or not 0 < node["row"] < n_trees:
            yield f"Reference to tree {node['row']!r} is invalid; it must be from 1 to {n_trees - 1}."
        return
    try:
        key, column = parse_source(node["source"])
        hdu = known.get(ExtensionKey(key.name.upper(), key.ver))
        if hdu is None:
            yield f"{node['source']!r} is not in the file; its HDUs are {sorted(map(str, known))}."
        elif column is not None:
            yield from _check_column(node, hdu, column)
        elif "columns" in node:
            # Files of the first releases have one source per table.
            if hdu.kind != "table":
                yield f"{node['source']!r} is a {hdu.kind}, not a table."
        else:
            yield from _check_image(node, hdu)
    except ArchiveReadError as err:
        yield str(err)


def _check_image(node: dict[str, Any], hdu: Hdu) -> Iterator[str]:
    if hdu.kind not in ("image", "compressed_image"):
        yield f"{node['source']!r} is a {hdu.kind}, not an image."
        return
    if node.get("shape") and tuple(node["shape"]) != hdu.shape:
        yield f"{node['source']!r} has shape {hdu.shape}, but {node['shape']} in the tree."
    datatype = "uint8" if node.get("datatype") == "bool" else node.get("datatype")
    if datatype != hdu.dtype.name:
        yield f"{node['source']!r} has type {hdu.dtype.name}, but {node.get('datatype')} in the tree."


def _check_column(node: dict[str, Any], hdu: Hdu, number: int) -> Iterator[str]:
    if hdu.kind != "table":
        yield f"{node['source']!r} is a column of a {hdu.kind}, not of a table."
        return
    table = hdu.read_table()
    if not 1 <= number <= len(table.columns):
        yield f"{node['source']!r} does not exist; the table has {len(table.columns)} columns."
        return
    column = table.column(number - 1)
    if isinstance(column, list):
        yield f"{node['source']!r} has cells of variable length."
    elif column.dtype.name != node.get("datatype") or list(column.shape[1:]) != list(node.get("shape", ())):
        yield (
            f"{node['source']!r} has type {column.dtype.name} and shape {column.shape[1:]} per row, but "
            f"{node.get('datatype')} and {node.get('shape')} in the tree."
        )
