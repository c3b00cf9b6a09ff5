"""The CPU time of one probe over a fresh connection, compared with other tools, on the same target and machine.

Ours is `Prober.run`. The blackbox exporter is called over its HTTP endpoint, the only interface that it has, which is
part of its figure. `openssl s_time` makes bare handshakes in C, so the difference is the cost of the probe itself. Both
verify the certificate. Each figure is the minimum of a few rounds, in turns, to exclude other load of the machine.
"""

import asyncio
import gc
import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import httpx
import psutil
import uvloop

from bench import certificates
from bench.beside import Measured, in_turns, s_time, serving, wait_for
from bench.report import Line, at_most, figure
from services.checks.outcome import Outcome
from services.checks.specs.http import HttpSpec
from services.platform.egress.policy import EgressPolicy
from services.platform.security.tls_context import context_trusting
from services.wire.fast_tls import IS_THERE
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.worker.kinds.http import HttpProbe
from services.worker.probe import Prober
from tests.support.ports import free_port
from tests.support.worker import a_check_of

_PROBES = {"http": 4_000, "https": 800}
_AT_ONCE = 20
_KEPT = 10_000
_BLACKBOX = "prometheus-blackbox-exporter"
_KEYS = {"ECDSA P-256": certificates.ecdsa, "RSA 2048": certificates.rsa_2048}
# Shares of what `openssl s_time` needs: where rustls verifies, and where OpenSSL does.
_SHARES = {"ECDSA P-256": 0.6, "RSA 2048": 0.85}
_SHARE_OF_OPENSSL = 1.25


def measure(folder: Path) -> list[Line]:
    """Measure each tool."""
    lines = [at_most("kept of a check for its probe", _kept(), "bytes", 512)]
    with ExitStack() as stack:
        port = stack.enter_context(serving(None))
        others = {}
        if shutil.which(_BLACKBOX):
            others["blackbox_exporter"] = stack.enter_context(_blackbox(folder, f"http://127.0.0.1:{port}/", None))
        figures = in_turns({"ours": lambda: _ours(f"http://127.0.0.1:{port}/", None), **others})
        lines += _compared("CPU of a probe over HTTP", figures, {"blackbox_exporter": 1 / 5})
    for name, make_key in _KEYS.items():
        files = certificates.make(folder, name.partition(" ")[0], make_key(), make_key())
        with ExitStack() as stack:
            figures = _over_tls(stack, folder, files)
            title = f"CPU of a probe over HTTPS, {name}"
            share = _SHARES[name] if IS_THERE else _SHARE_OF_OPENSSL
            lines += _compared(title, figures, {"blackbox_exporter": 1 / 1.5, "openssl s_time": share})
            if IS_THERE and "openssl s_time" in figures:
                most = figures["openssl s_time"] * _SHARE_OF_OPENSSL
                lines.append(at_most(f"{title}: without rtls", figures["without rtls"], "us/probe", most))
    return lines


def _over_tls(stack: ExitStack, folder: Path, files: certificates.Certificates) -> Mapping[str, float]:
    port = stack.enter_context(serving(files.target))
    url = f"https://127.0.0.1:{port}/"
    rounds: dict[str, Measured] = {"ours": lambda: _ours(url, files.authority)}
    if IS_THERE:
        rounds["without rtls"] = lambda: _ours(url, files.authority, fast=False)
    if shutil.which("openssl"):
        rounds["openssl s_time"] = lambda: s_time(port, files.authority)
    if shutil.which(_BLACKBOX):
        rounds["blackbox_exporter"] = stack.enter_context(_blackbox(folder, url, files.authority))
    return in_turns(rounds)


def _compared(name: str, figures: Mapping[str, float], shares: Mapping[str, float]) -> list[Line]:
    """Compare our figure with a share of each other one; report a tool that is not on PATH."""
    lines = []
    for other, share in shares.items():
        if other in figures:
            lines.append(figure(f"{name}: {other}", figures[other], "us/probe"))
            lines.append(
                at_most(f"{name}: ours, to {share:.3g} of it", figures["ours"], "us/probe", figures[other] * share)
            )
        else:
            lines.append(figure(f"{name}: ours ({other} is not on PATH)", figures["ours"], "us/probe"))
    return lines


def _kept() -> float:
    """Return the bytes that stay in memory for each probed check, besides the check itself."""
    specs = [HttpSpec(url=f"https://shop-{number}.example.com/status/{number}") for number in range(_KEPT)]
    _ = HttpProbe(HttpSpec(url="https://first.example.com/")).encoded_request
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        probes = [HttpProbe(spec) for spec in specs]
        for probe in probes:
            _ = probe.encoded_request
        return (tracemalloc.get_traced_memory()[0] - before) / _KEPT
    finally:
        tracemalloc.stop()


def _ours(url: str, authority: Path | None, *, fast: bool = True) -> float:
    tls = TlsContexts(partial(context_trusting, authority.read_text()), fast=fast) if authority else None
    return uvloop.run(_probes(url, tls))


async def _probes(url: str, tls: TlsContexts | None) -> float:
    resolver = Resolver()
    prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.0/8"), tls), worker_id="worker-1")
    spec = HttpSpec(url=url)
    check, probe = a_check_of(spec), prober.probe_of(spec)
    count = _PROBES[url.partition(":")[0]]
    left = iter(range(count))

    async def some() -> None:
        for _ in left:
            seen = await prober.run(check, 0, 0, probe=probe)
            if seen.outcome is not Outcome.UP:
                raise RuntimeError(f"a probe of the target failed: {seen.error_message}")

    gc.collect()
    start = time.process_time()
    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    seconds = time.process_time() - start
    await resolver.close()
    return seconds / count * 1e6


@contextmanager
def _blackbox(folder: Path, url: str, authority: Path | None) -> Iterator[Measured]:
    tls = f"\n      tls_config: {{ca_file: {authority}}}" if authority else ""
    config = folder / "blackbox.yml"
    config.write_text(
        f"modules:\n  bench:\n    prober: http\n    timeout: 5s\n    http:\n      preferred_ip_protocol: ip4{tls}\n"
    )
    port = free_port()
    command = [_BLACKBOX, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield lambda: asyncio.run(_asked(psutil.Process(process.pid), port, url))
    finally:
        process.kill()
        process.wait()


async def _asked(process: psutil.Process, port: int, url: str) -> float:
    count = _PROBES[url.partition(":")[0]] // 2
    left = iter(range(count))
    before = process.cpu_times()
    async with httpx.AsyncClient(timeout=10) as client:

        async def some() -> None:
            for _ in left:
                answer = await client.get(f"http://127.0.0.1:{port}/probe", params={"target": url, "module": "bench"})
                if "\nprobe_success 1" not in answer.text:
                    raise RuntimeError(f"the blackbox exporter's probe failed: {answer.text[-200:]}")

        await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    after = process.cpu_times()
    return float(after.user + after.system - before.user - before.system) / count * 1e6
