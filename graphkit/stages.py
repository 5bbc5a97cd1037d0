"""Stages of the work: who wants to hears when each begins and ends, and the clock keeps their seconds."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass
class Stage:
    """A stage of the work, while it runs and when it is done."""

    name: str
    result: str = ""
    """What it made, such as "1,204,331 links"."""
    seconds: float | None = None
    """How long it took; None while it runs."""


Progress = Callable[[Stage], None]
"""Told of each stage when it begins and again when it is done."""


class Clock:
    """Seconds by stage, and who is told of them."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self.started = datetime.now(UTC)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[Stage]:
        """Time a stage of the work, for the length of a ``with``; what it made can be noted in what is given."""
        stage = Stage(name)
        self._tell(stage)
        start = time.perf_counter()
        yield stage
        stage.seconds = self.seconds[name] = round(time.perf_counter() - start, 3)
        self._tell(stage)

    def _tell(self, stage: Stage) -> None:
        if self._progress is not None:
            self._progress(stage)
