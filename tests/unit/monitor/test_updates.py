"""An update is held to the contract's rules as the whole that it makes, and what breaks one is named."""

from dataclasses import replace
from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict
from sentinel.monitor.v1 import monitor_service_pb2 as pb

from services.checks.specs.http import HttpSpec
from services.checks.specs.tls import StartTls, TlsSpec
from services.monitor.drafts import CheckDraft, new_check
from services.monitor.maintenance.window import Window, WindowDraft
from services.monitor.model import Service
from services.monitor.updates import Updates
from services.platform.clock import SECOND_US
from services.platform.errors import InvalidArgument
from services.platform.ids import new_id

CHECK = new_check(
    new_id(),
    new_id(),
    CheckDraft(
        name="home",
        spec=HttpSpec(url="http://t.test/"),
        given={"interval_us": 60 * SECOND_US, "timeout_us": 30 * SECOND_US},
    ),
    1,
)
SERVICE = Service(
    tenant_id=new_id(),
    id=new_id(),
    name="Shop",
    url="",
    description="",
    labels={"team": "web"},
    create_us=1,
    update_us=1,
)


def draft(check: dict[str, Any], *paths: str) -> CheckDraft:
    request = ParseDict({"check": check}, pb.UpdateCheckRequest())
    request.update_mask.CopyFrom(FieldMask(paths=paths))
    return Updates().of_check(request)(CHECK)


