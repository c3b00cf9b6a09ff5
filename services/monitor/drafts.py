"""Services and checks as a client describes them, and how they change stored ones. Pure; times in microseconds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.check_settings import settings_with_defaults
from services.checks.specs.spec import Spec
from services.checks.specs.urls import validate_url
from services.monitor.model import Check, Service
from services.platform.errors import Aborted, InvalidArgument
from services.platform.ids import new_id


@dataclass(frozen=True, slots=True)
class ServiceDraft:
    """The writable fields of a service."""

    name: str
    url: str
    description: str
    labels: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckDraft:
    """The writable fields of a check; attributes of CheckSettings that are not in `given` take their defaults."""

    name: str
    spec: Spec
    given: Mapping[str, Any] = field(default_factory=dict)


def new_check(tenant_id: UUID, service_id: UUID, draft: CheckDraft, now: int) -> Check:
    """Return a new, enabled check with the draft's fields, or defaults."""
    return Check(
        tenant_id=tenant_id,
        id=new_id(),
        service_id=service_id,
        name=draft.name,
        spec=draft.spec,
        settings=settings_with_defaults(draft.spec, draft.given),
        create_us=now,
        update_us=now,
    )


def changed_check(check: Check, etag: str, draft_of: Callable[[Check], CheckDraft], now: int) -> Check:
    """Return the check with the draft's fields.

    Raises:
        Aborted: ETAG_MISMATCH.
        InvalidArgument: the changed check is invalid, or keeps a secret that is not stored.
    """
    if etag and etag != check.etag:
        raise Aborted(
            reasons.ERROR_REASON_ETAG_MISMATCH,
            "ETag mismatch: the check was modified since it was read. Fetch it again and retry.",
        )
    draft = draft_of(check)
    refuse_other_kind(check, draft.spec.KIND)
    spec = draft.spec.merge_secrets(check.spec)
    if spec != check.spec:
        spec.validate(f"check.{spec.KIND}")
    wished = replace(
        new_check(check.tenant_id, check.service_id, replace(draft, spec=spec), check.create_us),
        id=check.id,
        update_us=check.update_us,
        pause_us=check.pause_us,
    )
    return check if wished == check else replace(wished, update_us=_later_than_update(check, now))


def refuse_other_kind(check: Check, kind: str) -> None:
    """Refuse to change a check's kind: its history would belong to another kind of check.

    Raises:
        InvalidArgument: the kind differs.
    """
    if kind != check.spec.KIND:
        message = f"the kind of a check cannot be changed (this check is {check.spec.KIND}); create a new check"
        raise InvalidArgument.field(f"check.{kind}", message)


def paused_check(check: Check, now: int) -> Check:
    """Return the check, paused from now on unless it is paused already."""
    at = _later_than_update(check, now)
    return replace(check, pause_us=at, update_us=at) if check.enabled else check


def resumed_check(check: Check, now: int) -> Check:
    """Return the check, enabled."""
    return check if check.enabled else replace(check, pause_us=None, update_us=_later_than_update(check, now))


def _later_than_update(check: Check, now: int) -> int:
    """Return now, but later than the last change even if the clock stepped back: etags and periods depend on it."""
    return max(now, check.update_us + 1)


def changed_service(service: Service, etag: str, draft_of: Callable[[Service], ServiceDraft], now: int) -> Service:
    """Return the service with the draft's fields.

    Raises:
        Aborted: ETAG_MISMATCH.
        InvalidArgument: the changed service is invalid.
    """
    if etag and etag != service.etag:
        raise Aborted(
            reasons.ERROR_REASON_ETAG_MISMATCH,
            "ETag mismatch: the service was modified since it was read. Fetch it again and retry.",
        )
    draft = draft_of(service)
    if draft.url:
        validate_url(draft.url, "service.url")
    wished = replace(service, name=draft.name, url=draft.url, description=draft.description, labels=draft.labels)
    # Later than before even if the clock stepped back, so that the etag differs.
    return service if wished == service else replace(wished, update_us=max(now, service.update_us + 1))
