"""Values at the ends of what the contract can say are taken, or refused by the name of their field."""

from functools import reduce
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team, grpc_channel
from tests.support.walk import methods, request_of

_BY_NAME = {method.name: method for method in methods()}
_ID = str(uuid4())
_ASSERTION = {"certificateDaysLeft": 5}
_CHECK = {"name": "a", "heartbeat": {}}
_WINDOW = {"name": "a", "duration": "60s", "timeZone": "Asia/Tokyo", "rrule": "FREQ=DAILY"}
# A request that breaks no rule, and a field of it.
INSTANTS: list[tuple[str, dict[str, Any], str]] = [
    ("CreateApiKey", {"role": "ROLE_VIEWER", "name": "key"}, "expire_time"),
    ("ListAuditEntries", {}, "start_time"),
    ("ListAuditEntries", {}, "end_time"),
    ("ListIncidents", {}, "start_time"),
    ("ListIncidents", {}, "end_time"),
    ("ListCheckResults", {"serviceId": _ID, "checkId": _ID}, "start_time"),
    ("GetServiceUptime", {"serviceId": _ID}, "start_time"),
    ("CreateMaintenanceWindow", {"window": _WINDOW}, "window.start_time"),
    ("CreateMaintenanceWindow", {"window": _WINDOW}, "window.create_time"),
    ("EvaluateAssertions", {"assertions": [_ASSERTION], "given": {}}, "given.certificate_expire_time"),
    (
        "EvaluateAssertions",
        {"assertions": [_ASSERTION], "recorded": {"serviceId": _ID, "checkId": _ID}},
        "recorded.slot_time",
    ),
    ("UpdateCheck", {"check": {"id": _ID, "serviceId": _ID, **_CHECK}}, "check.state_time"),
]
SPANS: list[tuple[str, dict[str, Any], str]] = [
    ("CreateCheck", {"serviceId": _ID, "check": _CHECK}, "check.interval"),
    ("CreateCheck", {"serviceId": _ID, "check": _CHECK}, "check.heartbeat.grace"),
    ("TryCheck", {"check": {"name": "a", "tcp": {"host": "a.test", "port": 1}}}, "check.timeout"),
    ("CreateMaintenanceWindow", {"window": _WINDOW}, "window.duration"),
    ("EvaluateAssertions", {"assertions": [_ASSERTION], "given": {}}, "given.total"),
]
# Fields whose rules depend on a time, and that are named instead.
_DEPENDENT = ("bucket", "window.start_time", "check.timeout")
_FIRST, _LAST = -62_135_596_800, 253_402_300_799
_POINTS = [
    (_FIRST - 1, 999_999_999),
    (_FIRST, 0),
    (_FIRST, 1_000),
    (-1, 999_999_999),
    (0, 0),
    (4_102_444_799, 999_999_999),
    (_LAST, 0),
    (_LAST, 999_998_999),
    (_LAST, 999_999_000),
    (_LAST + 1, 0),
    (2**63 - 1, 999_999_999),
    (-(2**63), 0),
    (0, -1),
    (0, 2**31 - 1),
]
_LENGTHS = [(2**63 - 1, 999_999_999), (-(2**63), 0), (60, -1), (60, 2**31 - 1), (315_576_000_000, 0), (0, 1), (-1, 0)]


def _call(channel: grpc.Channel, team: Team, name: str, request: Message) -> tuple[grpc.StatusCode, str, list[str]]:
    """The code, the reason and the fields of the error of a gRPC call through Envoy."""
    method = _BY_NAME[name]
    make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
    call = make(f"/{method.containing_service.full_name}/{name}", request_serializer=type(request).SerializeToString)
    try:
        answer = call(request, metadata=team.metadata, timeout=PATIENCE_S)
        if method.server_streaming:
            list(answer)
    except grpc.RpcError as refused:
        error: Any = refused
        trailers = dict(error.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        assert len([detail for detail in status.details if detail.Unpack(info)]) == 1
        for detail in status.details:
            detail.Unpack(bad)
        return error.code(), info.reason, [each.field for each in bad.field_violations]
    return grpc.StatusCode.OK, "", []


@pytest.mark.parametrize(("name", "values", "field"), [*INSTANTS, *SPANS])
def test_extreme_times_are_taken_or_refused_by_the_fields_name(
    stack: Stack, lasting_team: Team, name: str, values: dict[str, Any], field: str
) -> None:
    is_instant = (name, values, field) in INSTANTS
    refused = 0
    with grpc_channel(stack) as channel:
        for seconds, nanos in _POINTS if is_instant else _LENGTHS:
            if "name" in values:
                values = {**values, "name": uuid4().hex}
            request = request_of(_BY_NAME[name], values)
            time: Any = reduce(getattr, field.split("."), request)
            time.seconds, time.nanos = seconds, nanos
            code, reason, fields = _call(channel, lasting_team, name, request)
            taken = {grpc.StatusCode.OK, grpc.StatusCode.NOT_FOUND}
            assert code in taken or (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID"), (
                seconds,
                nanos,
            )
            if code not in taken:
                refused += 1
                assert {field, *_DEPENDENT} & set(fields), (seconds, nanos, fields)
    assert refused

    listed = lasting_team.client.get("/api-keys")
    assert listed.status_code == 200
