"""The contract itself: every method says who may call it and where; the domain's numbers are the contract's."""

from enum import IntEnum

import pytest
from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.internal.enum_type_wrapper import EnumTypeWrapper
from sentinel.auth.v1 import auth_service_pb2
from sentinel.monitor.v1 import (
    assertion_pb2,
    check_pb2,
    incident_pb2,
    monitor_service_pb2,
    result_pb2,
    service_pb2,
    stream_pb2,
    tls_check_pb2,
)
from sentinel.options.v1 import access_pb2
from sentinel.probe.v1 import probe_service_pb2

from services.checks.assertion_outcome import AssertionStatus
from services.checks.incident import IncidentEventKind, Resolution
from services.checks.outcome import ErrorKind, MissedReason, Outcome
from services.checks.specs.tls import StartTls
from services.checks.state import CheckState
from services.monitor.incidents.incident import IncidentState
from services.monitor.model import ServiceState
from services.platform.rpc.rules import rules_of
from services.platform.rpc.stream_guard import EndReason
from services.platform.security.principal import Role

SERVICES = [
    auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"],
    monitor_service_pb2.DESCRIPTOR.services_by_name["MonitorService"],
    probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"],
]
METHODS = [method for service in SERVICES for method in service.methods]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_method_says_who_may_call_it(method: MethodDescriptor) -> None:
    rule = rules_of(method.containing_service)[f"/{method.containing_service.full_name}/{method.name}"]

    assert rule.public != (rule.role is not None)


@pytest.mark.parametrize("method", METHODS, ids=lambda method: method.full_name)
def test_every_method_has_a_route_and_the_same_under_v1(method: MethodDescriptor) -> None:
    http = method.GetOptions().Extensions[annotations_pb2.http]
    every = [http, *http.additional_bindings]
    plain, versioned = every[: len(every) // 2], every[len(every) // 2 :]

    def routes(bindings: list[http_pb2.HttpRule], prefix: str) -> list[tuple[str, str, str]]:
        return [
            (str(each.WhichOneof("pattern")), prefix + getattr(each, str(each.WhichOneof("pattern"))), each.body)
            for each in bindings
        ]

    assert plain
    assert not any(path.startswith("/v1/") for _, path, _ in routes(plain, ""))
    assert routes(versioned, "") == routes(plain, "/v1")


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (Outcome, result_pb2.Outcome, "OUTCOME_"),
        (ErrorKind, result_pb2.ErrorKind, "ERROR_KIND_"),
        (MissedReason, result_pb2.MissedReason, "MISSED_REASON_"),
        (CheckState, check_pb2.CheckState, "CHECK_STATE_"),
        (ServiceState, service_pb2.ServiceState, "SERVICE_STATE_"),
        (IncidentState, incident_pb2.IncidentState, "INCIDENT_STATE_"),
        (IncidentEventKind, incident_pb2.IncidentEventKind, "INCIDENT_EVENT_KIND_"),
        (Resolution, incident_pb2.IncidentResolution, "INCIDENT_RESOLUTION_"),
        (EndReason, stream_pb2.StreamEndReason, "STREAM_END_REASON_"),
        (Role, access_pb2.Role, "ROLE_"),
        (AssertionStatus, assertion_pb2.AssertionStatus, "ASSERTION_STATUS_"),
        (StartTls, tls_check_pb2.StartTls, "START_TLS_"),
    ],
)
def test_the_domains_numbers_are_the_contracts(ours: type[IntEnum], theirs: EnumTypeWrapper, prefix: str) -> None:
    named = {name.removeprefix(prefix): number for name, number in theirs.items() if number}

    assert {member.name: member.value for member in ours} == named
