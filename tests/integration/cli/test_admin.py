"""`sentinel admin`, on a database of the test's own: what it does, and what it cannot do in one sentence."""

import asyncio
import io
import sys
from pathlib import Path

import asyncpg
import pytest

from cli.__main__ import main
from services.platform.postgres.database import create_pool
from services.worker.store import EngineStore
from tests.support.rows import a_report

PASSWORD = "correct horse"


class Operator:
    """Calls the command in this process.

    Args:
        patch: takes back what a call changes.
        capsys: what was printed.
    """

    def __init__(self, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._patch = patch
        self._capsys = capsys

    async def call(self, *words: str, stdin: str = "") -> tuple[int, str, str]:
        """Return the exit code and what was printed: to standard output, to standard error."""
        self._patch.setattr(sys, "argv", ["sentinel", *words])
        self._patch.setattr(sys, "stdin", io.StringIO(stdin))
        code = await asyncio.to_thread(main)  # it has an event loop of its own
        return (code, *self._capsys.readouterr())


@pytest.fixture
def operator(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Operator:
    monkeypatch.setenv("SENTINEL_DATABASE_URL", database_url)
    monkeypatch.setenv("SENTINEL_DATA_DIR", str(tmp_path))
    return Operator(monkeypatch, capsys)


async def test_what_a_command_cannot_do_it_says_in_one_sentence(operator: Operator, database_url: str) -> None:
    create, reset = ("admin", "create-tenant"), ("admin", "reset-password")
    for words, stdin, sentence in (
        ((*create, "admin", "a@acme.test"), PASSWORD, "tenant_slug: 'admin' is reserved"),
        ((*create, "Shop 2", "a@acme.test"), PASSWORD, "tenant_slug: "),
        ((*create, "shop", "nobody"), PASSWORD, "email: "),
        ((*create, "shop", "a@acme.test"), "short", "password: "),
        ((*create, "shop", "a@acme.test"), "", "no password on standard input"),
        ((*reset, "nobody", "a@acme.test"), PASSWORD, "tenant not found: 'nobody'"),
        ((*reset, "nobody", "a@acme.test"), "short", "password: "),
    ):
        code, out, err = await operator.call(*words, stdin=f"{stdin}\n")
        assert (code, out, err.count("\n")) == (2, "", 1), err
        assert err.startswith("sentinel: ")
        assert sentence in err
        assert stdin not in err or not stdin

    admin = await asyncpg.connect(database_url)
    assert await admin.fetchval("SELECT count(*) FROM tenants") == 0
    await admin.close()


async def test_a_slug_that_is_taken_is_refused_and_the_former_name_of_a_command_goes_on(operator: Operator) -> None:
    create = ("admin", "create-tenant", "acme", "a@acme.test", "--name", "Acme", "--display-name", "Ann")
    assert (await operator.call(*create, stdin=f"{PASSWORD}\r\n"))[0] == 0
    assert (await operator.call(*create, stdin=f"{PASSWORD}\n"))[::2] == (
        2,
        "sentinel: Tenant slug is already taken. Choose another one.\n",
    )

    assert (await operator.call("suspend-tenant", "acme", "--reason", "unpaid"))[1] == "Tenant acme suspended.\n"
    assert (await operator.call("admin", "resume-tenant", "acme"))[1] == "Tenant acme resumed.\n"


@pytest.mark.parametrize("days", ["0", "91", "-1", "seven", "\u0667", "1" * 5_000])
async def test_an_invitation_is_good_for_some_days_only(
    operator: Operator, days: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        await operator.call("admin", "invite-tenant", f"--days={days}")
    assert "is not an integer from 1 to 90" in capsys.readouterr().err


async def test_workers_are_listed_with_what_they_report(operator: Operator, database_url: str) -> None:
    pool = await create_pool(database_url, "sentinel_engine", 1, times_in_us=True)
    report = a_report(checks_held=7, runs_in_flight=2, runs_waiting=1, lag_p99_us=1_500, runs_per_second=2.5)
    await EngineStore(pool).renew("worker-1", 10.0, report, claim_expired=True)
    await pool.close()
    code, out, _ = await operator.call("admin", "list-workers")
    head, row = out.splitlines()

    assert code == 0
    assert " ".join(head.split()) == "ID HOST VERSION LIVE SHARDS CHECKS RUNNING WAITING RUNS/S LAG P99 MS"
    assert row.split() == ["worker-1", "here", "0", "yes", "256", "7", "2", "1", "2.5", "1.5"]
