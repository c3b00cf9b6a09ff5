"""A REST call counts only with a body that was inspected, and updates what its JSON names."""

import contextvars
from typing import Any, cast

import pytest
from google.protobuf.message import Message
from sentinel.monitor.v1 import monitor_service_pb2 as pb

from services.platform.errors import Internal, InvalidArgument
from services.platform.rest.body_check_server import HEADER
from services.platform.rest.contract import SERVICES
from services.platform.rest.named_fields import named_fields, set_named_fields
from services.platform.rpc.interceptors.call import Call
from services.platform.rpc.interceptors.rest import read_rest
from services.platform.rpc.rules import rules_of

RULES = {name: rule for service in SERVICES for name, rule in rules_of(service).items()}
MONITOR = "/sentinel.monitor.v1.MonitorService"


async def read(rpc: str, request: Message, method: str = "", path: str = "", told: str = "") -> Any:
    """The fields that the JSON of a call names, as its servicer receives them."""
    metadata = {"x-envoy-original-method": method, "x-envoy-original-path": path} if path else {}
    call = Call(
        rule=RULES[f"{MONITOR}/{rpc}"],
        context=cast("Any", None),  # this interceptor never reads it
        metadata={**metadata, **({HEADER: told} if told else {})},
        request=request,
    )
    named: list[Any] = []

    async def call_next(_call: Call) -> None:
        named.append(named_fields())

    await read_rest(call, call_next)
    return named[0]


@pytest.fixture(autouse=True)
async def nothing_named() -> None:
    assert named_fields() is None


async def test_a_patch_names_what_its_json_names() -> None:
    told = f"{MONITOR}/UpdateService name,labels"

    assert await read("UpdateService", pb.UpdateServiceRequest(), "PATCH", "/services/a", told) == ["name", "labels"]


async def test_a_patch_of_an_empty_object_names_nothing() -> None:
    assert (
        await read("UpdateService", pb.UpdateServiceRequest(), "PATCH", "/services/a", f"{MONITOR}/UpdateService ")
        == ()
    )


async def test_a_call_by_grpc_names_nothing_whatever_it_says_of_itself() -> None:
    assert await read("UpdateService", pb.UpdateServiceRequest(), told=f"{MONITOR}/UpdateService name") is None


@pytest.mark.parametrize("told", ["", f"{MONITOR}/CreateService ", f"{MONITOR}/UpdateCheck name"])
@pytest.mark.parametrize("path", ["/services/a", "/services/a/x/y/z"])
async def test_a_body_that_was_not_inspected_does_not_count(told: str, path: str) -> None:
    with pytest.raises(Internal):
        await read("UpdateService", pb.UpdateServiceRequest(), "PATCH", path, told)


async def test_a_read_needs_no_inspection() -> None:
    assert await read("GetService", pb.GetServiceRequest(service_id="a"), "GET", "/services/a") is None


async def test_a_query_of_a_read_is_held_to_the_route() -> None:
    with pytest.raises(InvalidArgument, match="serviceId: is set by the path"):
        await read("GetService", pb.GetServiceRequest(service_id="b"), "GET", "/services/a?serviceId=b")


async def test_a_plus_in_a_querys_text_reaches_the_servicer_as_a_space() -> None:
    request = pb.ListServicesRequest(text="a+b")
    await read("ListServices", request, "GET", "/services?text=a+b")

    assert request.text == "a b"


def test_what_one_call_names_another_does_not_see() -> None:
    contextvars.Context().run(set_named_fields, ["name"])

    assert named_fields() is None
