# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A handful of threads for one call, for codecs that release the interpreter lock."""

from __future__ import annotations

__all__ = ("default_threads", "pick_threads", "run_jobs", "partition")

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from ...errors import InvalidArgumentError

_Job = TypeVar("_Job")
_Plan = TypeVar("_Plan")

JOB_PIXELS = 1 << 18
"""Short tiles are decoded together until they make so many pixels: enough for
threads not to fight over the interpreter lock, few enough for the caches."""

MAX_THREADS = 8
"""More threads than this compete for memory instead of helping."""


def default_threads() -> int:
    """Return how many threads a call may use if nobody says otherwise.

    Returns
    -------
    `int`
        The environment variable ``LSST_IMAGES_THREADS`` if set, else the
        number of processors that this process may use, at most 8.

    Raises
    ------
    InvalidArgumentError
        If the variable is not a positive integer.
    """
    asked = os.environ.get("LSST_IMAGES_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise InvalidArgumentError(f"LSST_IMAGES_THREADS={asked!r} is not a positive integer.")
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MAX_THREADS)
    return min(os.cpu_count() or 1, MAX_THREADS)


def pick_threads(threads: int | None, pixels: int, most_serial: int) -> int:
    """Return how many threads a call should use.

    Parameters
    ----------
    threads
        What its caller asked for; `None` if nobody did.
    pixels
        How much there is to do.
    most_serial
        So much is done before another thread would be of use.

    Returns
    -------
    `int`
        Number of threads.
    """
    if threads is not None:
        return threads
    return default_threads() if pixels > most_serial else 1


def partition(count: int, tile_pixels: int, threads: int) -> tuple[list[tuple[int, int]], int]:
    """Share tiles out in batches.

    Parameters
    ----------
    count
        Number of tiles.
    tile_pixels
        Pixels in a tile.
    threads
        Number of threads at most.

    Returns
    -------
    jobs : `list` [ `tuple` [ `int`, `int` ] ]
        First and one past the last tile of each batch.
    threads : `int`
        Number of threads to use.
    """
    step = max(1, JOB_PIXELS // tile_pixels)
    if threads > 1:
        step = min(step, -(-count // threads))
    starts = range(0, count, step)
    jobs = list(zip(starts, [*starts[1:], count], strict=True))
    return jobs, min(threads, len(jobs))


def run_jobs(
    make_worker: Callable[[_Plan], Callable[[_Job], None]], plan: _Plan, jobs: Iterable[_Job], threads: int
) -> None:
    """Call a function for each job, on several threads.

    Parameters
    ----------
    make_worker
        Called with the plan, once in each thread; gives the function that does
        a job, which may keep memory of its own.
    plan
        What all threads share.
    jobs
        Arguments of that function, handed out in order.
    threads
        Number of threads, the caller's own included; 1 starts none.

    Raises
    ------
    Exception
        Whatever the first failing call raised; jobs not yet begun are dropped.
    """
    if threads <= 1:
        worker = make_worker(plan)
        for job in jobs:
            worker(job)
        return
    waiting = iter(jobs)
    lock = threading.Lock()
    errors: list[BaseException] = []

    def work() -> None:
        try:
            worker = make_worker(plan)
            while not errors:
                with lock:
                    job = next(waiting, None)
                if job is None:
                    return
                worker(job)
        except BaseException as err:
            errors.append(err)

    helpers = [threading.Thread(target=work, daemon=True) for _ in range(threads - 1)]
    for helper in helpers:
        helper.start()
    work()
    for helper in helpers:
        helper.join()
    if errors:
        raise errors[0]
