"""One connection listens for all of a process, and comes back by itself."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg

from services.platform.postgres.listener import Listener
from services.platform.rpc.server import background

ROLE = "sentinel_worker"


class Hearer:
    """What hears one channel: what came, and when listening has begun."""

    def __init__(self) -> None:
        self.connects = 0
        self.connected = asyncio.Event()
        self.heard: asyncio.Queue[str] = asyncio.Queue()

    async def on_connect(self) -> None:
        self.connects += 1
        self.connected.set()


async def test_all_channels_are_heard_over_one_connection_and_each_hearer_learns_of_each_reconnect(
    database_url: str,
) -> None:
    admin = await asyncpg.connect(database_url)
    listener, hearers = Listener(database_url, ROLE), {name: Hearer() for name in ("first", "second", "third")}
    for name, hearer in hearers.items():
        listener.subscribe({name: hearer.heard.put_nowait}, hearer.on_connect)
    another: asyncio.Queue[str] = asyncio.Queue()
    listener.subscribe({"first": another.put_nowait}, Hearer().on_connect)

    async with background(listener.run()):
        for round_ in (1, 2):
            for name, hearer in hearers.items():
                await hearer.connected.wait()
                assert hearer.connects == round_
                hearer.connected.clear()
                await admin.execute("SELECT pg_notify($1, $2)", name, f"{name} {round_}")
                assert await hearer.heard.get() == f"{name} {round_}"
            assert await another.get() == f"first {round_}"
            (row,) = await admin.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = $1", ROLE)
            await admin.execute("SELECT pg_terminate_backend($1, 60000)", row["pid"])
    await admin.close()


async def test_a_ping_that_gets_no_answer_gives_the_connection_up_and_another_is_made(database_url: str) -> None:
    admin = await asyncpg.connect(database_url)
    listener, hearer = Listener(database_url, ROLE), Hearer()
    listener.subscribe({}, hearer.on_connect)
    assert not await listener.ping()  # there is no connection yet

    async with background(listener.run()):
        await hearer.connected.wait()
        hearer.connected.clear()
        assert await listener.ping()
        await _cancelled(listener.ping)
        await hearer.connected.wait()
        assert hearer.connects == 2
        assert await listener.ping()
    await admin.close()


async def _cancelled(work: Callable[[], Awaitable[object]]) -> None:
    """Begin some work, and give up waiting for it, as a caller does whose time is over."""
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert task.cancelled()
