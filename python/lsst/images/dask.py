# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A function over many stored images, on a cluster, from a notebook.

What a survey runs every night belongs into a pipeline; this is for the question
that one asks once.
"""

from __future__ import annotations

__all__ = ("iter_images", "map_images")

import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from .butler import read_cutouts
from .errors import MissingOptionalDependencyError

if TYPE_CHECKING:
    from distributed import Client

    from lsst.daf.butler import Butler, DatasetRef  # noqa: TID251  # for annotations alone

Item: TypeAlias = "DatasetRef | tuple[DatasetRef, Any]"

PIECES = 64
"""Pieces of one dataset that go to a worker together: it opens the file once."""

_local = threading.local()


def map_images(
    function: Callable[[Any], Any],
    items: Iterable[Item],
    *,
    butler: Butler,
    client: Client | None = None,
    component: str | None = None,
) -> list[Any]:
    """Apply a function to stored images, or to pieces of them, on a cluster.

    Parameters
    ----------
    function
        Called on a worker with an image.  What it returns travels back, so it
        should be small.
    items
        Datasets, or pairs of a dataset and what reads take as ``bbox``: a box, or
        ``(center, radius)`` on the sky.
    butler
        Butler of the datasets; workers make their own from its configuration,
        so that files and registry must be reachable from there.
    client
        Client of the cluster; by default the one in force.
    component
        Name of a component to read instead of the whole, ``image`` for instance.

    Returns
    -------
    results
        In the order of the items.

    Raises
    ------
    MissingOptionalDependencyError
        If `distributed` is not installed.
    Exception
        What reading or the function raised first.
    """
    found = dict(iter_images(function, items, butler=butler, client=client, component=component))
    return [found[number] for number in sorted(found)]


def iter_images(
    function: Callable[[Any], Any],
    items: Iterable[Item],
    *,
    butler: Butler,
    client: Client | None = None,
    component: str | None = None,
) -> Iterator[tuple[int, Any]]:
    """Apply a function to stored images on a cluster; hand results over as they come.

    Parameters
    ----------
    function, items, butler, client, component
        As for `map_images`.

    Yields
    ------
    number, result
        Position among the items, and what the function returned.

    Raises
    ------
    MissingOptionalDependencyError
        If `distributed` is not installed.
    Exception
        What reading or the function raised first; the other tasks are cancelled.
    """
    try:
        from distributed import as_completed, get_client
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "A cluster needs the package distributed: pip install 'lsst-images[dask]'."
        ) from err
    client = get_client() if client is None else client
    pickled = pickle.dumps(butler)
    futures = {
        # Pickled by ourselves: a dataset is understood only where a Butler has been made.
        client.submit(_work, pickled, pickle.dumps(ref), places, function, component, pure=False): numbers
        for ref, numbers, places in _tasks(items)
    }
    try:
        for future in as_completed(list(futures)):
            yield from zip(futures[future], future.result(), strict=True)
    finally:
        client.cancel(list(futures))


def _tasks(items: Iterable[Item]) -> Iterator[tuple[DatasetRef, list[int], list[Any]]]:
    """Group pieces by dataset."""
    groups: dict[DatasetRef, list[tuple[int, Any]]] = {}
    for number, item in enumerate(items):
        ref, where = item if isinstance(item, tuple) else (item, None)
        groups.setdefault(ref, []).append((number, where))
    for ref, wanted in groups.items():
        for begin in range(0, len(wanted), PIECES):
            numbers, places = zip(*wanted[begin : begin + PIECES], strict=True)
            yield ref, list(numbers), list(places)


def _work(
    pickled: bytes,
    pickled_ref: bytes,
    places: Sequence[Any],
    function: Callable[[Any], Any],
    component: str | None,
) -> list[Any]:
    """Read and apply, on a worker."""
    butler = _butler(pickled)
    ref: DatasetRef = pickle.loads(pickled_ref)
    target = ref if component is None else ref.makeComponentRef(component)
    cuts = iter(
        read_cutouts(
            butler, [(ref, where) for where in places if where is not None], component=component, workers=1
        )
    )
    return [function(butler.get(target) if where is None else next(cuts).image) for where in places]


def _butler(pickled: bytes) -> Butler:
    """Make a Butler once for each thread of a worker; one serves one thread."""
    made: dict[bytes, Butler] = _local.__dict__.setdefault("butlers", {})
    if pickled not in made:
        made.clear()
        made[pickled] = pickle.loads(pickled)
    return made[pickled]
