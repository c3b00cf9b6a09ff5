"""How each kind of check is probed."""

from collections.abc import Mapping
from typing import Any

from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec
from services.worker.heartbeats.signals import Signals
from services.worker.kinds.dns import Dns
from services.worker.kinds.grpc import Grpc
from services.worker.kinds.heartbeat import Heartbeat
from services.worker.kinds.http import Http
from services.worker.kinds.kind import Kind
from services.worker.kinds.tcp import Tcp
from services.worker.kinds.tls import Tls


def every_kind(signals: Signals | None = None) -> Mapping[type[Spec], Kind[Any]]:
    """All kinds, by what they probe.

    Args:
        signals: what jobs have reported; without it heartbeats are left out.
    """
    kinds: dict[type[Spec], Kind[Any]] = {
        DnsSpec: Dns(),
        GrpcSpec: Grpc(),
        HttpSpec: Http(),
        TcpSpec: Tcp(),
        TlsSpec: Tls(),
    }
    if signals is not None:
        kinds[HeartbeatSpec] = Heartbeat(signals)
    return kinds
