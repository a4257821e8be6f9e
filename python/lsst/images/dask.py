# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Apply a function to many stored images on a Dask cluster.

Use this interactively; processing that is repeated belongs in a pipeline.
"""

from __future__ import annotations

__all__ = ("iter_images", "map_images")

import pickle
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from .butler import read_cutouts
from .errors import MissingOptionalDependencyError
from .io._cutouts import CutoutOptions

if TYPE_CHECKING:
    from distributed import Client

    from lsst.daf.butler import Butler, DatasetRef  # noqa: TID251  # for annotations only

R = TypeVar("R")

Item: TypeAlias = "DatasetRef | tuple[DatasetRef, Any]"
"""A dataset, or a dataset and a region of it."""

MAX_CUTOUTS_PER_TASK = 64
"""Number of cutouts of one dataset that one task reads with one open file."""

_local = threading.local()


def map_images(
    function: Callable[[Any], R],
    items: Iterable[Item],
    *,
    butler: Butler,
    client: Client | None = None,
    component: str | None = None,
    fill: str | None = None,
    clip: bool = False,
) -> list[R]:
    """Apply a function to stored images, or to cutouts of them, on a cluster.

    Parameters
    ----------
    function
        Function of one image, called on a worker.  Its result is sent back, so
        it should be small.
    items
        Datasets, or pairs of a dataset and a region: any value that the read
        parameter ``bbox`` accepts, for instance a box or ``(center, radius)``
        on the sky.
    butler
        Butler of the datasets.  Workers create a Butler with the same
        configuration, so they need access to its files and registry.
    client
        Client of the cluster; by default the current one.
    component
        Name of the component to read, for instance ``image``; `None` reads the
        whole object.
    fill, clip
        Handling of regions that are not within the image, as for
        `lsst.images.butler.read_cutouts`.

    Returns
    -------
    results
        In the order of the items.

    Raises
    ------
    MissingOptionalDependencyError
        If the package distributed is not installed.
    Exception
        The first error raised while reading or by the function.
    """
    found = dict(
        iter_images(function, items, butler=butler, client=client, component=component, fill=fill, clip=clip)
    )
    return [found[number] for number in sorted(found)]


def iter_images(
    function: Callable[[Any], R],
    items: Iterable[Item],
    *,
    butler: Butler,
    client: Client | None = None,
    component: str | None = None,
    fill: str | None = None,
    clip: bool = False,
) -> Iterator[tuple[int, R]]:
    """Apply a function to stored images on a cluster, and yield results as they are finished.

    Parameters
    ----------
    function, items, butler, client, component, fill, clip
        As for `map_images`.

    Yields
    ------
    number, result
        Index of the item, and the result of the function.

    Raises
    ------
    MissingOptionalDependencyError
        If the package distributed is not installed.
    Exception
        The first error raised while reading or by the function.  The other
        tasks are cancelled.
    """
    try:
        from distributed import as_completed, get_client
    except ImportError as err:
        raise MissingOptionalDependencyError(
            "Using a cluster requires the package distributed. Install it with "
            "pip install 'lsst-images[dask]'."
        ) from err
    options = CutoutOptions(component, fill, clip)
    client = get_client() if client is None else client
    pickled = pickle.dumps(butler)
    futures = {
        # A dataset can be unpickled only after a Butler has been created, so
        # it is pickled here and not by the client.
        client.submit(_work, pickled, pickle.dumps(ref), places, function, options, pure=False): numbers
        for ref, numbers, places in _tasks(items)
    }
    try:
        for future in as_completed(list(futures)):
            yield from zip(futures[future], future.result(), strict=True)
    finally:
        client.cancel(list(futures))


def _tasks(items: Iterable[Item]) -> Iterator[tuple[DatasetRef, list[int], list[Any]]]:
    """Group items by dataset, with at most `MAX_CUTOUTS_PER_TASK` in a group."""
    groups: dict[DatasetRef, list[tuple[int, Any]]] = {}
    for number, item in enumerate(items):
        ref, where = item if isinstance(item, tuple) else (item, None)
        groups.setdefault(ref, []).append((number, where))
    for ref, wanted in groups.items():
        for begin in range(0, len(wanted), MAX_CUTOUTS_PER_TASK):
            numbers, places = zip(*wanted[begin : begin + MAX_CUTOUTS_PER_TASK], strict=True)
            yield ref, list(numbers), list(places)


def _work(
    pickled: bytes,
    pickled_ref: bytes,
    places: Sequence[Any],
    function: Callable[[Any], R],
    options: CutoutOptions,
) -> list[R]:
    """Read images and apply the function; runs on a worker."""
    butler = _butler(pickled)
    ref: DatasetRef = pickle.loads(pickled_ref)  # noqa: S301 - made by the client of the cluster
    target = ref.makeComponentRef(options.planes) if isinstance(options.planes, str) else ref
    cutouts = iter(
        read_cutouts(
            butler,
            [(ref, where) for where in places if where is not None],
            planes=options.planes,
            fill=options.fill,
            clip=options.clip,
            keep_errors=False,
            workers=1,
        )
    )
    return [function(butler.get(target) if where is None else next(cutouts).image) for where in places]


def _butler(pickled: bytes) -> Butler:
    """Return the Butler of this thread, because a Butler is not thread-safe."""
    made: dict[bytes, Butler] = _local.__dict__.setdefault("butlers", {})
    if pickled not in made:
        made.clear()
        made[pickled] = pickle.loads(pickled)  # noqa: S301 - made by the client of the cluster
    return made[pickled]
