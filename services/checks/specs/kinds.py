"""The registry of the kinds of checks, by name."""

from collections.abc import Mapping

from sentinel.monitor.v1 import check_pb2

from services.checks.specs import message_json
from services.checks.specs.dns import DnsSpec
from services.checks.specs.grpc import GrpcSpec
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.checks.specs.tcp import TcpSpec
from services.checks.specs.tls import TlsSpec

_ALL: tuple[type[Spec], ...] = (
    DnsSpec,
    GrpcSpec,
    HeartbeatSpec,
    HttpSpec,
    TcpSpec,
    TlsSpec,
)
KINDS: Mapping[str, type[Spec]] = {each.KIND: each for each in _ALL}


def spec_of(check: check_pb2.Check) -> Spec:
    """Return the spec of a check's message that was validated by the rules of the contract."""
    kind = check.WhichOneof("kind") or HttpSpec.KIND
    return KINDS[kind].from_check_json(message_json.to_json(check))
