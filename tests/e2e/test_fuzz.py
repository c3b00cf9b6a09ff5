"""Whatever anybody sends, the answer is the contract's: typed, prompt, and without a trace in the memory of the server.

The requests are made at random from the contract, each sent by one caller natively or as REST. The seed is fixed;
`make soak` sends more of them, from a seed that a failure shows.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import grpc
import httpx
import pytest
from google.api import annotations_pb2
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.support.effort import FACTOR, IS_LONG
from tests.support.fuzzing import Fuzzer
from tests.support.stack import Stack, Team, bearer
from tests.support.walk import methods

CALLS = 1_200 * FACTOR
_PATIENCE_S = 20.0
_MIB = 1 << 20
# What caches, pools and allocators take once; a leak of one request's worth per call would be far above it.
_GROWTH_BYTES = 96 * _MIB
_UNTYPED = {grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN, grpc.StatusCode.DEADLINE_EXCEEDED}
_SEED = random.SystemRandom().randrange(1 << 32) if IS_LONG else 12


@dataclass(kw_only=True)
class Called:
    """What the calls came to.

    Attributes:
        faults: what broke the contract, in words.
        outcomes: how often each HTTP status or gRPC code was returned.
        untried: methods that were not called yet.
    """

    faults: list[str] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)
    untried: set[str] = field(default_factory=set)


@pytest.fixture(scope="module")
def stack(short_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack whose memory nobody else's calls move, and whose workers resolve no names."""
    stack = Stack(data_dir=short_folder / "fuzzed", template=template, settings={"SENTINEL_DNS_SERVERS": "127.0.0.1:1"})
    stack.start()
    yield stack
    stack.stop()


