"""The cost of checks of other kinds than HTTP: probes per second in one process, and the CPU time of one.

Targets run in separate processes, on the same cores. The figures are the best of a few rounds.
"""

import asyncio
import gc
import shutil
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

import uvloop

from bench import certificates
from bench.beside import answering, in_turns, s_time, serving
from bench.report import Line, at_least, at_most, figure
from services.checks.outcome import Outcome
from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec
from services.platform.egress.policy import EgressPolicy
from services.platform.security.tls_context import context_trusting
from services.wire.fast_tls import IS_THERE
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.worker.probe import Prober
from tests.support.worker import a_check_of

FEWEST = 2_000
_ROUNDS = 3
_AT_ONCE = 20
_TCP_PROBES = 6_000
_TLS_PROBES = 1_000
# The limits where rustls verifies, and where OpenSSL does.
_FEWEST_TLS, _FEWEST_OF_OPENSSL = 1_500, 500
_SHARE, _SHARE_OF_OPENSSL = 0.6, 1.25
_DNS_PROBES = 6_000
_GRPC_PROBES = 6_000


class Speed(NamedTuple):
    """The speed of probes.

    Attributes:
        rate: probes per second of wall-clock time.
        cpu_us: CPU time per probe in microseconds.
    """

    rate: float
    cpu_us: float


def measure(folder: Path) -> list[Line]:
    """Measure each kind."""
    return [line for measure_kind in KINDS.values() for line in measure_kind(folder)]


def speed(spec: Spec, count: int, tls: TlsContexts | None = None) -> Speed:
    """Run one round of probes, which must all be UP, and return their speed."""
    return uvloop.run(_probes(spec, count, tls))


async def _probes(spec: Spec, count: int, tls: TlsContexts | None) -> Speed:
    resolver = Resolver()
    prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.0/8"), tls), worker_id="worker-1")
    check, probe, left = a_check_of(spec), prober.probe_of(spec), iter(range(count))

    async def some() -> None:
        for _ in left:
            seen = await prober.run(check, 0, 0, probe=probe)
            if seen.outcome is not Outcome.UP:
                raise RuntimeError(f"a probe of the target failed: {seen.error_message}")

    gc.collect()
    cpu, clock = time.process_time(), time.perf_counter()
    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    cpu, clock = time.process_time() - cpu, time.perf_counter() - clock
    await resolver.close()
    return Speed(count / clock, cpu / count * 1e6)


def best(rounds: Callable[[], Speed]) -> Speed:
    """Return the best of a few rounds."""
    seen = [rounds() for _ in range(_ROUNDS)]
    return Speed(max(each.rate for each in seen), min(each.cpu_us for each in seen))


def _dns(_folder: Path) -> list[Line]:
    with answering("dns") as port:
        return _fast("DNS", DnsSpec("acme.test", "A", ("192.0.2.1",), f"127.0.0.1:{port}"), _DNS_PROBES)


def _grpc(_folder: Path) -> list[Line]:
    with answering("grpc") as port:
        return _fast("gRPC", GrpcSpec(address=f"127.0.0.1:{port}", service="shop.v1.Shop"), _GRPC_PROBES)


def _fast(name: str, spec: Spec, count: int) -> list[Line]:
    seen = best(partial(speed, spec, count))
    return [
        at_least(f"{name}: one process", seen.rate, "probes/s", FEWEST),
        figure(f"{name}: CPU", seen.cpu_us, "us/probe"),
    ]


def _tcp(_folder: Path) -> list[Line]:
    with serving(None) as port:
        return [
            *_fast("TCP", TcpSpec("127.0.0.1", port), _TCP_PROBES),
            *_fast("TCP, send and expect", TcpSpec("127.0.0.1", port, "PING\r\n", "200 OK"), _TCP_PROBES),
        ]


def _tls(folder: Path) -> list[Line]:
    files = certificates.make(folder, "kinds", certificates.ecdsa(), certificates.ecdsa())
    contexts = TlsContexts(partial(context_trusting, files.authority.read_text()))
    with serving(files.target) as port:
        spec = TlsSpec(host="127.0.0.1", port=port)
        rounds = {"ours": lambda: speed(spec, _TLS_PROBES, contexts).cpu_us}
        if shutil.which("openssl"):
            rounds["openssl s_time"] = lambda: s_time(port, files.authority)
        cpu = in_turns(rounds)
        rate = best(partial(speed, spec, _TLS_PROBES, contexts)).rate
        lines = [at_least("TLS: one process", rate, "probes/s", _FEWEST_TLS if IS_THERE else _FEWEST_OF_OPENSSL)]
    share = _SHARE if IS_THERE else _SHARE_OF_OPENSSL
    if "openssl s_time" not in cpu:
        return [*lines, figure("TLS: CPU (openssl is not on PATH)", cpu["ours"], "us/probe")]
    return [
        *lines,
        figure("TLS: CPU of a handshake, openssl s_time", cpu["openssl s_time"], "us/probe"),
        at_most(f"TLS: CPU, to {share:.3g} of it", cpu["ours"], "us/probe", cpu["openssl s_time"] * share),
    ]


KINDS: Mapping[str, Callable[[Path], list[Line]]] = {
    "dns": _dns,
    "grpc": _grpc,
    "tcp": _tcp,
    "tls": _tls,
}
"""By kind: measures it, with a folder for files."""
