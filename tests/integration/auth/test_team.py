"""The team against the real tables: the last administrator, invitations, passwords, concurrent callers."""

import asyncio

import pytest
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth import invitations
from services.auth.model import SignedIn
from services.auth.team import UserChange, UserFilter
from services.platform.clock import now_us
from services.platform.errors import (
    AlreadyExists,
    FailedPrecondition,
    NotFound,
    PermissionDenied,
    SentinelError,
    Unauthenticated,
)
from services.platform.ids import new_id
from services.platform.security.principal import Person, Role
from tests.integration.auth.conftest import HOME, PASSWORD, Auth, actor_of


async def join(auth: Auth, admin: SignedIn, email: str, role: Role) -> SignedIn:
    """A further user of the administrator's tenant."""
    _, token = await auth.invitations.invite(actor_of(admin), email, role)
    return await auth.invitations.accept(HOME, token, PASSWORD, "")


def person_of(signed_in: SignedIn, session: object) -> Person:
    return Person(signed_in.tenant.id, signed_in.user.id, session)  # type: ignore[arg-type] # a session's id


async def reason_of(attempt: object) -> str:
    with pytest.raises(SentinelError) as refused:
        await attempt  # type: ignore[misc] # a coroutine
    return reasons.ErrorReason.Name(refused.value.reason).removeprefix("ERROR_REASON_")


async def test_an_invitation_is_accepted_once_and_makes_a_user_of_its_role(auth: Auth) -> None:
    admin = await auth.register()
    invitation, token = await auth.invitations.invite(actor_of(admin), "Bob@acme.test", Role.MEMBER)
    assert (invitation.email, invitation.expire_us - invitation.create_us) == ("bob@acme.test", invitations.LIFE_US)

    bob = await auth.invitations.accept(HOME, token, PASSWORD, "Bob")
    assert (bob.tenant, bob.user.email, bob.user.role) == (admin.tenant, "bob@acme.test", Role.MEMBER)
    assert await reason_of(auth.invitations.accept(HOME, token, PASSWORD, "Bob")) == "INVITATION_INVALID"
    again = await auth.sessions.log_in(HOME, "acme", "BOB@acme.test", PASSWORD)
    assert again.user.id == bob.user.id
    assert (await auth.invitations.list(admin.tenant.id, 0, "")).total == 0


async def test_of_many_who_accept_one_invitation_at_once_one_wins(auth: Auth) -> None:
    admin = await auth.register()
    _, token = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.MEMBER)
    outcomes = await asyncio.gather(
        *(auth.invitations.accept(HOME, token, PASSWORD, "") for _ in range(4)), return_exceptions=True
    )

    assert sum(isinstance(outcome, SignedIn) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, Unauthenticated | AlreadyExists) for outcome in outcomes) == 3


async def test_an_invitation_dies_when_it_is_revoked_replaced_or_old(
    auth: Auth, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin = await auth.register()
    revoked, first = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.MEMBER)
    await auth.invitations.revoke(actor_of(admin), revoked.id)
    assert await reason_of(auth.invitations.revoke(actor_of(admin), revoked.id)) == "INVITATION_NOT_FOUND"
    _, second = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.MEMBER)
    _, third = await auth.invitations.invite(actor_of(admin), "bob@acme.test", Role.VIEWER)
    for token in (first, second):
        assert await reason_of(auth.invitations.accept(HOME, token, PASSWORD, "")) == "INVITATION_INVALID"
    later = now_us() + invitations.LIFE_US
    monkeypatch.setattr(invitations, "now_us", lambda: later)
    assert await reason_of(auth.invitations.accept(HOME, third, PASSWORD, "")) == "INVITATION_INVALID"
    assert (await auth.invitations.list(admin.tenant.id, 0, "")).total == 0


async def test_who_is_in_the_team_cannot_be_invited(auth: Auth) -> None:
    admin = await auth.register()

    assert await reason_of(auth.invitations.invite(actor_of(admin), "A@ACME.test", Role.VIEWER)) == "EMAIL_TAKEN"


async def test_two_administrators_who_demote_each_other_at_once_leave_one(auth: Auth) -> None:
    ann = await auth.register()
    bob = await join(auth, ann, "bob@acme.test", Role.ADMIN)
    outcomes = await asyncio.gather(
        auth.team.change(actor_of(ann), bob.user.id, UserChange(role=Role.VIEWER), ""),
        auth.team.change(actor_of(bob), ann.user.id, UserChange(disabled=True), ""),
        return_exceptions=True,
    )

    assert sum(isinstance(outcome, FailedPrecondition) for outcome in outcomes) == 1
    page = await auth.team.list(ann.tenant.id, UserFilter(role=Role.ADMIN, disabled=False), 0, "")
    assert page.total == 1


async def test_the_last_administrator_cannot_be_deleted(auth: Auth) -> None:
    admin = await auth.register()
    await join(auth, admin, "bob@acme.test", Role.MEMBER)

    assert await reason_of(auth.team.delete(actor_of(admin), admin.user.id)) == "LAST_ADMIN"


