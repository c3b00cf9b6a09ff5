"""As tests/integration/worker/test_probe_garbage.py, for DNS and gRPC checks."""

import asyncio
import gc

from services.checks.outcome import ErrorKind
from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.wire.connection import Connection
from services.wire.dns_datagrams import UdpQuery
from services.wire.dns_tcp_handler import DnsTcpHandler
from services.wire.grpc_handler import GrpcHandler
from services.wire.http2 import Answer
from services.wire.observation import Observation
from services.worker.probe import Prober
from tests.integration.worker.probing import run
from tests.support.http2 import GOOD
from tests.support.name_server import serving
from tests.support.targets import saying, target
from tests.support.zones import Rogue, Zone


async def test_nothing_of_a_run_waits_for_the_garbage_collector(prober: Prober) -> None:
    zone = Zone("a.test. 60 A 192.0.2.1")
    cut = Rogue(lambda question: [question[:2] + b"\x83\x00" + question[4:]], lambda question: [question])
    outcomes = []
    async with (
        target(saying(GOOD)) as good,
        target(saying(b"nonsense nonsense")) as broken,
        target(saying(then_wait=True)) as silent,
        serving(zone) as names,
        serving(cut) as lying,
        serving(Rogue(lambda question: [question[:2] + b"\x81\x80\0\1\0\2" + question[8:]])) as garbled,
        serving(Rogue(lambda _: [])) as mute,
    ):
        specs: list[GrpcSpec | DnsSpec] = [GrpcSpec(address=f"127.0.0.1:{port}") for port in (good, broken, silent, 1)]
        specs += [DnsSpec("a.test", "A", (), server) for server in (names, lying, garbled, mute, "127.0.0.1:1")]
        # Only these wait for their deadline; on a busy machine the others may take longer than that.
        waiting = {f"127.0.0.1:{silent}", mute}
        gc.collect()
        gc.disable()
        try:
            for spec in specs:
                asked = spec.address if isinstance(spec, GrpcSpec) else spec.server
                seen = await run(prober, spec, timeout_s=0.2 if asked in waiting else 30)
                outcomes.append(seen.error_kind)
                del seen
            for _ in range(10):  # closed connections are let go in the loop's next turns
                await asyncio.sleep(0)
            gc.set_debug(gc.DEBUG_SAVEALL)
            gc.collect()
            ours = (Answer, GrpcHandler, DnsTcpHandler, UdpQuery, Connection, Observation)
            left = [type(each).__name__ for each in gc.garbage if isinstance(each, ours)]
        finally:
            gc.set_debug(0)
            gc.garbage.clear()
            gc.enable()

    refused, late, wrong = ErrorKind.CONNECT_REFUSED, ErrorKind.TIMEOUT, ErrorKind.PROTOCOL
    assert outcomes == [None, wrong, late, refused, None, wrong, wrong, late, refused]
    assert left == []