@pytest.mark.parametrize(
    ("check", "paths", "field"),
    [
        ({"interval": "30s"}, [], "check.timeout"),
        ({"interval": "20s"}, ["interval"], "check.timeout"),
        ({"timeout": "60s"}, [], "check.timeout"),
        ({"timeout": "100s"}, ["timeout"], "check.timeout"),
        ({"interval": "4s"}, [], "check.interval"),
        ({"name": " "}, [], "check.name"),
        ({}, ["name"], "check.name"),
        ({}, ["http"], "check.kind"),
        ({}, ["http.url"], "check.http.url"),
        ({"http": {"url": "ftp://t.test/"}}, [], "check.http.url"),
        ({"http": {"headers": {"x": "a\r\nb: c"}}}, [], "check.http.headers['x']"),
        ({"http": {"headers": {"x": "a\r\nb: c"}}}, ["http.headers"], "check.http.headers['x']"),
        ({"http": {"headers": {"Host\r": "a"}}}, ["http.headers"], "check.http.headers['Host\\r']"),
        ({"http": {"body": "a\0b"}}, [], "check.http.body"),
        ({"http": {"bearerToken": "a\r\nb: c"}}, [], "check.http.bearer_token"),
        ({"http": {"bearerToken": "a b"}}, [], "check.http.bearer_token"),
        ({"http": {"basicAuth": {"username": "a:b"}}}, [], "check.http.basic_auth.username"),
        ({"http": {"basicAuth": {"username": "a\nb"}}}, [], "check.http.basic_auth.username"),
        ({"http": {"basicAuth": {"username": "a", "password": "b\r\n"}}}, [], "check.http.basic_auth.password"),
        (
            {"http": {"clientCertificate": {"certificate": "a\0", "privateKey": "b"}}},
            [],
            "check.http.client_certificate.certificate",
        ),
        (
            {"http": {"clientCertificate": {"certificate": "a", "privateKey": "b\x01"}}},
            [],
            "check.http.client_certificate.private_key",
        ),
        ({"http": {"clientCertificate": {"certificate": "a"}}}, [], "check.http.client_certificate.private_key"),
        ({"http": {"secretHeaders": ["a b"]}}, [], "check.http.secret_headers[0]"),
        ({"http": {"secretHeaders": ["a", "a"]}}, [], "check.http.secret_headers"),
        ({"retries": 4}, ["retries"], "check.retries"),
        ({"retryDelay": "60.001s"}, ["retry_delay"], "check.retry_delay"),
        ({"retryDelay": "-0.001s"}, ["retry_delay"], "check.retry_delay"),
        ({}, ["state"], "update_mask"),
    ],
)
def test_what_a_check_would_break_is_named(check: dict[str, Any], paths: list[str], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        draft(check, *paths)
    assert field in [violation.field for violation in refused.value.violations]


def test_what_the_mask_does_not_name_is_neither_taken_nor_judged() -> None:
    assert draft({"name": "new", "interval": "1s", "retries": 99}, "name").name == "new"


def test_two_fields_that_fit_together_only_go_together() -> None:
    changed = draft({"interval": "20s", "timeout": "5s"})

    assert (changed.given["interval_us"], changed.given["timeout_us"]) == (20 * SECOND_US, 5 * SECOND_US)


def test_a_part_of_any_kind_is_changed_and_the_rest_stays() -> None:
    spec = TlsSpec(host="a.test", port=465, min_days_left=7, start_tls=StartTls.SMTP)
    check = new_check(new_id(), new_id(), CheckDraft(name="mail", spec=spec), 1)
    request = ParseDict({"check": {"tls": {"minDaysLeft": 14}}}, pb.UpdateCheckRequest())

    assert Updates().of_check(request)(check).spec == replace(spec, min_days_left=14)
    request.update_mask.CopyFrom(FieldMask(paths=["tls.start_tls"]))
    assert Updates().of_check(request)(check).spec == replace(spec, start_tls=None)


@pytest.mark.parametrize(
    ("service", "paths", "field"),
    [
        ({"name": ""}, ["name"], "service.name"),
        ({"name": "a\0b"}, [], "service.name"),
        ({"description": "a\0b"}, [], "service.description"),
        ({"labels": {"A B": "c"}}, [], "service.labels['A B']"),
        ({"labels": {"a": "\0"}}, [], "service.labels['a']"),
        ({"url": "x" * 3000}, [], "service.url"),
        ({"etag": "x"}, ["etag"], "update_mask"),
        ({}, ["labels.team"], "update_mask"),
    ],
)
def test_what_a_service_would_break_is_named(service: dict[str, Any], paths: list[str], field: str) -> None:
    request = ParseDict({"service": service}, pb.UpdateServiceRequest())
    request.update_mask.CopyFrom(FieldMask(paths=paths))
    with pytest.raises(InvalidArgument) as refused:
        Updates().of_service(request)(SERVICE)
    assert {violation.field for violation in refused.value.violations} == {field}


WINDOW = Window(
    tenant_id=new_id(),
    id=new_id(),
    service_id=None,
    name="Upgrade",
    start_us=7_000_001,
    duration_us=60 * SECOND_US,
    rrule="",
    time_zone="",
    create_us=1,
    update_us=1,
)


@pytest.mark.parametrize(
    ("window", "paths", "field"),
    [
        ({"name": ""}, ["name"], "window.name"),
        ({"serviceId": "shop"}, [], "window.service_id"),
        ({"duration": "59s"}, [], "window.duration"),
        ({}, ["duration"], "window.duration"),
        ({"rrule": "x" * 201}, [], "window.rrule"),
        ({"startTime": "2150-01-01T00:00:00Z"}, [], "window.start_time"),
        ({"createTime": "2030-01-01T00:00:00Z"}, ["create_time"], "update_mask"),
    ],
)
def test_what_a_window_would_break_is_named(window: dict[str, Any], paths: list[str], field: str) -> None:
    request = ParseDict({"window": window}, pb.UpdateMaintenanceWindowRequest())
    request.update_mask.CopyFrom(FieldMask(paths=paths))
    with pytest.raises(InvalidArgument) as refused:
        Updates().of_window(request)(WINDOW)
    assert {violation.field for violation in refused.value.violations} == {field}


def test_of_a_window_what_is_not_named_stays_to_the_microsecond() -> None:
    request = ParseDict({"window": {"name": "Move"}}, pb.UpdateMaintenanceWindowRequest())

    assert Updates().of_window(request)(WINDOW) == WindowDraft(
        name="Move", service_id=None, start_us=7_000_001, duration_us=60 * SECOND_US, rrule="", time_zone=""
    )


def test_labels_are_replaced_as_a_whole() -> None:
    request = pb.UpdateServiceRequest()
    request.service.labels["tier"] = "1"

    assert Updates().of_service(request)(SERVICE).labels == {"tier": "1"}
