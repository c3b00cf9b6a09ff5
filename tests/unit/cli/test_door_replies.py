"""Envoy's own errors, as the configuration has them: one for every status, the same for REST and for gRPC."""

import re
from typing import Any

import pytest
from google.protobuf import json_format
from google.rpc import error_details_pb2, status_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

from cli.door.limits import AUTH_METHODS, HEARTBEAT_METHODS, Limit
from cli.door.local_reply import lua, mappers
from cli.door.replies import ACTUAL, Reply, replies

REPLIES = replies([Limit(path, 6, 3).reply for path in (*AUTH_METHODS, *HEARTBEAT_METHODS)])
_IN_LUA = re.compile(r'(\w+) = "((?:\\\d{3})*)"')


def in_lua() -> list[status_pb2.Status]:
    """Return the status of each reply, put together from what the Lua filter holds."""
    lines = [line for line in lua(REPLIES).splitlines() if line.startswith("  {code")]
    return [_status({name: _bytes(literal) for name, literal in _IN_LUA.findall(line)}) for line in lines]


def _bytes(literal: str) -> bytes:
    return bytes(int(byte) for byte in re.findall(r"\\(\d{3})", literal))


def _status(fields: dict[str, bytes]) -> status_pb2.Status:
    status = status_pb2.Status(code=int(fields["code"]), message=fields["message"].decode())
    status.details.add().Pack(error_details_pb2.ErrorInfo.FromString(fields["info"]))
    status.MergeFromString(fields["retry_info"])
    return status


def statuses_of(mapper: dict[str, Any]) -> tuple[str, int]:
    """Return how a mapper compares the HTTP status, and with which."""
    filters = mapper["filter"].get("and_filter", {}).get("filters", [mapper["filter"]])
    comparison = filters[0]["status_code_filter"]["comparison"]
    return comparison["op"], comparison["value"]["default_value"]


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: f"{reply.http_status} {reply.reason}")
def test_a_reply_is_the_contracts_error(reply: Reply) -> None:
    assert f"ERROR_REASON_{reply.reason}" in reasons.ErrorReason.DESCRIPTOR.values_by_name
    assert reply.code != 0


def test_rest_and_grpc_get_the_same_error() -> None:
    rest = [
        each["body_format_override"]["json_format"]
        for each in mappers(REPLIES)
        if "json_format" in each.get("body_format_override", {})
    ]
    statuses = in_lua()
    assert len(statuses) == len(REPLIES)
    for reply, body, status in zip(REPLIES, rest, statuses, strict=False):
        as_json = status_pb2.Status()
        json_format.ParseDict(body, as_json)
        kinds = [detail.TypeName() for detail in as_json.details]
        assert as_json.code == status.code
        if reply.message:
            assert as_json.message.replace("%%", "%") == status.message.replace(ACTUAL, reply.actual)
        (info,) = _unpacked(as_json, error_details_pb2.ErrorInfo)
        (lua_info,) = _unpacked(status, error_details_pb2.ErrorInfo)
        assert info.metadata.pop("actual", "") == reply.actual  # the filter adds it
        assert info == lua_info
        assert _unpacked(as_json, error_details_pb2.RetryInfo) == _unpacked(status, error_details_pb2.RetryInfo)
        assert kinds.count(error_details_pb2.RequestInfo.DESCRIPTOR.full_name) == 1


def _unpacked(status: status_pb2.Status, kind: Any) -> list[Any]:
    found = []
    for detail in status.details:
        message = kind()
        if detail.Unpack(message):
            found.append(message)
    return found


def test_every_error_status_has_a_reply_for_rest_and_for_grpc() -> None:
    rest = [statuses_of(each) for each in mappers(REPLIES) if "json_format" in each.get("body_format_override", {})]
    grpc = [statuses_of(each) for each in mappers(REPLIES) if "body" in each]

    assert rest == grpc
    assert rest[-2:] == [("GE", 500), ("GE", 400)]
    assert {502, 503, 504} <= {status for compare, status in rest if compare == "EQ"}
