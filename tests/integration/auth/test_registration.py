"""Who may register a tenant: anybody, who has an invitation of the operator, or nobody."""

import asyncio
import hashlib
from typing import Any

import asyncpg
import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import tenants as tenants_room
from services.auth.model import SignedIn
from services.auth.registration import Registration
from services.platform.clock import DAY_US, now_us
from services.platform.errors import AlreadyExists, InvalidArgument, PermissionDenied, SentinelError
from services.platform.security.audit import ActorKind
from services.platform.security.registration import RegistrationMode
from tests.integration.auth.conftest import HOME, PASSWORD, Auth


async def register(registration: Registration, slug: str, token: str = "") -> SignedIn:
    return await registration.register(HOME, "Acme", slug, f"a@{slug}.test", PASSWORD, "", token)


async def reason_of(registration: Registration, slug: str, token: str = "") -> Any:
    with pytest.raises(SentinelError) as refused:
        await register(registration, slug, token)
    return refused.value.reason


async def rows(database_url: str, query: str) -> list[Any]:
    admin = await asyncpg.connect(database_url)
    found = await admin.fetch(query)
    await admin.close()
    return [row[0] for row in found]


async def test_where_registration_is_closed_nobody_registers_and_the_operator_makes_tenants(
    auth: Auth, database_url: str
) -> None:
    closed = auth.registering(RegistrationMode.CLOSED)
    token = await auth.tenants.invite(7, "")

    with pytest.raises(PermissionDenied, match="operator"):
        await register(closed, "acme")
    assert await reason_of(closed, "acme", token) == reasons.ERROR_REASON_REGISTRATION_CLOSED
    assert await rows(database_url, "SELECT slug FROM tenants") == []


async def test_by_an_invitation_one_tenant_is_registered_and_its_audit_log_says_so(
    auth: Auth, database_url: str
) -> None:
    invited = auth.registering(RegistrationMode.INVITE)
    token = await auth.tenants.invite(7, "for Acme")
    (invitation_id,) = await rows(database_url, "SELECT id FROM tenant_invitations")
    (stored,) = await rows(database_url, "SELECT token_hash FROM tenant_invitations")
    assert stored == hashlib.sha256(token.encode()).digest()
    for wrong in ("", "sti_", token[:-1], token + "A", token.upper()):
        assert await reason_of(invited, "acme", wrong) == reasons.ERROR_REASON_TENANT_INVITATION_INVALID

    made = await register(invited, "acme", token)
    assert await reason_of(invited, "other", token) == reasons.ERROR_REASON_TENANT_INVITATION_INVALID
    assert await rows(database_url, "SELECT slug FROM tenants") == ["acme"]
    (after,) = await rows(database_url, "SELECT after->>'invitation' FROM audit_log WHERE action = 'tenant.register'")
    assert after == str(invitation_id)
    assert made.user.email == "a@acme.test"


async def test_of_two_who_use_an_invitation_at_once_one_registers(auth: Auth, database_url: str) -> None:
    invited = auth.registering(RegistrationMode.INVITE)
    token = await auth.tenants.invite(7, "")
    outcomes = await asyncio.gather(
        *(register(invited, slug, token) for slug in ("one", "two")), return_exceptions=True
    )

    assert sorted(type(each).__name__ for each in outcomes) == ["PermissionDenied", "SignedIn"]
    assert len(await rows(database_url, "SELECT slug FROM tenants")) == 1


async def test_an_invitation_stays_good_when_the_slug_is_taken_or_reserved(auth: Auth) -> None:
    await auth.register("acme")
    invited = auth.registering(RegistrationMode.INVITE)
    token = await auth.tenants.invite(7, "")

    with pytest.raises(AlreadyExists):
        await register(invited, "acme", token)
    with pytest.raises(InvalidArgument):
        await register(invited, "admin", token)
    assert (await register(invited, "shop", token)).tenant.slug == "shop"


async def test_a_slug_that_the_settings_grant_something_is_for_the_operator_to_give(auth: Auth) -> None:
    strangers = auth.registering(RegistrationMode.OPEN, {"acme"})

    assert await reason_of(strangers, "acme") == reasons.ERROR_REASON_TENANT_SLUG_RESERVED
    assert (await register(strangers, "shop")).tenant.slug == "shop"


async def test_an_expired_invitation_is_not_good_and_goes_with_the_next(
    auth: Auth, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await auth.tenants.invite(7, "old")
    admin = await asyncpg.connect(database_url)
    await admin.execute("UPDATE tenant_invitations SET expire_time = now()")
    await admin.close()
    invited = auth.registering(RegistrationMode.INVITE)

    assert await reason_of(invited, "acme", token) == reasons.ERROR_REASON_TENANT_INVITATION_INVALID
    monkeypatch.setattr(tenants_room, "now_us", lambda: now_us() + DAY_US)
    await auth.tenants.invite(1, "new")
    assert await rows(database_url, "SELECT note FROM tenant_invitations") == ["new"]


async def test_where_registration_is_open_an_invitation_is_not_used_up(auth: Auth, database_url: str) -> None:
    token = await auth.tenants.invite(7, "")
    await register(auth.registration, "acme", token)

    assert await rows(database_url, "SELECT count(*) FROM tenant_invitations") == [1]


async def test_what_an_operator_does_to_a_tenant_is_in_its_audit_log(auth: Auth, database_url: str) -> None:
    made = await auth.register("acme")
    new_hash = await auth.passwords.hash("battery staple")
    await auth.tenants.reset_password("acme", "A@acme.test", new_hash)
    with pytest.raises(tenants_room.OperatorError, match=r"user not found: 'b@acme.test' in tenant"):
        await auth.tenants.reset_password("acme", "b@acme.test", new_hash)
    with pytest.raises(tenants_room.OperatorError, match=r"tenant not found: 'shop'"):
        await auth.tenants.reset_password("shop", "a@acme.test", new_hash)

    with pytest.raises(SentinelError):
        await auth.log_in()
    with pytest.raises(SentinelError):
        await auth.sessions.refresh(HOME, made.tokens.refresh)
    assert (await auth.log_in(password="battery staple")).user.id == made.user.id
    (kind,) = await rows(database_url, "SELECT actor_kind FROM audit_log WHERE action = 'user.reset_password'")
    (after,) = await rows(database_url, "SELECT after::text FROM audit_log WHERE action = 'user.reset_password'")
    assert kind == ActorKind.OPERATOR
    assert after == '{"email": "a@acme.test", "endedSessions": 1}'
