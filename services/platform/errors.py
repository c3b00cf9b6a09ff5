"""All errors that a caller can get, in one tree.

    SentinelError
    ├── InvalidArgument          FIELD_INVALID, PAGE_TOKEN_INVALID, CURSOR_INVALID, SECRET_NOT_STORED, TARGET_BLOCKED,
    │   │                        TENANT_SLUG_RESERVED
    │   └── RequestMalformed     REQUEST_MALFORMED
    ├── Unauthenticated          TOKEN_*, SESSION_ENDED, CREDENTIALS_INVALID, REFRESH_TOKEN_INVALID, INVITATION_INVALID
    ├── PermissionDenied         ROLE_INSUFFICIENT, METHOD_CLOSED, PERSON_REQUIRED, TENANT_SUSPENDED, USER_DISABLED,
    │                            PASSWORD_WRONG, REGISTRATION_CLOSED, TENANT_INVITATION_INVALID
    ├── NotFound                 *_NOT_FOUND
    ├── AlreadyExists            *_TAKEN
    ├── FailedPrecondition       LAST_ADMIN, INCIDENT_RESOLVED, NOT_A_HEARTBEAT, SECRETS_KEY_MISSING,
    │   │                        CURSOR_OUTDATED
    │   └── QuotaExceeded        QUOTA_EXCEEDED
    ├── Aborted                  ETAG_MISMATCH
    ├── ResourceExhausted        RATE_LIMITED, OVERLOADED; always with a retry delay
    ├── RequestTooLarge          REQUEST_TOO_LARGE
    │   └── TooManyFields        REQUEST_TOO_LARGE
    ├── Unimplemented            METHOD_UNKNOWN
    ├── Unavailable              TEMPORARILY_UNAVAILABLE, SHUTTING_DOWN
    └── Internal                 INTERNAL

Each has its canonical code and its reason in the contract (error_reason.proto). One interceptor converts it to a
google.rpc.Status; domain code only raises it. Messages are sentences for the caller and contain no internals.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.rpc import code_pb2
from sentinel.options.v1 import error_reason_pb2 as reasons

Reason = reasons.ErrorReason
MOST_VIOLATIONS = 20
"""The maximum number of violations in an error."""


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A rule that a field violates.

    Attributes:
        field: the path from the request, in the contract's spelling: "check.http.url".
        description: the rule, as a phrase: "must begin with http:// or https://".
        limit: the limit of the rule, such as "64" or "300s"; empty if it has none.
        actual: the value that is compared with it: a number or a length, never a text.
    """

    field: str
    description: str
    limit: str = ""
    actual: str = ""

    @property
    def figures(self) -> dict[str, str]:
        """The field, with the limit and the actual value if they are known."""
        figures = {"field": self.field, "limit": self.limit, "actual": self.actual}
        return {name: value for name, value in figures.items() if value}


class SentinelError(Exception):
    """The base of all errors that a caller can get.

    Attributes:
        code: the canonical code (google.rpc.Code), set by each subclass.
        reason: the reason in the contract.
        message: the message for the caller.
        metadata: the values of the message for programs, with keys in lowerCamelCase, such as "limit" and "actual".
    """

    code: code_pb2.Code = code_pb2.UNKNOWN

    def __init__(self, reason: Reason, message: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata or {})


class InvalidArgument(SentinelError):
    """The request violates a rule of the contract.

    Attributes:
        violations: violated rules, perhaps not all.
        found: the number of violations found.
        metadata: field, limit and actual of the first violation that has a limit.
    """

    code = code_pb2.INVALID_ARGUMENT

    def __init__(
        self,
        message: str,
        violations: Sequence[FieldViolation] = (),
        reason: Reason = reasons.ERROR_REASON_FIELD_INVALID,
        *,
        found: int = 0,
    ) -> None:
        limited = next((each for each in violations if each.limit), None)
        super().__init__(reason, message, limited.figures if limited else None)
        self.violations = tuple(violations)
        self.found = max(found, len(self.violations))

    @classmethod
    def field(
        cls,
        field: str,
        description: str,
        reason: Reason = reasons.ERROR_REASON_FIELD_INVALID,
        *,
        limit: object = "",
        actual: object = "",
    ) -> "InvalidArgument":
        """Return the error for one field that violates one rule; limit and actual are for rules about numbers."""
        violation = FieldViolation(field, description, str(limit), str(actual))
        return cls(f"{field}: {description}", [violation], reason)


