"""Real forks of a real fork server, kept by a real supervisor."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest

from cli.child import Program
from cli.fork_client import ForkServer
from cli.output import Output
from cli.supervisor import Supervisor
from services.platform.configuration.settings import Settings
from services.wire.client_hello import FINITE_FIELDS
from tests.integration.cli.owner import SLEEP as _SLEEP
from tests.integration.cli.owner import owner
from tests.integration.cli.test_supervisor import Printed
from tests.integration.cli.waiting import is_gone, until, until_now
from tests.support.patience import PATIENCE_S
from tests.support.process_memory import holds

_HERE = "tests.integration.cli"
_FORKABLE = f"{_HERE}.forkable"
_OPENSSL = Path(__file__).resolve().parents[3] / "services" / "worker" / "openssl.cnf"
_FACTS = """
import json, os, sys, gc, threading
open_files = {int(file): os.path.realpath(f"/proc/self/fd/{file}") for file in os.listdir("/proc/self/fd")}
# What lists them is closed now. On some builds of Python ctypes keeps the file of a library open.
files = sorted(n for n, path in open_files.items() if os.path.exists(f"/proc/self/fd/{n}") and ".so" not in path)
print("facts", json.dumps({
    "parent": os.getppid(), "session": os.getsid(0) == os.getpid(), "argv": sys.argv, "collects": gc.isenabled(),
    "input": os.readlink("/proc/self/fd/0"), "files": files,
    "own": os.environ.get("OWN"), "inherited": os.environ.get("GIVEN"), "home": os.environ.get("HOME"),
    "allocator": os.environ.get("MALLOC_ARENA_MAX"), "threads": threading.active_count(), "mask": os.umask(0),
}), flush=True)
import signal
signal.pause()
"""
_GROUPS = """
from services.platform.security.tls_context import unverified_context
from services.wire.client_hello import offered_groups
print("groups", *offered_groups(unverified_context()), flush=True)
"""


@pytest.fixture
def printed(capsys: pytest.CaptureFixture[str]) -> Printed:
    """What the test and its processes have printed."""
    return Printed(capsys)


def _program(name: str, code: str, environment: Mapping[str, str] | None = None) -> Program:
    argv = (sys.executable, "-m", _FORKABLE)
    return Program(name=name, argv=argv, environment={"CODE": code, **(environment or {})})


@asynccontextmanager
async def _forking(*modules: str, idle_s: float = 3_600) -> AsyncIterator[tuple[Supervisor, ForkServer]]:
    forks, supervisor = ForkServer(modules or (_FORKABLE,), idle_s), Supervisor(Output(), draw=lambda: 1.0)
    supervisor.run_program(forks.program, forks.start)
    try:
        yield supervisor, forks
    finally:
        forks.close()
        await supervisor.stop([list(supervisor.pids)], [PATIENCE_S])


def test_a_forked_program_is_a_child_of_ours_as_if_it_had_been_started_alone(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIVEN", "by the shell")
    left_open = os.dup(0)
    os.set_inheritable(left_open, True)

    async def run() -> psutil.Process:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("sleeper", _FACTS, {"OWN": "its own"}), forks.fork)
            await until(lambda: "facts" in printed())
            process = psutil.Process(supervisor.pids["sleeper"])
            command = (sys.executable, "-m", _FORKABLE)
            assert tuple(part for part in process.cmdline() if part) == command
            assert process.ppid() == os.getpid()
            return process

    try:
        process = asyncio.run(run())
    finally:
        os.close(left_open)
    assert is_gone(process.pid)
    facts = json.loads(printed().partition("| facts ")[2].splitlines()[0])
    umask = os.umask(0)
    os.umask(umask)
    assert facts == {
        "parent": os.getpid(), "session": True, "argv": [str(Path(__file__).with_name("forkable.py"))],
        "collects": True, "input": "/dev/null", "files": [0, 1, 2], "own": "its own", "inherited": "by the shell",
        "home": os.environ.get("HOME"), "allocator": os.environ.get("MALLOC_ARENA_MAX"), "threads": 1, "mask": umask,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("raise SystemExit(7)", "exited with code 7"),
        ("raise SystemExit('a sentence')", "exited with code 1"),
        ("raise ValueError('a bug')", "exited with code 1"),
        ("pass", "exited with code 0"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "was killed by SIGKILL"),
    ],
)
def test_the_end_of_a_fork_is_named_and_it_is_forked_again(printed: Printed, code: str, said: str) -> None:
    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("crasher", f"print('start', flush=True)\n{code}"), forks.fork)
            await until(lambda: printed().count("| start") >= 3)

    asyncio.run(run())
    told = re.findall(r"crasher (exited .*|was killed .*) s\n", printed())
    assert told[:2] == [f"{said}; restarting in 0.2", f"{said}; restarting in 0.4"]
    assert ("a sentence" in printed()) == ("sentence" in code)
    assert ("ValueError: a bug" in printed()) == ("ValueError" in code)


def test_what_is_registered_for_the_end_of_a_process_runs_and_its_last_lines_are_printed(printed: Printed) -> None:
    code = "import atexit; atexit.register(print, 'at the end'); print('without a flush')"

    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("brief", code), forks.fork)
            await until(lambda: "brief exited with code 0" in printed())

    asyncio.run(run())
    assert printed().splitlines()[:2] == ["brief     | without a flush", "brief     | at the end"]


def test_a_killed_fork_server_harms_no_fork_and_another_forks_what_dies_later(printed: Printed) -> None:
    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("sleeper", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1)
            server, sleeper = supervisor.pids["forks"], supervisor.pids["sleeper"]
            psutil.Process(server).kill()
            await until(lambda: supervisor.pids.get("forks", server) != server)
            assert supervisor.pids["sleeper"] == sleeper
            assert not is_gone(sleeper)

            psutil.Process(sleeper).kill()
            await until(lambda: len(printed.numbers("pid")) == 2)
            assert supervisor.pids["sleeper"] == printed.numbers("pid")[1]

    asyncio.run(run())
    assert "forks was killed by SIGKILL; restarting in 0.2 s" in printed()


def _is_asleep(server: psutil.Process) -> bool:
    return "".join(server.cmdline()[-1:]).endswith("fork_server_asleep.py")  # it has no command line for a moment


def test_an_idle_server_goes_to_sleep_and_wakes_for_the_next_fork(printed: Printed) -> None:
    async def run() -> None:
        async with _forking(idle_s=0.2) as (supervisor, forks):
            supervisor.run_program(_program("sleeper", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1)
            server = psutil.Process(supervisor.pids["forks"])
            for times in (2, 3):
                await until(lambda: _is_asleep(server))
                # Where `select` is no part of the interpreter, it is all that the program imports.
                loaded = {
                    Path(each.path).name.partition(".")[0] for each in server.memory_maps() if "-dynload/" in each.path
                }
                assert loaded <= {"select"}
                psutil.Process(supervisor.pids["sleeper"]).kill()
                await until(lambda: len(printed.numbers("pid")) == times)  # noqa: B023 — awaited at once
            assert supervisor.pids["forks"] == server.pid
            assert supervisor.pids["sleeper"] == printed.numbers("pid")[-1]

    asyncio.run(run())


def test_a_sleeping_server_ends_with_its_supervisor(tmp_path: Path) -> None:
    with owner("forked", tmp_path) as killed:
        assert killed.stdout is not None
        killed.stdout.readline()
        servers: list[psutil.Process] = []

        def found() -> bool:  # on its way to sleep it has no command line for a moment
            servers[:] = [each for each in psutil.Process(killed.pid).children() if _is_asleep(each)]
            return bool(servers)

        until_now(found)
        (server,) = servers
        killed.kill()
        until_now(lambda: is_gone(server.pid))


def test_a_fork_is_made_as_soon_as_there_is_a_server_again(printed: Printed) -> None:
    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("first", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1)
            psutil.Process(supervisor.pids["forks"]).kill()
            supervisor.run_program(_program("second", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 2)

    asyncio.run(run())


def test_what_waits_for_a_server_does_not_hold_up_the_stop(printed: Printed) -> None:
    async def run() -> None:
        forks, supervisor = ForkServer((_FORKABLE,)), Supervisor(Output(), draw=lambda: 1.0)
        supervisor.run_program(_program("waiting", _SLEEP), forks.fork)  # and nobody keeps the server
        await asyncio.sleep(0)
        forks.close()
        await until(lambda: "waiting could not be started: the processes are being stopped" in printed())
        await supervisor.stop([["waiting"]], [PATIENCE_S])
        child = await forks.start(forks.program, Output())
        child.kill()
        await child.wait()

    asyncio.run(run())


def test_a_fork_that_is_stopped_ends_in_order_and_one_that_does_not_is_killed(printed: Printed) -> None:
    orderly = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('in order', flush=True)))\n"
    stubborn = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"

    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("orderly", orderly + _SLEEP), forks.fork)
            supervisor.run_program(_program("stubborn", stubborn + _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 2)
            await supervisor.stop([["orderly"], ["stubborn"]], [PATIENCE_S, 0.2])

    asyncio.run(run())
    assert "orderly   | in order" in printed()
    assert "stubborn did not stop within 0.2 s; killing it" in printed()
    assert all(map(is_gone, printed.numbers("pid")))


def test_no_fork_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    with owner("forked", tmp_path) as killed:
        assert killed.stdout is not None
        pid = int(killed.stdout.readline().rpartition("pid ")[2])
        family = [each.pid for each in psutil.Process(killed.pid).children(recursive=True)]
        assert pid in family
        assert len(family) == 2
        killed.kill()
        until_now(lambda: all(map(is_gone, family)))


def test_the_fork_server_never_has_a_setting_and_a_fork_has_only_its_own(
    printed: Printed, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, key, password, own = "postgresql://u:hush-1@h/d", "key-hush-2", "hush-3", "own-hush-4"
    monkeypatch.setenv("SENTINEL_DATABASE_URL", url)
    monkeypatch.setenv(Settings.secrets_keys.name, key)
    monkeypatch.setenv("PGPASSWORD", password)
    texts = [each.encode() for each in (url, key, password, own)]

    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("first", _SLEEP, {"PRIVATE": own}), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1)
            supervisor.run_program(_program("second", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 2)
            assert holds(supervisor.pids["forks"], *texts) == set()
            assert holds(supervisor.pids["first"], *texts) == {url.encode(), password.encode(), own.encode()}
            assert holds(supervisor.pids["second"], *texts) == {url.encode(), password.encode()}

    asyncio.run(run())


def test_forks_choose_differently_at_random(printed: Printed) -> None:
    code = """
