"""The registry of probes by kind of check."""

from collections.abc import Mapping
from functools import partial

from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec
from services.worker.heartbeats.signals import Signals
from services.worker.kinds.dns import DnsProbe
from services.worker.kinds.grpc import GrpcProbe
from services.worker.kinds.heartbeat import HeartbeatProbe
from services.worker.kinds.http import HttpProbe
from services.worker.kinds.kind import Kind
from services.worker.kinds.tcp import TcpProbe
from services.worker.kinds.tls import TlsProbe


def probes_by_kind(signals: Signals | None = None) -> Mapping[type[Spec], Kind]:
    """Return the factory of probes for each class of specs.

    Args:
        signals: reads the signals of jobs; None to leave out heartbeat checks.
    """
    kinds: dict[type[Spec], Kind] = {
        DnsSpec: DnsProbe,
        GrpcSpec: GrpcProbe,
        HttpSpec: HttpProbe,
        TcpSpec: TcpProbe,
        TlsSpec: TlsProbe,
    }
    if signals is not None:
        kinds[HeartbeatSpec] = partial(HeartbeatProbe, signals=signals)
    return kinds
