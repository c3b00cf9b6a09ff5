"""architecture.md § Trust: what changed about a credential counts from the moment that it is known."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import SentinelError
from services.platform.ids import new_id
from services.platform.postgres.common_store import CommonStore
from services.platform.security.principal import Principal, Role
from services.platform.security.revocations import KEEP, Revocation, Revocations, Revoked

NOW = datetime.now(UTC)
PERSON = Principal(tenant_id=new_id(), user_id=new_id(), role=Role.MEMBER, credential_id=new_id(), expire_us=0)
MACHINE = Principal(tenant_id=PERSON.tenant_id, user_id=None, role=Role.ADMIN, credential_id=new_id(), expire_us=0)


class Recorded(CommonStore):
    """Answers what was recorded."""

    def __init__(self, *entries: Revocation) -> None:
        self.entries = entries

    async def revoked_since(self, moment: datetime) -> Sequence[Revocation]:
        """What changed at or after a moment."""
        return [entry for entry in self.entries if entry.time >= moment]


def told(*entries: Revocation) -> Revocations:
    revocations = Revocations(Recorded())
    for entry in entries:
        revocations.on_notify(entry.payload())
    return revocations


def reason(revocations: Revocations, principal: Principal) -> str:
    with pytest.raises(SentinelError) as refused:
        revocations.admit(principal)
    return reasons.ErrorReason.Name(refused.value.reason).removeprefix("ERROR_REASON_")


def test_who_was_not_revoked_is_admitted() -> None:
    others = told(
        Revocation(kind=Revoked.SESSION, subject=new_id(), time=NOW),
        Revocation(kind=Revoked.SUSPENDED, subject=new_id(), time=NOW, role=None, reason="x"),
    )

    for revocations in (told(), others):
        assert revocations.admit(PERSON) is PERSON
        assert revocations.admit(MACHINE) is MACHINE


def test_an_ended_session_and_a_deleted_key_are_refused() -> None:
    revocations = told(
        Revocation(kind=Revoked.SESSION, subject=PERSON.credential_id, time=NOW),
        Revocation(kind=Revoked.API_KEY, subject=MACHINE.credential_id, time=NOW),
    )

    assert reason(revocations, PERSON) == "SESSION_ENDED"
    assert reason(revocations, MACHINE) == "TOKEN_INVALID"


def test_a_new_role_counts_for_tokens_that_carry_the_old_one() -> None:
    assert PERSON.user_id
    promoted = Revocation(kind=Revoked.ROLE, subject=PERSON.user_id, time=NOW, role=Role.ADMIN)
    demoted = Revocation(kind=Revoked.ROLE, subject=PERSON.user_id, time=NOW + timedelta(seconds=1), role=Role.VIEWER)

    assert told(promoted).admit(PERSON) == replace(PERSON, role=Role.ADMIN)
    assert told(promoted, demoted).admit(PERSON).role is Role.VIEWER
    assert told(demoted, promoted).admit(PERSON).role is Role.VIEWER  # the later change counts, in any order of arrival


def test_a_suspended_tenant_is_refused_with_the_reason_until_it_goes_on() -> None:
    begun = Revocation(
        kind=Revoked.SUSPENDED, subject=PERSON.tenant_id, time=NOW, role=None, reason="not paid since May"
    )
    over = Revocation(kind=Revoked.RESUMED, subject=PERSON.tenant_id, time=NOW + timedelta(microseconds=1))

    for principal in (PERSON, MACHINE):
        assert reason(told(begun), principal) == "TENANT_SUSPENDED"
        assert told(begun, over).admit(principal) is principal
    with pytest.raises(SentinelError, match="not paid since May"):
        told(begun).admit(PERSON)


@given(
    st.sampled_from(Revoked),
    st.uuids(),
    st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 — bounds
    st.none() | st.sampled_from(Role),
    st.text(max_size=50),
)
def test_a_notification_says_all_of_it(
    kind: Revoked, subject: object, time: datetime, role: Role | None, why: str
) -> None:
    entry = Revocation(kind=kind, subject=subject, time=time, role=role, reason=why)  # type: ignore[arg-type] # hypothesis' uuids are UUIDs

    assert Revocation.parse(entry.payload()) == entry


async def test_what_no_notification_brought_is_read_and_forgotten_when_no_token_is_that_old() -> None:
    fresh = Revocation(kind=Revoked.SESSION, subject=PERSON.credential_id, time=datetime.now(UTC))
    stale = Revocation(
        kind=Revoked.API_KEY, subject=MACHINE.credential_id, time=datetime.now(UTC) - KEEP - timedelta(seconds=1)
    )
    revocations = Revocations(Recorded(fresh, stale))
    revocations.on_notify(stale.payload())
    await revocations.refresh()

    assert reason(revocations, PERSON) == "SESSION_ENDED"
    assert revocations.admit(MACHINE) is MACHINE
