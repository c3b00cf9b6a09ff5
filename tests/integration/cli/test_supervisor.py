"""Real processes, kept by a real supervisor on the event loop that `up` uses."""

import asyncio
import re
import signal
import sys
from pathlib import Path

import psutil
import pytest

from cli import supervisor as supervising
from cli.child import Program
from cli.output import Output
from cli.supervisor import Supervisor
from services.platform.retry import Backoff
from tests.integration.cli.owner import STUBBORN, owner
from tests.integration.cli.waiting import is_gone, until, until_now
from tests.support.patience import PATIENCE_S

_HANGS_S = 30.0


def _without_jitter() -> Supervisor:
    return Supervisor(Output(), draw=lambda: 1.0)


def _python(name: str, code: str, *arguments: str, insist_with: signal.Signals = signal.SIGKILL) -> Program:
    return Program(name=name, argv=(sys.executable, "-c", code, *arguments), kill_signal=insist_with)


class Printed:
    """What has been printed so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    def __call__(self) -> str:
        self._text += self._capsys.readouterr().out
        return self._text

    def numbers(self, word: str) -> list[int]:
        """The numbers on the lines that a word begins."""
        return [int(text) for line in re.findall(rf"\| {word} (.*)", self()) for text in line.split()]


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What the test and its processes have printed."""
    return Printed(capsys)


def test_what_dies_is_started_again_later_each_time_and_its_end_is_named(printed: Printed) -> None:
    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("crasher", "print('start', flush=True); raise SystemExit(7)"))
        await until(lambda: printed().count("| start") >= 4)
        await supervisor.stop([["crasher"]], [PATIENCE_S])

    asyncio.run(run())
    told = re.findall(r"\| (start)|crasher (exited .* s)", printed())
    assert ["".join(each) for each in told][:7] == [
        "start",
        "exited with code 7; restarting in 0.2 s",
        "start",
        "exited with code 7; restarting in 0.4 s",
        "start",
        "exited with code 7; restarting in 0.8 s",
        "start",
    ]


def test_what_dies_is_not_started_again_before_its_time(printed: Printed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_BACKOFF", Backoff(first_s=3_600, longest_s=3_600))

    async def run() -> None:
        keeper = _without_jitter()
        keeper.run_program(_python("crasher", "raise SystemExit(7)"))
        await until(lambda: "restarting in 3600.0 s" in printed())
        before = _children()
        for _ in range(100):  # the next start would be under way in the first of them
            await asyncio.sleep(0)
        assert _children() == before
        assert keeper.pids == {}
        async with asyncio.timeout(_HANGS_S):  # nor does a stop wait for it
            await keeper.stop([["crasher"]], [PATIENCE_S])

    asyncio.run(run())


def test_what_a_signal_ends_is_started_again_and_the_signal_is_named(printed: Printed) -> None:
    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(Program(name="sleeper", argv=("sleep", "60")))
        await until(lambda: "sleeper" in supervisor.pids)
        first = supervisor.pids["sleeper"]
        psutil.Process(first).kill()
        await until(lambda: supervisor.pids.get("sleeper", first) != first)
        await supervisor.stop([["sleeper"]], [PATIENCE_S])

    asyncio.run(run())
    assert "sleeper was killed by SIGKILL; restarting in 0.2 s" in printed()


def test_a_crash_takes_along_what_the_program_had_started_even_if_that_holds_its_output(printed: Printed) -> None:
    code = "import subprocess, os; print('inner', subprocess.Popen(['sleep', '60']).pid, flush=True); os._exit(1)"

    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("crasher", code))
        await until(lambda: len(printed.numbers("inner")) >= 2)
        await supervisor.stop([["crasher"]], [PATIENCE_S])

    asyncio.run(run())
    until_now(lambda: all(map(is_gone, printed.numbers("inner"))))


def test_a_program_that_does_not_exist_is_tried_again_and_the_others_run_on(printed: Printed) -> None:
    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(Program(name="missing", argv=("/no/such/program",)))
        supervisor.run_program(Program(name="sleeper", argv=("sleep", "60")))
        await until(lambda: "restarting in 0.4 s" in printed() and "sleeper" in supervisor.pids)
        await supervisor.stop([["missing", "sleeper"]], [PATIENCE_S])

    asyncio.run(run())
    assert "missing could not be started: [Errno 2]" in printed()


