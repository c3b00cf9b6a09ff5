"""SQL of checks."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons
from sqlalchemy import delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from services.checks.incident import Resolution
from services.checks.specs.column import decrypted, to_column
from services.checks.state import CheckState, Track
from services.monitor.model import Check, TrackedCheck
from services.monitor.not_found import check_not_found, service_not_found
from services.monitor.quotas import Quotas
from services.monitor.store.base import (
    Sql,
    count,
    has_service,
    insert_check,
    lock_quotas,
    notify_worker,
    open_period,
    schedule_history_removal,
    settings_of,
    tracked,
    tracked_check,
)
from services.monitor.store.incidents import end_incidents
from services.platform.clock import to_datetime
from services.platform.errors import AlreadyExists, FailedPrecondition
from services.platform.paging import PageRequest
from services.platform.postgres.common_store import write_audit
from services.platform.postgres.database import constraint_of
from services.platform.security.audit import Actor, Change
from services.platform.security.secret_box import DecryptionError, SecretBox
from services.shared_sql.tables import check_periods, check_states, checks, heartbeats


class CheckSql(Sql):
    """Checks in PostgreSQL."""

    async def create_check(
        self, actor: Actor, check: Check, request_id: UUID | None, quotas: Quotas, token_hash: bytes | None
    ) -> TrackedCheck:
        """Insert a check within the quotas and notify its worker; a repeated request id returns the check it created.

        Args:
            actor: the creator.
            check: the check.
            request_id: the idempotency key of the client.
            quotas: the tenant's quotas.
            token_hash: the hash of a heartbeat's token; None for other kinds.

        Raises:
            NotFound: SERVICE_NOT_FOUND.
            AlreadyExists: CHECK_NAME_TAKEN.
            FailedPrecondition: QUOTA_EXCEEDED, SECRETS_KEY_MISSING.
        """
        tenant_id = actor.tenant_id
        try:
            async with self._database.tenant(tenant_id) as connection:
                await lock_quotas(connection, tenant_id)
                if request_id is not None:
                    of_request = tracked(tenant_id).where(checks.c.request_id == request_id)
                    made = (await connection.execute(of_request)).one_or_none()
                    if made is not None:
                        return tracked_check(made)
                if not await has_service(connection, tenant_id, check.service_id):
                    raise service_not_found()
                await refuse_more_checks(connection, tenant_id, quotas)
                await insert_check(connection, actor, check, request_id, self._box)
                if token_hash is not None:
                    its_token = {"tenant_id": tenant_id, "check_id": check.id, "token_hash": token_hash}
                    await connection.execute(insert(heartbeats).values(its_token))
                # Read back like any check: its service may be in a maintenance window.
                recorded = await connection.execute(tracked(tenant_id).where(checks.c.id == check.id))
                return tracked_check(recorded.one(), check.spec)
        except IntegrityError as error:
            _constraint_error(error)
            raise

    async def find_check(self, tenant_id: UUID, service_id: UUID, check_id: UUID) -> TrackedCheck | None:
        """Return a check; None if the service has no such check."""
        query = tracked(tenant_id).where(checks.c.service_id == service_id, checks.c.id == check_id)
        async with self._database.tenant(tenant_id) as connection:
            row = (await connection.execute(query)).one_or_none()
        return tracked_check(row) if row else None

    async def list_checks(
        self, tenant_id: UUID, service_id: UUID, page: PageRequest
    ) -> tuple[Sequence[TrackedCheck], int] | None:
        """Return a page of checks plus one more, oldest first, and the total.

        Return None if the tenant has no such service.
        """
        every = select(checks.c.id).where(checks.c.tenant_id == tenant_id, checks.c.service_id == service_id)
        rows = tracked(tenant_id).where(checks.c.service_id == service_id)
        if page.after is not None:
            rows = rows.where(checks.c.id > page.after)
        async with self._database.tenant(tenant_id) as connection:
            if not await has_service(connection, tenant_id, service_id):
                return None
            total = await count(connection, every)
            found = await connection.execute(rows.order_by(checks.c.id).limit(page.size + 1))
            return [tracked_check(row) for row in found], total

    async def change_check(
        self, actor: Actor, service_id: UUID, check_id: UUID, verb: str, decide: Callable[[Check], Check]
    ) -> TrackedCheck:
        """Apply the change that `decide` returns to a check, under a lock, and notify its worker.

        Periods begin and end at the check's update time, which is strictly increasing.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            AlreadyExists: CHECK_NAME_TAKEN.
            FailedPrecondition: SECRETS_KEY_MISSING.
        """
        try:
            async with self._database.tenant(actor.tenant_id) as connection:
                found = await _locked(connection, actor.tenant_id, service_id, check_id, self._box)
                before, after = found.check, decide(found.check)
                if after != before:
                    await _update(connection, before, after, self._box)
                    if before.enabled and not after.enabled:
                        await _lock_state(connection, after)
                        paused = after.update_us
                        await end_incidents(connection, actor, [check_id], Resolution.CHECK_PAUSED, paused)
                    if after.enabled and not before.enabled:
                        await _reset_track(connection, after)
                        found = replace(found, track=Track())
                    change = Change(f"check.{verb}", check_id, before.audited(), after.audited())
                    await write_audit(connection, actor, change)
                    await notify_worker(connection, after)
        except IntegrityError as error:
            _constraint_error(error)
            raise
        return replace(found, check=after)

    async def rotate_token(self, actor: Actor, service_id: UUID, check_id: UUID, token_hash: bytes) -> None:
        """Replace the token of a heartbeat.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            FailedPrecondition: NOT_A_HEARTBEAT.
        """
        tenant_id = actor.tenant_id
        which = (heartbeats.c.tenant_id == tenant_id) & (heartbeats.c.check_id == check_id)
        async with self._database.tenant(tenant_id) as connection:
            await _locked(connection, tenant_id, service_id, check_id, self._box)
            rotated = await connection.execute(update(heartbeats).where(which).values(token_hash=token_hash))
            if not rotated.rowcount:
                raise FailedPrecondition(reasons.ERROR_REASON_NOT_A_HEARTBEAT, "Only heartbeat checks have a token.")
            await write_audit(connection, actor, Change("check.rotate_token", check_id))

    async def delete_check(self, actor: Actor, service_id: UUID, check_id: UUID, now: int) -> None:
        """Delete a check, end its incident, queue its history for removal, and notify its worker.

        Raises:
            NotFound: CHECK_NOT_FOUND.
        """
        tenant_id = actor.tenant_id
        async with self._database.tenant(tenant_id) as connection:
            check = (await _locked(connection, tenant_id, service_id, check_id, self._box)).check
            await _lock_state(connection, check)
            await end_incidents(connection, actor, [check_id], Resolution.CHECK_DELETED, now)
            await schedule_history_removal(connection, tenant_id, service_id, checks.c.id == check_id, now)
            await connection.execute(delete(checks).where(checks.c.tenant_id == tenant_id, checks.c.id == check_id))
            await write_audit(connection, actor, Change("check.delete", check_id, before=check.audited()))


async def refuse_more_checks(connection: AsyncConnection, tenant_id: UUID, quotas: Quotas) -> None:
    """Refuse another check if the quota is reached; the caller holds the quota lock.

    Raises:
        FailedPrecondition: QUOTA_EXCEEDED.
    """
    quotas.refuse_more_checks(await count(connection, select(checks.c.id).where(checks.c.tenant_id == tenant_id)))


async def _locked(
    connection: AsyncConnection, tenant_id: UUID, service_id: UUID, check_id: UUID, box: SecretBox
) -> TrackedCheck:
    """Lock a check until the transaction ends and return it; without secrets that cannot be decrypted.

    Raises:
        NotFound: CHECK_NOT_FOUND.
    """
    which = (checks.c.service_id == service_id) & (checks.c.id == check_id)
    await connection.execute(select(checks.c.id).where(checks.c.tenant_id == tenant_id, which).with_for_update())
    # A separate statement, so that its snapshot includes the changes that the lock waited for, in joined rows, too.
    row = (await connection.execute(tracked(tenant_id).where(which))).one_or_none()
    if row is None:
        raise check_not_found()
    with suppress(DecryptionError):
        return tracked_check(row, decrypted(row.kind, row.spec_message, tenant_id, check_id, box))
    return tracked_check(row)


async def _lock_state(connection: AsyncConnection, check: Check) -> None:
    """Lock the check's state until the transaction ends, so that no result is recorded and no incident opened."""
    its_state = (check_states.c.tenant_id == check.tenant_id) & (check_states.c.check_id == check.id)
    await connection.execute(select(check_states.c.check_id).where(its_state).with_for_update())


