"""Each route of proto/ gets one twin under /v1 when gen/ is generated."""

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

from tools.generate import PROTO
from tools.versioned_routes import add_versioned_routes


def completed(*rules: http_pb2.HttpRule) -> list[http_pb2.HttpRule]:
    """Return the rules of an RPC that has some, after /v1 was added."""
    files = descriptor_pb2.FileDescriptorSet()
    service = files.file.add().service.add(name="Shop")
    service.method.add(name="Untouched")
    method = service.method.add(name="Buy")
    if rules:
        rule = method.options.Extensions[annotations_pb2.http]
        rule.CopyFrom(rules[0])
        rule.additional_bindings.extend(rules[1:])
    add_versioned_routes(files)
    untouched, method = files.file[0].service[0].method
    assert not untouched.HasField("options")
    if not method.options.HasExtension(annotations_pb2.http):
        return []
    rule = method.options.Extensions[annotations_pb2.http]
    every = [http_pb2.HttpRule.FromString(each.SerializeToString()) for each in (rule, *rule.additional_bindings)]
    every[0].ClearField("additional_bindings")
    return every


def test_each_route_has_a_twin_after_all_routes_of_its_rpc() -> None:
    first = http_pb2.HttpRule(post="/orders/{order.id}:pay", body="order", response_body="bill")
    second = http_pb2.HttpRule(get="/.well-known/orders")

    assert completed(first, second) == [
        first,
        second,
        http_pb2.HttpRule(post="/v1/orders/{order.id}:pay", body="order", response_body="bill"),
        http_pb2.HttpRule(get="/v1/.well-known/orders"),
    ]


def test_an_rpc_without_a_route_stays_without() -> None:
    assert completed() == []


@pytest.mark.parametrize("path", ["/v1", "/v1/orders"])
def test_a_route_under_v1_by_hand_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match=f"Shop.Buy: remove {path}; routes under /v1 are added"):
        completed(http_pb2.HttpRule(get="/orders"), http_pb2.HttpRule(get=path))


def test_a_path_that_begins_like_the_prefix_has_a_twin() -> None:
    assert completed(http_pb2.HttpRule(get="/v10"))[1].get == "/v1/v10"


@pytest.mark.parametrize("rule", [http_pb2.HttpRule(), http_pb2.HttpRule(custom={"kind": "HEAD", "path": "/orders"})])
def test_a_route_without_a_method_of_http_is_refused(rule: http_pb2.HttpRule) -> None:
    with pytest.raises(ValueError, match=r"Shop\.Buy: a route needs one of get, put, post, delete and patch"):
        completed(rule)


def test_proto_names_no_route_under_v1() -> None:
    files = sorted(PROTO.rglob("*_service.proto"))

    assert len(files) == 3
    for path in files:
        text = path.read_text()
        assert "google.api.http" in text
        assert '"/v1' not in text, path
