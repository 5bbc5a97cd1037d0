"""Work on the next few parts while the last is used: two threads, for numpy lets others run, and bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_THREADS = 2
_AHEAD = 3

Given = TypeVar("Given")
Made = TypeVar("Made")


def map_ahead(work: Callable[[Given], Made], given: Iterable[Given]) -> Iterator[Made]:
    """Results of ``work`` in the order of what is given, made by two threads at most three ahead of their use."""
    with ThreadPoolExecutor(max_workers=_THREADS) as threads:
        waiting: deque[Future[Made]] = deque()
        for one in given:
            waiting.append(threads.submit(work, one))
            if len(waiting) > _AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
