"""Waiting for a condition, with a deadline."""

import asyncio
import time
from collections.abc import Callable

import psutil

from tests.support.patience import PATIENCE_S

_POLL_S = 0.02


async def until(condition: Callable[[], bool]) -> None:
    """Return when a condition holds.

    Raises:
        TimeoutError: it does not in time.
    """
    async with asyncio.timeout(PATIENCE_S):
        while not condition():  # noqa: ASYNC110 — another process sets no event of ours
            await asyncio.sleep(_POLL_S)


def until_now(condition: Callable[[], bool]) -> None:
    """The same, where no event loop runs."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError
        time.sleep(_POLL_S)


def is_gone(pid: int) -> bool:
    """Whether a process has ended, reaped or not."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