async def test_who_is_disabled_loses_all_sessions_and_gets_in_again_when_enabled(auth: Auth) -> None:
    admin = await auth.register()
    bob = await join(auth, admin, "bob@acme.test", Role.MEMBER)
    await auth.team.change(actor_of(admin), bob.user.id, UserChange(disabled=True), "")

    assert await reason_of(auth.sessions.refresh(HOME, bob.tokens.refresh)) == "REFRESH_TOKEN_INVALID"
    assert await reason_of(auth.sessions.log_in(HOME, "acme", "bob@acme.test", PASSWORD)) == "USER_DISABLED"
    assert await reason_of(auth.sessions.log_in(HOME, "acme", "bob@acme.test", "wrong")) == "CREDENTIALS_INVALID"
    await auth.team.change(actor_of(admin), bob.user.id, UserChange(disabled=False), "")
    await auth.sessions.log_in(HOME, "acme", "bob@acme.test", PASSWORD)
    assert await reason_of(auth.sessions.refresh(HOME, bob.tokens.refresh)) == "REFRESH_TOKEN_INVALID"


async def test_who_is_deleted_is_gone_and_the_email_is_free_again(auth: Auth) -> None:
    admin = await auth.register()
    bob = await join(auth, admin, "bob@acme.test", Role.MEMBER)
    await auth.team.delete(actor_of(admin), bob.user.id)

    assert await reason_of(auth.team.delete(actor_of(admin), bob.user.id)) == "USER_NOT_FOUND"
    assert await reason_of(auth.sessions.refresh(HOME, bob.tokens.refresh)) == "REFRESH_TOKEN_INVALID"
    again = await join(auth, admin, "bob@acme.test", Role.VIEWER)
    assert again.user.id != bob.user.id


async def test_another_tenants_user_is_not_found(auth: Auth) -> None:
    ours, theirs = await auth.register("ours"), await auth.register("theirs")

    for user_id in (theirs.user.id, new_id()):
        with pytest.raises(NotFound):
            await auth.team.get(ours.tenant.id, user_id)
        with pytest.raises(NotFound):
            await auth.team.change(actor_of(ours), user_id, UserChange(role=Role.VIEWER), "")
        with pytest.raises(NotFound):
            await auth.team.delete(actor_of(ours), user_id)


async def test_users_come_in_pages_by_role_and_state(auth: Auth) -> None:
    admin = await auth.register()
    members = [await join(auth, admin, f"{number}@acme.test", Role.MEMBER) for number in range(3)]
    await auth.team.change(actor_of(admin), members[1].user.id, UserChange(disabled=True), "")
    wanted = UserFilter(role=Role.MEMBER, disabled=False)

    first = await auth.team.list(admin.tenant.id, wanted, 1, "")
    second = await auth.team.list(admin.tenant.id, wanted, 1, first.next_token)
    assert [user.email for user in (*first.items, *second.items)] == ["0@acme.test", "2@acme.test"]
    assert (first.total, second.next_token) == (2, "")
    with pytest.raises(SentinelError):
        await auth.team.list(admin.tenant.id, UserFilter(), 1, first.next_token)


async def test_a_new_password_needs_the_old_one_and_ends_all_other_sessions(auth: Auth) -> None:
    admin = await auth.register()
    other = await auth.log_in()
    sessions = await auth.sessions.list(person_of(admin, new_id()))
    this = person_of(admin, sessions[-1].id)

    assert (
        await reason_of(auth.account.change_password(actor_of(admin), this, "wrong", "new horses")) == "PASSWORD_WRONG"
    )
    await auth.account.change_password(actor_of(admin), this, PASSWORD, "new horses")
    assert await reason_of(auth.sessions.refresh(HOME, other.tokens.refresh)) == "REFRESH_TOKEN_INVALID"
    await auth.sessions.refresh(HOME, admin.tokens.refresh)
    assert await reason_of(auth.log_in()) == "CREDENTIALS_INVALID"
    await auth.log_in(HOME, "new horses")


async def test_guesses_at_the_current_password_are_limited(auth: Auth) -> None:
    admin = await auth.register()
    me = person_of(admin, new_id())
    for _ in range(10):
        with pytest.raises(PermissionDenied):
            await auth.account.change_password(actor_of(admin), me, "wrong", "new horses")
    assert await reason_of(auth.account.change_password(actor_of(admin), me, PASSWORD, "new horses")) == "RATE_LIMITED"


async def test_one_of_the_own_sessions_ends_and_nobody_elses(auth: Auth) -> None:
    admin = await auth.register()
    bob = await join(auth, admin, "bob@acme.test", Role.MEMBER)
    second = await auth.log_in()
    mine = await auth.sessions.list(person_of(admin, new_id()))
    (bobs,) = await auth.sessions.list(person_of(bob, new_id()))
    me = person_of(admin, mine[-1].id)
    assert [(each.client, each.address) for each in mine] == [("test", "192.0.2.1")] * 2

    assert await reason_of(auth.sessions.end(actor_of(admin), me, bobs.id)) == "SESSION_NOT_FOUND"
    await auth.sessions.end(actor_of(admin), me, mine[0].id)
    assert await reason_of(auth.sessions.refresh(HOME, second.tokens.refresh)) == "REFRESH_TOKEN_INVALID"
    await auth.sessions.refresh(HOME, admin.tokens.refresh)
    await auth.sessions.refresh(HOME, bob.tokens.refresh)