async def _reset_track(connection: AsyncConnection, check: Check) -> None:
    """Reset the check's state to UNKNOWN, because results before a pause do not count after it."""
    its_state = (check_states.c.tenant_id == check.tenant_id) & (check_states.c.check_id == check.id)
    await connection.execute(
        update(check_states)
        .where(its_state)
        .values(
            state=int(CheckState.UNKNOWN),
            state_time=None,
            streak=0,
            streak_outcome=0,
            streak_time=None,
            verdict_time=None,
        )
    )


async def _update(connection: AsyncConnection, before: Check, after: Check, box: SecretBox) -> None:
    the_check = (checks.c.tenant_id == before.tenant_id) & (checks.c.id == before.id)
    values = settings_of(after)
    # An unchanged spec is not written: its secrets may not be decryptable now, but later.
    if after.spec != before.spec:
        values["spec_message"] = to_column(after.spec, after.tenant_id, after.id, box)
    await connection.execute(update(checks).where(the_check).values(**values))
    if (before.enabled, before.settings.interval_us) == (after.enabled, after.settings.interval_us):
        return
    if before.enabled:
        await connection.execute(
            update(check_periods)
            .where(
                check_periods.c.tenant_id == before.tenant_id,
                check_periods.c.check_id == before.id,
                check_periods.c.end_time.is_(None),
            )
            .values(end_time=to_datetime(after.update_us))
        )
    if after.enabled:
        await open_period(connection, after, after.update_us)


def _constraint_error(error: IntegrityError) -> None:
    """Translate a violated constraint into the caller's error; return if it is not one of the caller's.

    Raises:
        NotFound: SERVICE_NOT_FOUND.
        AlreadyExists: CHECK_NAME_TAKEN.
    """
    constraint = constraint_of(error)
    if constraint == "checks_tenant_id_service_id_fkey":
        raise service_not_found() from error
    if constraint == "checks_name":
        message = "A check with this name already exists in this service."
        raise AlreadyExists(reasons.ERROR_REASON_CHECK_NAME_TAKEN, message) from error