class RequestMalformed(InvalidArgument):
    """The bytes of the request are not a message of the method."""

    def __init__(self) -> None:
        super().__init__(
            "The request is not a valid message of this method. Encode its fields as defined in the API contract.",
            reason=reasons.ERROR_REASON_REQUEST_MALFORMED,
        )


class Unauthenticated(SentinelError):
    """The caller is not authenticated."""

    code = code_pb2.UNAUTHENTICATED


class PermissionDenied(SentinelError):
    """The caller is authenticated, but not permitted."""

    code = code_pb2.PERMISSION_DENIED


class NotFound(SentinelError):
    """The tenant has no such resource; one of another tenant gives the same error."""

    code = code_pb2.NOT_FOUND


class AlreadyExists(SentinelError):
    """A unique name is taken."""

    code = code_pb2.ALREADY_EXISTS


class FailedPrecondition(SentinelError):
    """The state of the resource does not allow the operation."""

    code = code_pb2.FAILED_PRECONDITION


class QuotaExceeded(FailedPrecondition):
    """The tenant has reached a quota. Not ResourceExhausted, because waiting does not help.

    Args:
        what: the resources, in the plural: "services", "maintenance windows".
        limit: the quota.
        actual: the present number.
    """

    def __init__(self, what: str, limit: int, actual: int) -> None:
        message = (
            f"Quota exceeded: this tenant is limited to {limit} {what} and has {actual}. "
            "Delete some or ask the operator to raise the quota."
        )
        metadata = {"limit": str(limit), "actual": str(actual), "unit": what}
        super().__init__(reasons.ERROR_REASON_QUOTA_EXCEEDED, message, metadata)


class Aborted(SentinelError):
    """The resource was modified concurrently: read it again and retry."""

    code = code_pb2.ABORTED


class ResourceExhausted(SentinelError):
    """A rate or capacity limit is reached for now.

    Attributes:
        retry_after_s: after how many seconds to retry.
        metadata: the limit, and the actual value if it is known.
    """

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(
        self,
        reason: Reason,
        message: str,
        retry_after_s: float,
        *,
        limit: float | None = None,
        actual: float | None = None,
    ) -> None:
        figures = {"limit": limit, "actual": actual}
        super().__init__(reason, message, {name: str(value) for name, value in figures.items() if value is not None})
        self.retry_after_s = retry_after_s


class RequestTooLarge(SentinelError):
    """The request is larger than any request may be. Unlike ResourceExhausted, waiting does not help.

    Args:
        what: the unit: "bytes", "fields".
        limit: the limit.
        actual: the actual number; "more than …" if counting stopped.
    """

    code = code_pb2.RESOURCE_EXHAUSTED

    def __init__(self, what: str, limit: int, actual: str) -> None:
        message = f"The request is too large: {actual} {what}, limit {limit}. Send less in one request."
        metadata = {"limit": str(limit), "actual": actual, "unit": what}
        super().__init__(reasons.ERROR_REASON_REQUEST_TOO_LARGE, message, metadata)


class TooManyFields(RequestTooLarge):
    """The request has too many fields.

    With the code of the other limits the transcoder would return 429, after which REST clients retry; for too many
    bytes Envoy itself returns 413.
    """

    code = code_pb2.INVALID_ARGUMENT


class Unimplemented(SentinelError):
    """The method does not exist."""

    code = code_pb2.UNIMPLEMENTED


class Unavailable(SentinelError):
    """A dependency is unavailable for a moment."""

    code = code_pb2.UNAVAILABLE

    def __init__(
        self,
        message: str = "Service temporarily unavailable. Try again.",
        reason: Reason = reasons.ERROR_REASON_TEMPORARILY_UNAVAILABLE,
    ) -> None:
        super().__init__(reason, message)


class Internal(SentinelError):
    """An internal fault; its text never leaves the process."""

    code = code_pb2.INTERNAL

    def __init__(self) -> None:
        super().__init__(reasons.ERROR_REASON_INTERNAL, "Internal error. Find it in the server log by the request ID.")
