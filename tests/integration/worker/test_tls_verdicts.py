"""Each server gets the same verdict with the faster TLS library and without it: OpenSSL's by our policy."""

from functools import partial

import pytest

from services.checks.outcome import ErrorKind
from services.checks.result import Result
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import HttpAuth
from services.checks.specs.spec import Spec
from services.checks.specs.tls import TlsSpec
from services.checks.specs.tls_options import TlsOptions
from services.platform.security.tls_context import context_trusting
from services.wire import tls_connection
from services.wire.certificate import NAME_ONLY_IN_CN
from services.wire.fast_tls import IS_THERE
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.wire.tls_library_cache import TlsLibrary
from services.worker.probe import Prober
from tests.integration.worker.conftest import LOOPBACK
from tests.integration.worker.probing import PLENTY_S, run, verdict
from tests.integration.worker.tls_servers import SERVERS, Authorities, Met


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Authorities:
    return Authorities(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """However slow the machine is, the faster library has time."""
    monkeypatch.setattr(tls_connection, "FAST_TIMEOUT_S", PLENTY_S)
    monkeypatch.setattr(tls_connection, "ADMISSION_S", PLENTY_S)
    return monkeypatch


def specs(met: Met, port: int) -> list[Spec]:
    options = TlsOptions(
        skip_verify=not met.is_verified, ca_certificates=met.trusted if met.is_verified else "", server_name=met.name
    )
    auth = HttpAuth(client_certificate=met.shown) if met.shown else HttpAuth()
    http = HttpSpec(url=f"https://{met.host}:{port}/", tls=options, auth=auth)
    handshake = TlsSpec(
        host=met.host,
        port=port,
        skip_verify=options.skip_verify,
        ca_certificates=options.ca_certificates,
        server_name=options.server_name,
    )
    if met.shown:  # TLS checks show none
        return [http]
    return [handshake] if met.kind is ErrorKind.TIMEOUT else [http, handshake]


class Ran:
    """One run: its result, and the order in which the phases were reported."""

    def __init__(self, result: Result, phases: list[str]) -> None:
        self.result = result
        reached = [
            each for each in ("dns", "connect", "tls", "ttfb", "transfer") if getattr(result, f"{each}_us") is not None
        ]
        self.told = {
            "verdict": verdict(result),
            "message": result.error_message,
            "warning": result.tls_warning,
            "expires": result.tls_not_after_us,
            "version": result.tls_version,
            "status": result.status_code,
            "phases": reached,
            "phases told": phases,
            "address": result.resolved_ip,
        }


async def run_with(contexts: TlsContexts, spec: Spec, timeout_s: float) -> Ran:
    resolver = Resolver()
    phases: list[str] = []
    try:
        prober = Prober(Network(resolver, LOOPBACK, contexts), worker_id="worker-1")
        result = await run(prober, spec, timeout_s=timeout_s, on_phase=lambda phase, _: phases.append(phase))
    finally:
        await resolver.close()
    return Ran(result, phases)


def judge(contexts: TlsContexts) -> TlsLibrary:
    """Who is asked first about the only server."""
    judges = [each for each, _ in contexts.libraries._libraries.values()]
    return judges[0] if judges else TlsLibrary.FASTEST


@pytest.mark.parametrize("name", SERVERS)
async def test_a_server_is_judged_by_our_policy_with_each_library(
    authorities: Authorities, patience: pytest.MonkeyPatch, name: str
) -> None:
    met = SERVERS[name](authorities)
    timeout_s = PLENTY_S
    if met.kind is ErrorKind.TIMEOUT:
        timeout_s = 0.5
        patience.setattr(tls_connection, "FAST_TIMEOUT_S", 0.05)
    if "without tickets" in name:
        patience.setattr(tls_connection, "ADMISSION_S", 0.1)
    trusting = partial(context_trusting, authorities.root.pem)
    async with met.served() as port:
        for spec in specs(met, port):
            contexts, openssl = TlsContexts(trusting), TlsContexts(trusting, fast=False)
            alone, alone_again = [await run_with(openssl, spec, timeout_s) for _ in range(2)]
            first, again = [await run_with(contexts, spec, timeout_s) for _ in range(2)]

            assert verdict(alone.result) == met.verdict, alone.result.error_message
            assert alone.result.error_message.startswith(met.says)
            assert alone.result.tls_warning == (NAME_ONLY_IN_CN if met.warns else None)
            assert [alone_again.told, first.told, again.told] == [alone.told] * 3
            if IS_THERE:
                assert judge(contexts) is met.judge
            # OpenSSL alone has no other to ask while a server is silent.
            is_told_apart = met.judge is TlsLibrary.WATCHED and met.kind is not ErrorKind.TIMEOUT
            assert judge(openssl) is (TlsLibrary.WATCHED if is_told_apart else TlsLibrary.FASTEST)
