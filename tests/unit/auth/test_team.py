"""The team's rules: a tenant keeps an active administrator, an etag is compared, a mask says what changes."""

from dataclasses import replace

import pytest
from google.protobuf.field_mask_pb2 import FieldMask
from hypothesis import given
from hypothesis import strategies as st
from sentinel.auth.v1 import user_pb2
from sentinel.options.v1 import access_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.auth.messages import user_change
from services.auth.model import User
from services.auth.team import UserChange, changed_user, refuse_losing_the_last_admin
from services.platform.errors import Aborted, FailedPrecondition, InvalidArgument
from services.platform.ids import new_id
from services.platform.security.principal import Role

NOW = 1_790_000_000_000_000

users = st.builds(
    User,
    tenant_id=st.just(new_id()),
    id=st.uuids(),
    email=st.just("a@acme.test"),
    display_name=st.text(max_size=5),
    role=st.sampled_from(Role),
    create_us=st.just(NOW),
    update_us=st.integers(NOW - 10, NOW + 10),
    disabled=st.booleans(),
)
changes = st.builds(
    UserChange,
    display_name=st.none() | st.text(max_size=5),
    role=st.none() | st.sampled_from(Role),
    disabled=st.none() | st.booleans(),
)


@given(users, changes, st.integers(0, 3))
def test_a_change_never_leaves_a_tenant_without_an_active_administrator(
    user: User, change: UserChange, others: int
) -> None:
    had_one = others > 0 or user.is_active_admin
    try:
        after = changed_user(user, others, change, "", NOW)
    except FailedPrecondition:
        assert user.is_active_admin
        assert others == 0
        return
    assert not had_one or others > 0 or after.is_active_admin


@given(users, changes)
def test_an_etag_changes_with_the_user_and_only_then(user: User, change: UserChange) -> None:
    after = changed_user(user, 1, change, user.etag, NOW)

    assert (after.etag == user.etag) == (replace(after, update_us=user.update_us) == user)


@given(users, changes)
def test_a_foreign_etag_is_refused(user: User, change: UserChange) -> None:
    with pytest.raises(Aborted) as refused:
        changed_user(user, 1, change, "0123456789abcdef", NOW)
    assert refused.value.reason == reasons.ERROR_REASON_ETAG_MISMATCH


@given(users, st.integers(0, 2))
def test_the_last_active_administrator_cannot_be_deleted(user: User, others: int) -> None:
    if user.is_active_admin and others == 0:
        with pytest.raises(FailedPrecondition):
            refuse_losing_the_last_admin(user, None, others)
    else:
        refuse_losing_the_last_admin(user, None, others)


CHANGEABLE = {"role", "disabled"}


def test_without_a_mask_what_is_there_changes() -> None:
    assert user_change(user_pb2.User(), FieldMask(), CHANGEABLE) == UserChange()
    assert user_change(user_pb2.User(disabled=False), FieldMask(), CHANGEABLE) == UserChange(disabled=False)
    promoted = user_pb2.User(role=access_pb2.ROLE_ADMIN, display_name="ignored")
    assert user_change(promoted, FieldMask(), CHANGEABLE) == UserChange(role=Role.ADMIN)


def test_a_mask_says_what_changes() -> None:
    user = user_pb2.User(role=access_pb2.ROLE_ADMIN, disabled=True)
    assert user_change(user, FieldMask(paths=["disabled"]), CHANGEABLE) == UserChange(disabled=True)
    assert user_change(user_pb2.User(), FieldMask(paths=["display_name"]), {"display_name"}) == UserChange("")


@pytest.mark.parametrize(
    ("paths", "field"), [(["email"], "update_mask"), (["*"], "update_mask"), (["role"], "user.role")]
)
def test_a_mask_that_names_what_cannot_be_is_refused(paths: list[str], field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        user_change(user_pb2.User(), FieldMask(paths=paths), CHANGEABLE)
    assert [violation.field for violation in refused.value.violations] == [field]