def test_a_stage_is_over_before_the_next_is_asked_to_end(printed: Printed, tmp_path: Path) -> None:
    code = """
import signal, sys, threading
asked = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: asked.set())
print(sys.argv[1], "ready", flush=True)
asked.wait()
journal = open(sys.argv[2], "a", buffering=1)
journal.write(sys.argv[1] + " asked\\n")
threading.Event().wait(0.2)  # its last work
journal.write(sys.argv[1] + " over\\n")
"""
    journal = tmp_path / "journal"

    async def run() -> None:
        supervisor = _without_jitter()
        for name in ("database", "service", "door"):
            supervisor.run_program(_python(name, code, name, str(journal)))
        await until(lambda: printed().count("ready") == 3)
        await supervisor.stop([["service"], ["door"], ["database"]], [PATIENCE_S] * 3)
        assert supervisor.pids == {}

    asyncio.run(run())
    assert journal.read_text().splitlines() == [
        f"{name} {what}" for name in ("service", "door", "database") for what in ("asked", "over")
    ]


def test_what_does_not_end_in_time_is_killed_with_all_that_it_started(printed: Printed) -> None:
    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("stubborn", STUBBORN))
        await until(lambda: len(printed.numbers("pids")) == 2)
        async with asyncio.timeout(_HANGS_S):
            await supervisor.stop([["stubborn"]], [0.3])

    asyncio.run(run())
    until_now(lambda: all(map(is_gone, printed.numbers("pids"))))
    assert "stubborn did not stop within 0.3 s; killing it" in printed()


def test_a_program_with_a_stronger_word_gets_it_before_it_is_killed(printed: Printed) -> None:
    code = """
import signal, sys
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGQUIT, lambda *_: sys.exit(print("insisted on", flush=True)))
print("ready", flush=True)
while True: signal.pause()
"""

    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("database", code, insist_with=signal.SIGQUIT))
        await until(lambda: "ready" in printed())
        await supervisor.stop([["database"]], [0.2])

    asyncio.run(run())
    assert "insisted on" in printed()


def test_a_program_that_was_just_being_started_does_not_outlive_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervising, "_ENDED_S", PATIENCE_S)

    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(Program(name="sleeper", argv=("sleep", "60")))
        before = _children()
        await asyncio.sleep(0)  # its start is under way
        await supervisor.stop([["sleeper"]], [PATIENCE_S])
        assert _children() == before

    asyncio.run(run())


def test_kill_ends_at_once_what_would_not_end(printed: Printed) -> None:
    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("stubborn", STUBBORN))
        await until(lambda: len(printed.numbers("pids")) == 2)
        stopping = asyncio.create_task(supervisor.stop([["stubborn"]], [3_600]))
        await asyncio.sleep(0)
        async with asyncio.timeout(_HANGS_S):
            supervisor.kill()
            await stopping

    asyncio.run(run())
    until_now(lambda: all(map(is_gone, printed.numbers("pids"))))


def test_a_line_without_end_neither_stops_the_program_nor_its_later_lines(printed: Printed) -> None:
    code = "import sys, signal; sys.stdout.write('x' * 3_000_000 + '\\nafter\\n'); sys.stdout.flush(); signal.pause()"

    async def run() -> None:
        supervisor = _without_jitter()
        supervisor.run_program(_python("chatty", code))
        await until(lambda: "| after" in printed())
        await supervisor.stop([["chatty"]], [PATIENCE_S])

    asyncio.run(run())


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with owner("stubborn", tmp_path) as killed:
        assert killed.stdout is not None
        stubborn, inner = [int(text) for text in killed.stdout.readline().rpartition("pids ")[2].split()]
        killed.kill()
        until_now(lambda: is_gone(stubborn))
        psutil.Process(inner).kill()  # the kernel ties only what we start ourselves


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children()}
