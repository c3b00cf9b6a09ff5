"""Interceptors of the chain: access is denied by default, and errors reveal no internals."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from sentinel.auth.v1 import auth_service_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import InvalidArgument, ResourceExhausted, SentinelError
from services.platform.ids import new_id
from services.platform.rpc.interceptors.access import check_access
from services.platform.rpc.interceptors.call import Call
from services.platform.rpc.interceptors.errors import answer_errors
from services.platform.rpc.interceptors.status import to_status
from services.platform.rpc.rules import MethodRule
from services.platform.security.principal import Principal, Role


async def passed(call: Call) -> None:
    """The next interceptor."""
    call.response = call.request


def call(rule: MethodRule) -> Call:
    context: Any = None  # no interceptor under test reads it
    return Call(rule=rule, request=auth_service_pb2.GetMeRequest(), context=context, metadata={})


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (MethodRule(method="/x/Closed", public=False, role=None), reasons.ERROR_REASON_METHOD_CLOSED),
        (MethodRule(method="/x/ForViewers", public=False, role=Role.VIEWER), reasons.ERROR_REASON_ROLE_INSUFFICIENT),
    ],
)
async def test_access_denies_by_default(rule: MethodRule, reason: reasons.ErrorReason) -> None:
    with pytest.raises(SentinelError) as refused:
        await check_access(call(rule), passed)
    assert refused.value.reason == reason


async def test_a_machine_has_no_account_of_a_person() -> None:
    about_a_person = call(MethodRule(method="/x/Account", public=False, role=Role.VIEWER, person_only=True))
    about_a_person.principal = Principal(
        tenant_id=new_id(), user_id=None, role=Role.ADMIN, credential_id=new_id(), expire_us=0
    )
    with pytest.raises(SentinelError) as refused:
        await check_access(about_a_person, passed)
    assert refused.value.reason == reasons.ERROR_REASON_PERSON_REQUIRED


async def test_a_public_method_is_open() -> None:
    open_call = call(MethodRule(method="/x/Open", public=True, role=None))
    await check_access(open_call, passed)
    assert open_call.response is not None


def test_every_error_has_one_reason_a_request_id_and_what_helps() -> None:
    errors: list[SentinelError] = [
        InvalidArgument.field("name", "must not be empty"),
        ResourceExhausted(reasons.ERROR_REASON_OVERLOADED, "busy", 1.5),
    ]
    for error, extra in zip(errors, ("BadRequest", "RetryInfo"), strict=True):
        status = to_status(error, "id-1")
        kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
        assert kinds == ["ErrorInfo", "RequestInfo", extra]
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        assert info.domain == "sentinel-stack"
        assert not info.reason.startswith("ERROR_REASON_")


async def test_what_nobody_foresaw_says_nothing_of_itself() -> None:
    class Context:
        """Remembers what it was aborted with."""

        async def abort(self, code: grpc.StatusCode, text: str, metadata: Any) -> None:
            self.seen = (code, text, dict(metadata))
            raise grpc.aio.AbortError

    async def explode(_call: Call) -> None:
        raise ValueError("password=secret")

    context: Any = Context()
    exploding = call(MethodRule(method="/x/Open", public=True, role=None))
    exploding.context = context
    with pytest.raises(grpc.aio.AbortError):
        await answer_errors(exploding, explode)
    code, text, metadata = context.seen
    assert code is grpc.StatusCode.INTERNAL
    assert "secret" not in text
    assert "secret" not in str(status_pb2.Status.FromString(metadata["grpc-status-details-bin"]))
