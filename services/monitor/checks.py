"""Use cases of checks: create, get, list, update, pause, resume, delete, and the tokens of heartbeats."""

from collections.abc import Callable
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.heartbeat_token import hash_of, new_token
from services.checks.specs.heartbeat import HeartbeatSpec
from services.checks.tenant_egress import TenantEgress, refuse_blocked
from services.monitor.drafts import CheckDraft, changed_check, new_check, paused_check, resumed_check
from services.monitor.model import Check, CreatedCheck, TrackedCheck
from services.monitor.not_found import check_not_found, service_not_found
from services.monitor.quotas import Quotas
from services.platform.clock import now_us
from services.platform.paging import Page, Pager
from services.platform.security.audit import Actor

if TYPE_CHECKING:
    from services.monitor.store.checks import CheckSql


class Checks:
    """Use cases of checks.

    Args:
        store: checks in PostgreSQL.
        pager: reads and writes page tokens.
        quotas: how many checks a tenant may have.
        egress: which addresses checks may reach.
    """

    def __init__(self, store: "CheckSql", pager: Pager, quotas: Quotas, egress: TenantEgress) -> None:
        self._egress = egress
        self._store = store
        self._pager = pager
        self._quotas = quotas

    async def create(self, actor: Actor, service_id: UUID, draft: CheckDraft, request_id: UUID | None) -> CreatedCheck:
        """Create a check on a service; a repeated request id returns the check that it created, without its token.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            AlreadyExists: CHECK_NAME_TAKEN.
            FailedPrecondition: QUOTA_EXCEEDED.
            InvalidArgument: the spec is invalid, or its target is blocked (TARGET_BLOCKED).
        """
        path = f"check.{draft.spec.KIND}"
        draft.spec.validate(path)
        await self._egress.refuse_blocked(actor.tenant_id, draft.spec, path)
        check = new_check(actor.tenant_id, service_id, draft, now_us())
        token = new_token() if isinstance(draft.spec, HeartbeatSpec) else ""
        token_hash = hash_of(token) if token else None
        made = await self._store.create_check(actor, check, request_id, self._quotas, token_hash)
        return CreatedCheck(made.check, made.track, made.maintenance_us, token if made.check.id == check.id else "")

    async def rotate_token(self, actor: Actor, service_id: UUID, check_id: UUID) -> str:
        """Replace the token of a heartbeat and return the new one; the old one becomes invalid at once.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            FailedPrecondition: NOT_A_HEARTBEAT.
        """
        token = new_token()
        await self._store.rotate_token(actor, service_id, check_id, hash_of(token))
        return token

    async def get(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> TrackedCheck:
        """Return a check of a service.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        found = await self._store.find_check(tenant_id, service_id, check_id)
        if found is None:
            raise check_not_found()
        return found

    async def list(self, tenant_id: UUID, service_id: UUID, page_size: int, page_token: str) -> Page[TrackedCheck]:
        """Return a page of a service's checks, oldest first.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"checks of {service_id}"
        request = self._pager.request(tenant_id, scope, page_size, page_token)
        found = await self._store.list_checks(tenant_id, service_id, request)
        if found is None:
            raise service_not_found()
        return self._pager.page(tenant_id, scope, request, *found, lambda row: row.check.id)

    async def update(
        self,
        actor: Actor,
        service_id: UUID,
        check_id: UUID,
        etag: str,
        draft_of: Callable[[Check], CheckDraft],
    ) -> TrackedCheck:
        """Update a check; an etag that is not empty has to match the check's.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            Aborted: ETAG_MISMATCH.
            AlreadyExists: CHECK_NAME_TAKEN.
            InvalidArgument: the changed check is invalid, or its target is blocked (TARGET_BLOCKED).
        """
        now, slug = now_us(), await self._egress.slug_of(actor.tenant_id)

        def decide(check: Check) -> Check:
            changed = changed_check(check, etag, draft_of, now)
            if (
                changed.spec != check.spec
            ):  # otherwise a check whose target became blocked could not be renamed or paused
                refuse_blocked(self._egress.policy, changed.spec, f"check.{changed.spec.KIND}", slug)
            return changed

        return await self._store.change_check(actor, service_id, check_id, "update", decide)

    async def pause(self, actor: Actor, service_id: UUID, check_id: UUID) -> TrackedCheck:
        """Pause a check; do nothing if it is paused.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        now = now_us()
        return await self._store.change_check(
            actor, service_id, check_id, "pause", lambda check: paused_check(check, now)
        )

    async def resume(self, actor: Actor, service_id: UUID, check_id: UUID) -> TrackedCheck:
        """Resume a check; do nothing if it is enabled.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        now = now_us()
        return await self._store.change_check(
            actor, service_id, check_id, "resume", lambda check: resumed_check(check, now)
        )

    async def delete(self, actor: Actor, service_id: UUID, check_id: UUID) -> None:
        """Delete a check.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        await self._store.delete_check(actor, service_id, check_id, now_us())
