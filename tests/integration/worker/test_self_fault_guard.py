"""semantics.md §9: when much fails at once the worker looks whether it is cut off itself, before a verdict stands."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import pytest

from services.checks.outcome import ErrorKind, Outcome
from services.checks.result import Result
from services.platform.clock import SECOND_US
from services.platform.configuration.settings import SettingError, Settings
from services.worker.canary import Canary
from services.worker.clock import SharedClock
from services.worker.record import Pending
from services.worker.self_fault_guard import SelfFaultGuard
from tests.support.ports import free_port
from tests.support.worker import a_scheduled_check

INTERVAL = 10 * SECOND_US


def pending(host: int, outcome: Outcome, kind: ErrorKind | None = None) -> Pending:
    check = a_scheduled_check(UUID(int=host + 10), INTERVAL, target=f"h{host}.test")
    result = Result(
        tenant_id=check.tenant_id,
        service_id=check.service_id,
        check_id=check.id,
        slot_us=1,
        interval_us=INTERVAL,
        outcome=outcome,
        worker_id="w",
        start_us=2,
        error_kind=kind,
    )
    return Pending(result, check, 7)


def down(*hosts: int, kind: ErrorKind = ErrorKind.CONNECT_TIMEOUT) -> list[Pending]:
    return [pending(host, Outcome.DOWN, kind) for host in hosts]


def up(*hosts: int) -> list[Pending]:
    return [pending(host, Outcome.UP) for host in hosts]


@asynccontextmanager
async def listening(port: int) -> AsyncIterator[None]:
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", port)
    async with server:
        yield


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def guard(port: int) -> SelfFaultGuard:
    """A guard with one canary, which nobody has started."""
    return SelfFaultGuard([Canary("127.0.0.1", port)], SharedClock())


async def test_when_no_canary_answers_what_failed_on_the_network_is_our_own_fault(guard: SelfFaultGuard) -> None:
    vetted = await guard.vet([*down(1, 2, 3), *down(4, kind=ErrorKind.STATUS), *up(5)])

    assert [each.result.outcome for each in vetted] == [Outcome.ERROR] * 3 + [Outcome.DOWN, Outcome.UP]
    assert {each.result.error_kind for each in vetted[:3]} == {ErrorKind.INTERNAL}
    assert {(each.result.slot_us, each.result.start_us, each.epoch) for each in vetted[:3]} == {(1, 2, 7)}
    assert {each.result.error_message for each in vetted[:3]} == {"the worker was offline"}


async def test_a_cut_that_comes_in_several_batches_is_one_cut(guard: SelfFaultGuard) -> None:
    await guard.vet(up(1, 2, 3, 4))
    assert [each.result.outcome for each in await guard.vet(down(1))] == [Outcome.DOWN]
    assert [each.result.outcome for each in await guard.vet(down(2, 3))] == [Outcome.ERROR] * 2
    assert [each.result.outcome for each in await guard.vet(down(2, 3))] == [Outcome.ERROR] * 2  # as long as it lasts


async def test_when_a_canary_answers_the_verdicts_stand(guard: SelfFaultGuard, port: int) -> None:
    batch = down(1, 2, 3)
    async with listening(port):
        assert await guard.vet(batch) == batch
    assert await guard.vet(batch) == batch  # they are down since before: nothing turned


async def test_after_a_cut_the_verdicts_stand_again(guard: SelfFaultGuard, port: int) -> None:
    assert [each.result.outcome for each in await guard.vet(down(1, 2, 3))] == [Outcome.ERROR] * 3
    async with listening(port):
        assert [each.result.outcome for each in await guard.vet(down(1, 2, 3))] == [Outcome.DOWN] * 3


@pytest.mark.parametrize(
    "batch",
    [
        down(1, 2),
        [*down(1, 2, 3), *up(4, 5, 6, 7)],
        down(1, 2, 3, kind=ErrorKind.STATUS),
        [*down(1), *down(1), *down(1)],
    ],
    ids=["few hosts", "a small share", "not the network", "one host"],
)
async def test_what_does_not_look_like_a_cut_is_not_doubted(guard: SelfFaultGuard, batch: list[Pending]) -> None:
    assert await guard.vet(batch) == batch


async def test_without_canaries_every_verdict_stands() -> None:
    batch = down(*range(20))
    assert await SelfFaultGuard((), SharedClock()).vet(batch) == batch


@pytest.mark.parametrize(
    "text", ["outside.test:443", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:x", ":53"]
)
def test_a_canary_is_a_literal_address_with_a_port(text: str) -> None:
    with pytest.raises(SettingError, match=f"^SENTINEL_CANARIES: '{text}' is not address:port"):
        Settings.canaries.read({"SENTINEL_CANARIES": f"192.0.2.1:53, {text}"})
