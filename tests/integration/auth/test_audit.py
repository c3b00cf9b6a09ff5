"""The audit log: written with the change or not at all, never changed, readable by its tenant only."""

import asyncio

import asyncpg
import pytest

from services.auth.audit_trail import AuditFilter
from services.auth.model import AuditEntry, SignedIn
from services.auth.team import UserChange
from services.platform.clock import now_us
from services.platform.errors import AlreadyExists
from services.platform.postgres.connection import connect
from services.platform.security.audit import ActorKind
from services.platform.security.principal import Role
from tests.integration.auth.conftest import HOME, PASSWORD, Auth, actor_of


async def entries(auth: Auth, signed_in: SignedIn, wanted: AuditFilter | None = None) -> list[AuditEntry]:
    """What the tenant's log says, oldest first."""
    page = await auth.audit_trail.list(signed_in.tenant.id, wanted or AuditFilter(), 200, "")
    return list(reversed(page.items))


async def test_it_says_who_did_what_to_which_from_where_before_and_after(auth: Auth) -> None:
    admin = await auth.register()
    _, token = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.MEMBER)
    bob = await auth.invitations.accept(HOME, token, PASSWORD, "Bob")
    await auth.team.change(actor_of(admin), bob.user.id, UserChange(role=Role.VIEWER), "")
    *_, entry = await entries(auth, admin)

    assert (entry.change.action, entry.change.resource_id) == ("user.update", bob.user.id)
    assert (entry.actor.kind, entry.actor.id, entry.actor_name) == (ActorKind.USER, admin.user.id, "a@acme.test")
    assert (entry.actor.origin.address, entry.actor.origin.client) == ("192.0.2.1", "test")
    assert entry.actor.origin.request_id == "request-1"
    assert (entry.change.before, entry.change.after) == (
        {"email": "bob@acme.test", "displayName": "Bob", "role": "member", "disabled": False},
        {"email": "bob@acme.test", "displayName": "Bob", "role": "viewer", "disabled": False},
    )


async def test_each_write_leaves_one_entry_and_a_refused_one_none(auth: Auth) -> None:
    admin = await auth.register()
    await auth.sessions.refresh(HOME, admin.tokens.refresh)
    await auth.api_keys.create(actor_of(admin), "ci", Role.VIEWER, None)
    with pytest.raises(AlreadyExists):
        await auth.api_keys.create(actor_of(admin), "ci", Role.VIEWER, None)
    unchanged = await auth.team.change(actor_of(admin), admin.user.id, UserChange(role=Role.ADMIN), "")
    assert unchanged == admin.user
    await auth.tenants.suspend("acme", "unpaid")
    await auth.tenants.resume("acme")

    found = await entries(auth, admin)
    assert [entry.change.action for entry in found] == [
        "tenant.register", "session.start", "session.refresh", "api_key.create", "tenant.suspend", "tenant.resume",
    ]  # fmt: skip
    assert found[-1].actor.kind is ActorKind.OPERATOR


async def test_a_stolen_refresh_token_leaves_a_trace(auth: Auth) -> None:
    admin = await auth.register()
    second = await auth.sessions.refresh(HOME, admin.tokens.refresh)
    await auth.sessions.refresh(HOME, second.refresh)
    with pytest.raises(Exception, match="Refresh token"):
        await auth.sessions.refresh(HOME, admin.tokens.refresh)
    *_, entry = await entries(auth, admin)

    assert entry.change.action == "session.reuse"


async def test_who_is_gone_is_still_known_by_name(auth: Auth) -> None:
    admin = await auth.register()
    _, token = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.MEMBER)
    bob = await auth.invitations.accept(HOME, token, PASSWORD, "Bob")
    await auth.team.delete(actor_of(bob), bob.user.id)
    *_, entry = await entries(auth, admin)

    assert (entry.change.action, entry.actor_name) == ("user.delete", "bob@acme.test")


async def test_it_is_filtered_by_actor_action_and_time(auth: Auth) -> None:
    admin = await auth.register()
    middle = now_us()
    await auth.log_in()

    for wanted, actions in (
        (AuditFilter(actor_id=admin.user.id, action="session.start"), ["session.start"] * 2),
        (AuditFilter(end_us=middle), ["tenant.register", "session.start"]),
        (AuditFilter(start_us=middle), ["session.start"]),
        (AuditFilter(actor_id=admin.tenant.id), []),
    ):
        assert [entry.change.action for entry in await entries(auth, admin, wanted)] == actions


async def test_pages_go_on_behind_each_other_newest_first(auth: Auth) -> None:
    admin = await auth.register()
    for _ in range(3):
        await auth.log_in()
    everything = [entry.id for entry in await entries(auth, admin)]
    token, found = "", []
    while True:
        page = await auth.audit_trail.list(admin.tenant.id, AuditFilter(), 2, token)
        found += [entry.id for entry in page.items]
        token = page.next_token
        if not token:
            break
    assert found == everything[::-1]


async def test_no_role_that_serves_can_change_or_remove_an_entry(auth: Auth, database_url: str) -> None:
    admin = await auth.register()
    for role in ("sentinel_auth", "sentinel_monitor", "sentinel_worker", "sentinel_engine"):
        connection = await connect(database_url, role)
        try:
            for statement in (
                "UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log",
                "ALTER TABLE audit_log DISABLE ROW LEVEL SECURITY", "DROP TABLE audit_log",
            ):  # fmt: skip
                transaction = connection.transaction()
                await transaction.start()
                await connection.execute("SELECT set_config('app.tenant_id', $1, true)", str(admin.tenant.id))
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)
                await transaction.rollback()
        finally:
            await connection.close()


async def test_many_changes_at_once_each_leave_their_entry(auth: Auth) -> None:
    admin = await auth.register()
    await asyncio.gather(
        *(auth.api_keys.create(actor_of(admin), f"key {number}", Role.VIEWER, None) for number in range(20))
    )

    assert len(await entries(auth, admin, AuditFilter(action="api_key.create"))) == 20
