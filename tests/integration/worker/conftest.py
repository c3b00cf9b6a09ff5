"""A prober on real sockets, and a database server that may be stopped."""

from collections.abc import AsyncIterator

import pytest

from services.platform.egress.policy import EgressPolicy
from services.wire.network import Network
from services.wire.resolver import Resolver
from services.wire.tls import TlsContexts
from services.worker import probe
from services.worker.probe import Prober
from tests.integration.worker.deadlines import Deadlines, PatientDeadline
from tests.support.targets import Authority

LOOPBACK = EgressPolicy.parse("127.0.0.0/8, ::1/128")


@pytest.fixture
async def resolver() -> AsyncIterator[Resolver]:
    """A resolver of the test's own."""
    resolver = Resolver()
    yield resolver
    await resolver.close()


@pytest.fixture(autouse=True)
def patient_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run does before its short deadline is done before it on a busy machine too."""
    monkeypatch.setattr(probe, "Deadline", PatientDeadline)


@pytest.fixture
def deadlines(monkeypatch: pytest.MonkeyPatch, patient_deadlines: None) -> Deadlines:
    """The deadlines of all runs of the test."""
    deadlines = Deadlines()
    deadlines.watch(monkeypatch)
    return deadlines


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """A certificate authority."""
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def network(resolver: Resolver, authority: Authority) -> Network:
    """The way to loopback, which trusts the test's authority."""
    return Network(resolver, LOOPBACK, TlsContexts(authority.trusting))


@pytest.fixture
def prober(network: Network) -> Prober:
    """A prober that goes this way."""
    return Prober(network, worker_id="worker-1")
