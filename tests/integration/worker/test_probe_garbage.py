"""A run leaves nothing to the garbage collector, however it ends: thousands a second would make it stop the loop."""

import asyncio
import gc

from services.checks.outcome import Outcome
from services.wire.chunks import Chunks
from services.wire.connection import Connection
from services.wire.http_handler import HttpHandler
from services.wire.http_response import ResponseReader
from services.wire.observation import Observation
from services.worker.probe import Prober
from tests.integration.worker.probing import PLENTY_S, probe
from tests.support.targets import CHUNKED, Authority, Echo, saying, target

_OURS = (ResponseReader, Chunks, HttpHandler, Connection, Observation)


async def test_nothing_of_a_run_waits_for_the_garbage_collector(prober: Prober, authority: Authority) -> None:
    outcomes = []
    async with (
        target(Echo()) as plain,
        target(saying(CHUNKED + b"2\r\nok\r\n0\r\n\r\n")) as chunked,
        target(Echo(), authority.server("localhost")) as secure,
        target(Echo(), authority.server("other.test")) as wrong,
        target(saying(b"nonsense")) as broken,
        target(saying(then_wait=True)) as silent,
    ):
        urls = [f"http://localhost:{port}/" for port in (plain, chunked, broken, silent, 1)]
        urls += [f"https://localhost:{port}/" for port in (secure, wrong, plain, silent)]
        waiting = {f"http://localhost:{silent}/", f"https://localhost:{silent}/", f"https://localhost:{plain}/"}
        gc.collect()
        gc.disable()
        try:
            for url in urls:
                # Only these wait for their deadline; on a busy machine the others may take longer than that.
                seen = await probe(prober, url, timeout_s=0.2 if url in waiting else PLENTY_S)
                outcomes.append(seen.outcome)
                del seen
            for _ in range(10):  # closed connections are let go in the loop's next turns
                await asyncio.sleep(0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            left = [type(each).__name__ for each in gc.garbage if isinstance(each, _OURS)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    assert outcomes == [*[Outcome.UP] * 2, *[Outcome.DOWN] * 3, Outcome.UP, *[Outcome.DOWN] * 3]
    assert left == []
