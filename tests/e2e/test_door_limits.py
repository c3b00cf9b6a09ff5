"""Limits by client address: each method and each address has a bucket of its own."""

from collections.abc import Iterator
from itertools import count

import pytest
from google.rpc import code_pb2, error_details_pb2

from tests.e2e.door import (
    ACCEPT,
    HEARTBEAT,
    JWKS,
    LOGIN,
    PROTOCOLS,
    REFRESH,
    REGISTER,
    Method,
    call,
    client_at,
    forwarded,
)
from tests.support.stack import Stack, Team, registration

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("door")]

LIMITED = (REGISTER, LOGIN, REFRESH, ACCEPT, HEARTBEAT)
BURST = 3
MESSAGE = f"Rate limit exceeded: too many calls from this address (limit {BURST}). Try again later."
_numbers = count(10)


@pytest.fixture
def addresses() -> Iterator[str]:
    """Addresses that nothing has called from."""
    return (f"127.0.1.{number}" for number in _numbers)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("method", LIMITED, ids=lambda method: method.path.rpartition("/")[2])
def test_an_address_over_its_limit_holds_up_no_other_address_and_no_other_method(
    quiet_stack: Stack, addresses: Iterator[str], method: Method, protocol: str
) -> None:
    busy, other = next(addresses), next(addresses)
    with client_at(quiet_stack, busy) as client:
        reasons = [call(client, protocol, method) for _ in range(BURST + 1)]
        others = [call(client, protocol, each) for each in (*LIMITED, JWKS) if each != method]
    with client_at(quiet_stack, other) as client:
        elsewhere = [call(client, protocol, method) for _ in range(BURST)]

    assert [answer.status.message == MESSAGE for answer in reasons] == [False] * BURST + [True]
    assert [answer.status.message == MESSAGE for answer in others] == [False] * len(LIMITED)
    assert [answer.status.message == MESSAGE for answer in elsewhere] == [False] * BURST


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("method", [LOGIN, HEARTBEAT], ids=["auth", "heartbeat"])
def test_a_call_over_the_limit_gets_the_contracts_error(
    quiet_stack: Stack, addresses: Iterator[str], method: Method, protocol: str
) -> None:
    with client_at(quiet_stack, next(addresses)) as client:
        *_, answer = (call(client, protocol, method) for _ in range(BURST + 1))

    assert (answer.status.code, answer.reason) == (code_pb2.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert answer.http_status == (429 if protocol == "rest" else 200)
    assert answer.status.message == MESSAGE
    assert answer.headers["retry-after"] == "10"
    assert answer.detail(error_details_pb2.RetryInfo).retry_delay.ToSeconds() == 10
    assert answer.detail(error_details_pb2.ErrorInfo).metadata == {"limit": str(BURST)}
    assert answer.detail(error_details_pb2.RequestInfo).request_id == answer.headers["x-request-id"]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_over_the_limit_costs_no_service_anything(
    quiet_stack: Stack, addresses: Iterator[str], protocol: str
) -> None:
    with client_at(quiet_stack, next(addresses)) as client:
        within = [call(client, protocol, LOGIN) for _ in range(BURST)]
        before = forwarded(quiet_stack)
        beyond = [call(client, protocol, LOGIN) for _ in range(5)]
        after = forwarded(quiet_stack)

    assert [answer.status.message == MESSAGE for answer in [*within, *beyond]] == [False] * BURST + [True] * 5
    assert after == before


def test_invented_tokens_from_one_address_hold_up_no_signal_from_another(
    quiet_stack: Stack, quiet_team: Team, addresses: Iterator[str]
) -> None:
    _, token = quiet_team.heartbeat(quiet_team.service())
    with client_at(quiet_stack, next(addresses)) as attacker:
        invented = [attacker.post(f"/heartbeat/invented-{number}").status_code for number in range(BURST + 1)]
    with client_at(quiet_stack, next(addresses)) as job:
        answer = job.post(f"/heartbeat/{token}")

    assert invented == [404] * BURST + [429]
    assert answer.status_code == 200


def test_a_forged_forwarding_header_changes_no_address(quiet_stack: Stack, addresses: Iterator[str]) -> None:
    busy, victim = next(addresses), next(addresses)
    with client_at(quiet_stack, busy) as client:
        forged = [call(client, "rest", REFRESH, {"x-forwarded-for": victim}) for _ in range(BURST)]
        last = call(client, "rest", REFRESH, {"x-forwarded-for": "192.0.2.9"})
    with client_at(quiet_stack, victim) as client:
        own = call(client, "rest", REFRESH)

    assert [answer.status.message == MESSAGE for answer in [*forged, last, own]] == [False] * BURST + [True, False]


def test_services_see_the_address_of_each_client(
    quiet_stack: Stack, quiet_team: Team, addresses: Iterator[str]
) -> None:
    address = next(addresses)
    with client_at(quiet_stack, address) as client:
        account = registration(quiet_team.slug)
        login = {name: account[name] for name in ("tenantSlug", "email", "password")}
        client.post("/auth/login", json=login, headers={"x-forwarded-for": "192.0.2.9"}).raise_for_status()
    sessions = quiet_team.client.get("/auth/sessions").json()["sessions"]

    assert {each["address"] for each in sessions} == {"127.0.0.1", address}
