"""A background loop ends when it is cancelled, whatever happens at the same moment.

Before Python 3.12, `asyncio.wait_for` returns normally if it is cancelled after what it waits for has ended and before
its caller continues. The loop around it then runs on, and the process does not stop.
"""

import ast
import asyncio
from pathlib import Path

import pytest

from services.platform.postgres.common_store import CommonStore
from services.platform.postgres.database import Database
from services.platform.security.tokens import TokenVerifier
from tests.support.patience import PATIENCE_S

ROOT = Path(__file__).resolve().parent.parent.parent.parent


@pytest.mark.parametrize("steps", range(4))
async def test_a_loop_that_is_notified_and_cancelled_at_once_ends(database_url: str, steps: int) -> None:
    database = Database(database_url, "sentinel_monitor")
    verifier = TokenVerifier(CommonStore(database))
    loop = asyncio.create_task(verifier.run())
    await asyncio.sleep(0)

    verifier.on_notify("")
    for _ in range(steps):
        await asyncio.sleep(0)
    loop.cancel()

    with pytest.raises(asyncio.CancelledError):
        async with asyncio.timeout(PATIENCE_S):
            await loop
    await database.close()


def test_no_service_waits_by_a_function_that_can_lose_a_cancellation() -> None:
    sources = [path for folder in ("services", "cli") for path in (ROOT / folder).rglob("*.py")]
    calls = [
        f"{path.relative_to(ROOT)}:{node.lineno}: use asyncio.timeout"
        for path in sources
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "asyncio.wait_for"
    ]

    assert sources
    assert calls == []