@pytest.mark.slow
@pytest.mark.soak
@pytest.mark.timeout(0 if IS_LONG else 180)
def test_every_answer_is_typed_whoever_sends_whatever(stack: Stack) -> None:
    with Team(stack) as home, Team(stack) as away, grpc.insecure_channel(stack.address) as channel:
        service, window = (
            home.service(),
            home.post("/maintenance-windows", name="later", startTime=_LATER, duration="60s"),
        )
        check, token = home.heartbeat(service, interval="3600s")
        admin, machine = home.tokens["accessToken"], home.api_key("admin")["key"]
        others = [home.person("viewer").token, home.person("member").token, home.api_key("viewer")["key"]]
        tokens = ["", *others, away.tokens["accessToken"], admin, admin, admin, machine]  # most of what admins may do
        known = {
            "service_id": service,
            "check_id": check,
            "token": token,
            "window.id": window["window"]["id"],
            "user_id": home.registered["user"]["id"],
            "tenant_slug": home.slug,
            "foreign": away.service(),
        }
        fuzzer = Fuzzer(_SEED, known)
        called = Called(untried={method.full_name for method in methods()})
        with httpx.Client(base_url=f"http://{stack.address}", timeout=_PATIENCE_S, trust_env=False) as client:
            _call_many(fuzzer, called, tokens, channel, client, CALLS // 4)
            before = _resident_bytes(stack)
            _call_many(fuzzer, called, tokens, channel, client, CALLS)
            grown = _resident_bytes(stack) - before
            assert client.get("/healthz").status_code == 200
    assert not called.faults, f"seed {_SEED}, {len(called.faults)} faults:\n" + "\n".join(called.faults[:20])
    assert not called.untried
    assert min(called.outcomes["200"], called.outcomes["OK"], called.outcomes["400"]) > 10, called.outcomes
    assert grown < _GROWTH_BYTES, f"{grown / _MIB:.0f} MiB more after {CALLS} calls"
    assert "Traceback" not in stack.said()


_LATER = "2099-01-01T00:00:00Z"
# They end the session or the account of the caller, so later calls would fail.
_FINAL = {
    "Logout",
    "DeleteMe",
    "EndSession",
    "EndOtherSessions",
    "DeleteUser",
    "UpdateUser",
    "ChangePassword",
    "DeleteApiKey",
}


def _call_many(
    fuzzer: Fuzzer, called: Called, tokens: list[str], channel: grpc.Channel, client: httpx.Client, count: int
) -> None:
    every = methods()
    for number in range(count):
        method = every[number % len(every)]
        token = fuzzer.random.choice(["", tokens[-1]] if method.name in _FINAL else tokens)
        called.untried.discard(method.full_name)
        if fuzzer.random.random() < 0.5:
            _call_native(fuzzer, called, method, token, channel)
        else:
            _call_rest(fuzzer, called, method, token, client)


def _call_native(fuzzer: Fuzzer, called: Called, method: MethodDescriptor, token: str, channel: grpc.Channel) -> None:
    request = fuzzer.message(method.input_type)
    make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
    call = make(
        f"/{method.containing_service.full_name}/{method.name}",
        request_serializer=type(request).SerializeToString,
        response_deserializer=GetMessageClass(method.output_type).FromString,
    )
    metadata = tuple(bearer(token).items()) if token else ()
    try:
        if method.server_streaming:
            stream = call(request, metadata=metadata, timeout=_PATIENCE_S)
            next(stream)
            stream.cancel()
        else:
            call(request, metadata=metadata, timeout=_PATIENCE_S)
        called.outcomes["OK"] += 1
    except StopIteration:
        called.faults.append(f"{method.name}: the stream ended without a message")
    except grpc.RpcError as refused:
        error: Any = refused
        code: grpc.StatusCode = error.code()
        called.outcomes[code.name] += 1
        trailers = dict(error.trailing_metadata() or ())
        status = status_pb2.Status.FromString(trailers.get("grpc-status-details-bin", b""))
        infos = [detail for detail in status.details if detail.Is(error_details_pb2.ErrorInfo.DESCRIPTOR)]
        if code in _UNTYPED or len(infos) != 1:
            called.faults.append(
                f"{method.name} natively: {code.name} {error.details()!r}, {len(infos)} ErrorInfo: {request!r:.600}"
            )


def _call_rest(fuzzer: Fuzzer, called: Called, method: MethodDescriptor, token: str, client: httpx.Client) -> None:
    rule = method.GetOptions().Extensions[annotations_pb2.http]
    verb = str(rule.WhichOneof("pattern"))
    path = re.sub(r"\{([^}]*)}", lambda match: quote(fuzzer.text(match[1]), safe=""), getattr(rule, verb))
    values = fuzzer.body(method.input_type)
    query: list[tuple[str, str | int | float | bool | None]] = []
    content = None
    if rule.body == "*":
        content = json.dumps(values)
    elif isinstance(values, dict):
        flat = {name: value for name, value in values.items() if isinstance(value, str | int | float | bool)}
        query = [(name, str(value)) for name, value in flat.items() if fuzzer.random.random() < 0.5]
    headers = {"content-type": "application/json", **(bearer(token) if token else {})}
    described = f"{verb.upper()} {path[:200]} {query!r:.300} {content or '':.600}"
    try:
        with client.stream(verb.upper(), path, params=query, content=content, headers=headers) as answer:
            called.outcomes[str(answer.status_code)] += 1
            if answer.status_code == 200:
                if not method.server_streaming:
                    json.loads(answer.read())
                return
            body = json.loads(answer.read())
    except (httpx.HTTPError, ValueError) as error:
        called.faults.append(f"{described}: {error!r}")
        return
    infos = [each for each in body.get("details", []) if each.get("@type", "").endswith("google.rpc.ErrorInfo")]
    if answer.status_code >= 500 or len(infos) != 1:
        called.faults.append(f"{described}: {answer.status_code}, {len(infos)} ErrorInfo, {body.get('message')!r:.200}")


def _resident_bytes(stack: Stack) -> int:
    return sum(child.memory_info().rss for child in stack.children() if "services." in " ".join(child.cmdline()))
