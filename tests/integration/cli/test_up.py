"""What keeps the stack from starting is said in one sentence, with exit code 2; nothing is left behind."""

import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

from cli.postgres import EmbeddedPostgres
from tests.support.ports import free_port


def _up(data_dir: Path, **settings: str) -> tuple[int, list[str]]:
    """Runs `up` until it gives up; answers its exit code and what it said."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SENTINEL_")}
    done = subprocess.run(
        [sys.executable, "-m", "cli", "up"],
        env={**inherited, "SENTINEL_DATA_DIR": str(data_dir), "SENTINEL_HTTP_PORT": str(free_port()), **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout.splitlines()


def test_a_wrong_setting(tmp_path: Path) -> None:
    code, said = _up(tmp_path, SENTINEL_HTTP_PORT="http")
    assert code == 2
    assert said == ["sentinel: SENTINEL_HTTP_PORT is 'http'; it must be an integer from 1 to 65535"]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        code, said = _up(tmp_path, SENTINEL_HTTP_PORT=port)
    assert code == 2
    reason = f"cannot listen on port {port} of 127.0.0.1 (Address already in use)"
    assert said == [f"sentinel: {reason}; set SENTINEL_HTTP_PORT to a free port"]


def test_a_data_folder_that_another_stack_uses(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, said = _up(tmp_path)
    assert code == 2
    assert said == [f"sentinel: another Sentinel Stack is running on {tmp_path}; stop it, or set SENTINEL_DATA_DIR"]


def test_a_data_folder_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    code, said = _up(tmp_path / "file")
    assert code == 2
    assert said == [f"sentinel: cannot use the data folder {tmp_path / 'file'}: File exists"]


def test_a_folder_for_sockets_whose_path_is_too_long(tmp_path: Path) -> None:
    far = tmp_path / ("far" * 30)
    far.mkdir()
    code, said = _up(tmp_path / "data", TMPDIR=str(far))
    assert code == 2
    assert said == [f"sentinel: the path {far} is too long for sockets; set TMPDIR to a shorter one"]
    assert list(far.iterdir()) == []


def test_a_database_that_cannot_be_reached_and_its_password_stays_secret(tmp_path: Path) -> None:
    port = free_port()
    code, said = _up(tmp_path, SENTINEL_DATABASE_URL=f"postgresql://sentinel:hush@127.0.0.1:{port}/sentinel")
    assert code == 2
    assert any(f"the database at 127.0.0.1:{port} cannot be reached" in line for line in said)
    assert said[-1].startswith("sentinel: database migration failed")
    assert not any("hush" in line for line in said)
    assert not (tmp_path / "run").exists()


def test_a_cluster_of_another_version(tmp_path: Path) -> None:
    program = EmbeddedPostgres(tmp_path / "postgres", tmp_path / "s").program()
    cluster = tmp_path / "postgres"
    cluster.mkdir(mode=0o700)
    (cluster / "PG_VERSION").write_text("9.6\n")
    if program.uid is not None:
        os.chown(cluster, program.uid, -1)
    code, said = _up(tmp_path)
    assert code == 2
    assert "was created by PostgreSQL 9.6, but this is 18" in said[-1]
