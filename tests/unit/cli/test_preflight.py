"""Preflight finds what keeps a stack from starting, all of it at once, and starts and makes nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.preflight import preflight
from services.auth.signing import Keyring
from services.platform.security.key_file import KeyFileError
from services.platform.security.secret_keys import SecretKeys, ensure_key

ROOT = Path(__file__).parents[3]
DAMAGES = (b"", b"\n", b"nonsense", b"{}", b"\xff\xfe", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a stack that has keys of both kinds."""
    Keyring(tmp_path / "keys")
    ensure_key(tmp_path / "keys" / "secrets.keys")
    return {"SENTINEL_DATA_DIR": str(tmp_path)}


def test_good_settings_and_files_have_no_findings(environment: dict[str, str]) -> None:
    found = preflight(environment)

    assert (found.problems, found.warnings) == ([], [])
    assert found.settings is not None


def test_nothing_is_made(tmp_path: Path) -> None:
    assert preflight({"SENTINEL_DATA_DIR": str(tmp_path / "absent")}).problems == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", DAMAGES)
@pytest.mark.parametrize("name", ["signing.pem", "signing-1700000000000000.pem", "secrets.keys"])
def test_a_damaged_key_file_is_named_with_the_way_out(environment: dict[str, str], name: str, content: bytes) -> None:
    file = Path(environment["SENTINEL_DATA_DIR"]) / "keys" / name
    file.write_bytes(content)
    (problem,) = preflight(environment).problems

    assert problem.startswith(f"{file} ")
    assert "restore it from a backup" in problem
    assert "\n" not in problem


def test_a_truncated_key_file_stops_a_process_too(environment: dict[str, str]) -> None:
    keys = Path(environment["SENTINEL_DATA_DIR"]) / "keys"
    for file in (keys / "signing.pem", keys / "secrets.keys"):
        file.write_bytes(file.read_bytes()[:30])
    with pytest.raises(KeyFileError, match=f"^{keys / 'signing.pem'} contains no Ed25519 private key"):
        Keyring(keys)
    with pytest.raises(KeyFileError, match=f"^{keys / 'secrets.keys'} contains an invalid key [(]not 32 bytes"):
        SecretKeys(file=keys / "secrets.keys")


def test_a_folder_in_place_of_a_key_and_a_name_without_time_are_named(environment: dict[str, str]) -> None:
    keys = Path(environment["SENTINEL_DATA_DIR"]) / "keys"
    (keys / "signing-copy.pem").write_bytes((keys / "signing.pem").read_bytes())
    assert preflight(environment).problems == [
        f"{keys / 'signing-copy.pem'} is not named signing-<time>.pem; move it out of the key folder"
    ]
    (keys / "signing-copy.pem").unlink()
    (keys / "signing.pem").unlink()
    (keys / "signing.pem").mkdir()
    (problem,) = preflight(environment).problems
    assert problem.startswith(f"{keys / 'signing.pem'} cannot be read (Is a directory); it must be a file")


def test_a_file_that_is_damaged_later_leaves_the_signing_keys_as_they_were(tmp_path: Path) -> None:
    keyring = Keyring(tmp_path)
    before = keyring.newest.kid
    (tmp_path / "signing-1700000000000000.pem").write_bytes(b"nonsense")
    keyring.reload()

    assert keyring.newest.kid == before


def test_keys_that_everybody_may_read_are_a_warning(environment: dict[str, str]) -> None:
    file = Path(environment["SENTINEL_DATA_DIR"]) / "keys" / "secrets.keys"
    file.chmod(0o644)
    found = preflight(environment)

    assert found.problems == []
    assert found.warnings == [f"{file} is accessible to all users of this machine (mode 644); change its mode to 600"]


@pytest.mark.parametrize("command", ["preflight", "up"])
def test_the_command_prints_all_problems_and_no_traceback(environment: dict[str, str], command: str) -> None:
    (Path(environment["SENTINEL_DATA_DIR"]) / "keys" / "signing.pem").write_bytes(b"")
    wrong = {"SENTINEL_HTPP_PORT": "80", "SENTINEL_TLS_CERT": "/absent", "SENTINEL_TLS_KEY": "/absent"}
    done = subprocess.run(
        [sys.executable, "-m", "cli", command],
        cwd=ROOT,
        env={**os.environ, **environment, **wrong},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 2
    unknown, certificate, key = done.stderr.splitlines()
    assert unknown == "sentinel: SENTINEL_HTPP_PORT is not a known setting; did you mean SENTINEL_HTTP_PORT?"
    assert certificate.startswith("sentinel: SENTINEL_TLS_CERT: /absent cannot be read")
    assert key.endswith("signing.pem is empty; restore it from a backup")


def test_the_command_says_when_all_is_well(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "cli", "preflight"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "Settings are valid.\n", "")
