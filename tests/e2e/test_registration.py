"""An installation that takes tenants by invitation, and what its operator does by command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_port
from tests.support.stack import PASSWORD, Stack, bearer, fields, reason, registration

SENTINEL = Path(sys.executable).with_name("sentinel")


@pytest.fixture
def inviting(short_folder: Path, template: Path) -> Iterator[Stack]:
    """A stack on which one registers by invitation."""
    stack = Stack(data_dir=short_folder / "inviting", template=template, settings={"SENTINEL_REGISTRATION": "invite"})
    stack.start()
    yield stack
    stack.stop()


def sentinel(folder: Path, data_dir: Path, *words: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    """Call the command from a folder of the caller's own."""
    return subprocess.run(
        [SENTINEL, *words],
        cwd=folder,
        env={"SENTINEL_DATA_DIR": str(data_dir), "PATH": os.environ["PATH"]},
        input=stdin,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_a_tenant_is_registered_by_invitation_or_made_by_the_operator(inviting: Stack, tmp_path: Path) -> None:
    (tmp_path / "cli").mkdir()  # a folder of the caller's, which the command must not take for its own package
    (tmp_path / "cli" / "__init__.py").write_text("raise SystemExit('not this one')")
    folder = inviting.data_dir
    with inviting.rest() as client:
        alone = client.post("/auth/register", json=registration("acme"))
        assert (alone.status_code, reason(alone)) == (403, "TENANT_INVITATION_INVALID")

        invited = sentinel(tmp_path, folder, "admin", "invite-tenant", "--days", "1", "--note", "for Acme")
        token = invited.stdout.splitlines()[0]
        assert (invited.returncode, invited.stderr, token[:4]) == (0, "", "sti_")
        wanted = registration("acme") | {"invitationToken": token}
        reserved = client.post("/auth/register", json=wanted | {"tenantSlug": "admin"})
        assert (reserved.status_code, reason(reserved)) == (400, "TENANT_SLUG_RESERVED")
        assert fields(reserved) == ["tenant_slug"]
        assert client.post("/auth/register", json=wanted).status_code == 200
        again = client.post("/auth/register", json=wanted | {"tenantSlug": "other"})
        assert (again.status_code, reason(again)) == (403, "TENANT_INVITATION_INVALID")

        made = sentinel(tmp_path, folder, "admin", "create-tenant", "shop", "b@shop.test", stdin=f"{PASSWORD}\n")
        assert (made.returncode, made.stderr) == (0, "")
        login = {"tenantSlug": "shop", "email": "b@shop.test", "password": PASSWORD}
        session = client.post("/auth/login", json=login).json()
        me = bearer(session["tokens"]["accessToken"])
        assert session["user"]["role"] == "ROLE_ADMIN"
        assert client.get("/auth/me", headers=me).status_code == 200

        reset = sentinel(tmp_path, folder, "admin", "reset-password", "shop", "b@shop.test", stdin="battery staple\n")
        assert (reset.returncode, reset.stderr) == (0, "")
        assert client.post("/auth/login", json=login).status_code == 401
        after = client.post("/auth/login", json=login | {"password": "battery staple"}).json()
        audit = client.get("/audit", headers=bearer(after["tokens"]["accessToken"])).json()["auditEntries"]
        done = {
            each["action"]: each["actor"]["kind"] for each in audit if each["actor"]["kind"] == "ACTOR_KIND_OPERATOR"
        }
        assert done.keys() == {"tenant.register", "user.reset_password"}
    for secret in (token, "battery staple"):
        assert secret not in inviting.said()


def test_auth_alone_does_not_serve_strangers_before_somebody_says_who_may_register(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services.auth.app"],
        env={
            "SENTINEL_DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
            "SENTINEL_DATA_DIR": str(tmp_path),
            "SENTINEL_LISTEN": f"0.0.0.0:{free_port()}",
        },
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 1
    assert done.stderr.startswith("sentinel: SENTINEL_REGISTRATION is not set, and 0.0.0.0 is reachable")