import random, secrets, ssl, uuid, tempfile
from services.platform.ids import new_id
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
key = Ed25519PrivateKey.generate().public_key().public_bytes_raw().hex()
name = tempfile.mktemp().rpartition("/")[2]
print("random", random.getrandbits(64), secrets.token_hex(8), ssl.RAND_bytes(8).hex(), uuid.uuid4(), key, name,
      new_id().hex[16:], flush=True)
import signal
signal.pause()
"""

    async def run() -> None:
        # With what services import, in the server already.
        async with _forking(_FORKABLE, "random", "services.platform.ids", "cryptography.x509") as (supervisor, forks):
            for name in ("one", "two", "three"):
                supervisor.run_program(_program(name, code), forks.fork)
            await until(lambda: printed().count("| random ") == 3)

    asyncio.run(run())
    drawn = [line.split() for line in re.findall(r"\| random (.*)", printed())]
    assert [len(set(each)) for each in zip(*drawn, strict=True)] == [3] * 7


def test_a_fork_has_the_openssl_settings_of_its_own_and_another_those_of_the_system(printed: Printed) -> None:
    async def run() -> None:
        async with _forking(_FORKABLE, "ssl") as (supervisor, forks):
            supervisor.run_program(_program("worker", _GROUPS, {"OPENSSL_CONF": str(_OPENSSL)}), forks.fork)
            await until(lambda: "worker    | groups" in printed())
            supervisor.run_program(_program("other", _GROUPS), forks.fork)
            await until(lambda: "other     | groups" in printed())

    asyncio.run(run())
    groups = {
        name: [int(each) for each in text.split()] for name, text in re.findall(r"(\w+) +\| groups (.*)", printed())
    }
    assert groups["worker"] == [0x001D, 0x0017, 0x001E, 0x0019, 0x0018]
    assert set(groups["other"]) & set(FINITE_FIELDS)


def test_where_openssl_settings_cannot_be_applied_to_a_fork_the_program_is_started_anew(
    printed: Printed, tmp_path: Path
) -> None:
    facts = "import sys; print('forked', int('cli.fork_server' in sys.orig_argv), flush=True)\n"
    # OpenSSL ignores a missing file at its start, and refuses to apply one later.
    missing = {"OPENSSL_CONF": str(tmp_path / "missing.cnf")}

    async def run() -> None:
        async with _forking(_FORKABLE, "ssl") as (supervisor, forks):
            supervisor.run_program(_program("anew", f"{facts}{_SLEEP}", missing), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1)
            assert supervisor.pids["anew"] == printed.numbers("pid")[0]
            supervisor.run_program(_program("forked", f"{facts}{_SLEEP}"), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 2)

    asyncio.run(run())
    assert printed.numbers("forked") == [0, 1]


def test_a_module_that_cannot_be_imported_fails_in_its_own_process_only(printed: Printed) -> None:
    broken = f"{_HERE}.broken_module"

    async def run() -> None:
        async with _forking(broken, _FORKABLE) as (supervisor, forks):
            supervisor.run_program(Program(name="broken", argv=(sys.executable, "-m", broken)), forks.fork)
            supervisor.run_program(_program("sound", _SLEEP), forks.fork)
            await until(lambda: len(printed.numbers("pid")) == 1 and "broken exited with code 1" in printed())

    asyncio.run(run())
    assert "forks     | RuntimeError: this module is broken" in printed()
    assert "broken    | RuntimeError: this module is broken" in printed()


def test_a_server_with_a_thread_forks_nothing(printed: Printed) -> None:
    async def run() -> None:
        async with _forking(f"{_HERE}.threaded_module", _FORKABLE) as (supervisor, forks):
            supervisor.run_program(_program("never", _SLEEP), forks.fork)
            await until(lambda: "never could not be started" in printed())

    asyncio.run(run())
    assert "forks     | sentinel: an imported module has started a thread" in printed()
    assert printed.numbers("pid") == []


def test_importing_the_services_starts_nothing_that_a_fork_would_break() -> None:
    code = """
import os
before = set(os.listdir("/proc/self/fd"))
import services.auth.app, services.monitor.app, services.worker.app
import asyncio, grpc._cython.cygrpc as cygrpc
assert len(os.listdir("/proc/self/task")) == 1, "threads"
after = set(os.listdir("/proc/self/fd"))
assert after == before, after - before
assert asyncio._get_running_loop() is None
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_signals_of_a_fork_are_those_of_a_fresh_process(printed: Printed) -> None:
    code = """
import signal
numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGPIPE, signal.SIGHUP, signal.SIGCHLD)
handlers = [getattr(each, "__qualname__", repr(each)) for each in map(signal.getsignal, numbers)]
print("signals", handlers, sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])), flush=True)
signal.pause()
"""
    alone = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert alone.stdout is not None
    expected = alone.stdout.readline()
    alone.send_signal(signal.SIGKILL)
    alone.communicate()

    async def run() -> None:
        async with _forking() as (supervisor, forks):
            supervisor.run_program(_program("sleeper", code), forks.fork)
            await until(lambda: "| signals" in printed())

    asyncio.run(run())
    assert expected.startswith("signals [")
    assert expected.strip() in printed()
