"""Connections of a test's server, which end with it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def ending_with_the_block(handler: Handler) -> AsyncIterator[Handler]:
    """Yield a handler that serves connections as the given one does, and closes them when the block ends.

    A handler that the end of the event loop cancels would leave its writer open: from Python 3.13 on, one that is
    collected so warns.
    """
    tasks: set[asyncio.Task[None]] = set()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a handler runs in a task")
        tasks.add(task)
        try:
            await handler(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()  # the block has ended
        finally:
            tasks.discard(task)
            writer.close()

    try:
        yield handle
    finally:
        ending = list(tasks)
        for task in ending:
            task.cancel()
        await asyncio.gather(*ending, return_exceptions=True)
