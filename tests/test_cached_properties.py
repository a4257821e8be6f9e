# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of cached properties and forks."""

from __future__ import annotations

import multiprocessing
import threading
import warnings
from typing import Any

from lsst.images.utils import cached_property

FORK_TIMEOUT = 20
"""Time after which a child process counts as blocked, in seconds."""


class Slow:
    """An object whose property is computed until an event is set."""

    def __init__(self, started: threading.Event, release: threading.Event) -> None:
        self.events = (started, release)

    @cached_property
    def value(self) -> int:
        """A number."""
        started, release = self.events
        started.set()
        release.wait()
        return 3


def read_value(results: Any) -> None:
    """Compute the property of another object of the class."""
    done = threading.Event()
    done.set()
    results.put(Slow(threading.Event(), done).value)


def test_cached_property_forked_while_another_thread_computes_is_not_blocked() -> None:
    started, release = threading.Event(), threading.Event()
    slow = Slow(started, release)
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    started.wait()
    context = multiprocessing.get_context("fork")
    results = context.SimpleQueue()
    child = context.Process(target=read_value, args=(results,))
    try:
        with warnings.catch_warnings():
            # Python 3.12 warns about forks with threads.
            warnings.simplefilter("ignore", DeprecationWarning)
            child.start()
        child.join(FORK_TIMEOUT)
        assert child.exitcode == 0 and results.get() == 3
    finally:
        child.kill()
        release.set()
        thread.join()
    assert slow.value == 3
