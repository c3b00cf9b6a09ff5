"""The cancellation by a deadline is distinguished from every other one, and has no further effects."""

import asyncio

import pytest

from services.wire.deadline import Deadline


async def wait(timeout_s: float, work: "asyncio.Future[str]") -> str:
    """What the work says, or that the time was over first."""
    deadline = Deadline(timeout_s)
    try:
        return await work
    except asyncio.CancelledError:
        if not deadline.passed():
            raise
        return "over"
    finally:
        deadline.clear()


async def test_what_ends_in_time_is_not_touched() -> None:
    work = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(work.set_result, "done")

    assert await wait(60, work) == "done"


async def test_time_that_is_over_ends_the_wait_and_leaves_the_task_as_it_was() -> None:
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()
    assert task is not None

    assert await wait(0.01, loop.create_future()) == "over"
    assert task.cancelling() == 0
    assert await wait(0.01, loop.create_future()) == "over"


async def test_a_cancellation_by_somebody_else_goes_through() -> None:
    task = asyncio.create_task(wait(60, asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_by_somebody_else_goes_through_though_the_time_is_over_too() -> None:
    task = asyncio.create_task(wait(0, asyncio.get_running_loop().create_future()))
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_soon(task.cancel)
    asyncio.get_running_loop().call_later(0, task.cancel)

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_deadline_that_was_cleared_never_comes() -> None:
    deadline = Deadline(0.01)
    deadline.clear()
    await asyncio.sleep(0.05)

    assert not deadline.passed()


async def test_time_does_not_go_on_while_a_deadline_is_paused() -> None:
    loop = asyncio.get_running_loop()
    deadline = Deadline(0.01)
    deadline.pause()
    later = loop.create_future()
    loop.call_later(0.05, later.set_result, "undisturbed")
    assert await later == "undisturbed"

    deadline.resume()
    with pytest.raises(asyncio.CancelledError):
        await loop.create_future()
    assert deadline.passed()
