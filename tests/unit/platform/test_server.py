"""What runs beside a block ends with it, and ends it when it fails."""

import asyncio

import pytest

from services.platform.rpc.server import background


async def test_background_work_is_cancelled_and_waited_for_when_the_block_ends() -> None:
    ended = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    async with background(work(), work()):
        await asyncio.sleep(0)
    assert ended == [True, True]


async def test_background_work_that_fails_ends_the_block() -> None:
    async def work() -> None:
        raise ValueError("broken")

    with pytest.RaisesGroup(ValueError):
        async with background(work()):
            await asyncio.Event().wait()
