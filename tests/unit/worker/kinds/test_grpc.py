"""What a gRPC check sends: whom it names, and that it is made once."""

import hpack
import pytest

from services.checks.specs.grpc import GrpcSpec
from services.worker.kinds.grpc import GrpcProbe, call_of


@pytest.mark.parametrize(
    ("spec", "authority", "scheme", "server_name"),
    [
        (GrpcSpec(address="API.test:50051"), "api.test:50051", "http", "api.test"),
        (GrpcSpec(address="api.test:80"), "api.test", "http", "api.test"),
        (GrpcSpec(address="api.test:443", tls=True), "api.test", "https", "api.test"),
        (GrpcSpec(address="api.test:80", tls=True), "api.test:80", "https", "api.test"),
        (GrpcSpec(address="[2001:DB8::1]:443", tls=True), "[2001:db8::1]", "https", "2001:db8::1"),
        (GrpcSpec(address="api.test.:1", tls=True, server_name="b.test"), "api.test:1", "https", "b.test"),
    ],
)
def test_the_authority_is_the_host_and_the_port_unless_it_is_the_schemes_own(
    spec: GrpcSpec, authority: str, scheme: str, server_name: str
) -> None:
    call = call_of(spec)
    behind_settings = call.bytes[24 + 9 + 12 :]
    block = behind_settings[9 : 9 + int.from_bytes(behind_settings[:3], "big")]
    headers = {name.decode(): value.decode() for name, value in hpack.Decoder().decode(block, raw=True)}

    assert (headers[":authority"], headers[":scheme"], call.server_name) == (authority, scheme, server_name)
    assert (headers[":method"], headers[":path"]) == ("POST", "/grpc.health.v1.Health/Check")
    assert (headers["te"], headers["content-type"]) == ("trailers", "application/grpc")


def test_a_call_is_made_once() -> None:
    probe = GrpcProbe(GrpcSpec(address="api.test:1"))

    assert probe.call is probe.call
    assert probe.call == call_of(GrpcSpec(address="api.test:1"))
