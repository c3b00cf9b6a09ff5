"""An update is held to the contract's rules as the whole that it makes, and what breaks one is named."""

from typing import Any

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict
from sentinel.monitor.v1 import monitor_service_pb2 as pb

from services.common.clock import SECOND_US
from services.common.errors import InvalidArgument
from services.common.ids import new_id
from services.common.specs.http import HttpSpec
from services.monitor.drafts import CheckDraft, new_check
from services.monitor.model import Service
from services.monitor.updates import Updates

CHECK = new_check(
    new_id(),
    new_id(),
    CheckDraft("home", HttpSpec("http://t.test/"), interval_us=60 * SECOND_US, timeout_us=30 * SECOND_US),
    1,
)
SERVICE = Service(new_id(), new_id(), "Shop", "", "", {"team": "web"}, 1, 1)


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
        ({"retries": 4}, ["retries"], "check.retries"),
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

    assert (changed.interval_us, changed.timeout_us) == (20 * SECOND_US, 5 * SECOND_US)


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


def test_labels_are_replaced_as_a_whole() -> None:
    request = pb.UpdateServiceRequest()
    request.service.labels["tier"] = "1"

    assert Updates().of_service(request)(SERVICE).labels == {"tier": "1"}
