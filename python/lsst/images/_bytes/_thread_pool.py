# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Threads for one call, for functions that release the global interpreter lock."""

from __future__ import annotations

__all__ = ("default_threads", "pick_threads", "run_jobs", "partition")

import os
import threading
from collections.abc import Callable, Iterable
from typing import TypeVar

from ..errors import InvalidArgumentError
from ..utils import short_repr

_Job = TypeVar("_Job")
_Plan = TypeVar("_Plan")

MAX_JOB_PIXELS = 1 << 18
"""Maximum number of pixels of a batch of tiles: large enough to avoid contention
for the interpreter lock, small enough for the processor caches."""

MAX_THREADS = 8
"""Maximum default number of threads; more threads are limited by memory bandwidth."""


def default_threads() -> int:
    """Return the default number of threads of a call.

    Returns
    -------
    `int`
        The environment variable ``LSST_IMAGES_THREADS`` if set, else the
        number of processors available to this process, at most 8.

    Raises
    ------
    InvalidArgumentError
        If the variable is not a positive integer.
    """
    asked = os.environ.get("LSST_IMAGES_THREADS", "")
    if asked:
        if not asked.isdecimal() or int(asked) < 1:
            raise InvalidArgumentError(f"LSST_IMAGES_THREADS={short_repr(asked)} is not a positive integer.")
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return min(len(os.sched_getaffinity(0)), MAX_THREADS)
    return min(os.cpu_count() or 1, MAX_THREADS)


def pick_threads(threads: int | None, pixels: int, max_serial: int) -> int:
    """Return the number of threads that a call uses.

    Parameters
    ----------
    threads
        Number that the caller specified, or `None`.
    pixels
        Number of pixels to process.
    max_serial
        Maximum number of pixels for which one thread is used.

    Returns
    -------
    `int`
        Number of threads.
    """
    if threads is not None:
        return threads
    return default_threads() if pixels > max_serial else 1


def partition(count: int, tile_pixels: int, threads: int) -> tuple[list[tuple[int, int]], int]:
    """Divide tiles into batches.

    Parameters
    ----------
    count
        Number of tiles.
    tile_pixels
        Pixels in a tile.
    threads
        Maximum number of threads.

    Returns
    -------
    jobs : `list` [ `tuple` [ `int`, `int` ] ]
        First and one past the last tile of each batch.
    threads : `int`
        Number of threads to use.
    """
    step = max(1, MAX_JOB_PIXELS // tile_pixels)
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
        Called with the plan, once in each thread; returns the function that
        processes a job, which may own scratch memory.
    plan
        Data that all threads share.
    jobs
        Arguments of that function, processed in order.
    threads
        Number of threads, including the calling thread; 1 starts no others.

    Raises
    ------
    Exception
        The exception of the first failing call; jobs that have not started are
        skipped.
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
