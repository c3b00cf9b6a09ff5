"""SQL of what belongs to no tenant: published keys, rate limits, housekeeping."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ARRAY, Integer, Interval, LargeBinary, cast, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from services.auth.limits import Bucket
from services.auth.signing import SigningKey
from services.auth.store.base import Sql
from services.platform.clock import now_us, to_datetime
from services.platform.postgres.tables import rate_limits, signing_keys
from services.platform.security.tokens import CHANNEL

_MICROSECOND = timedelta(microseconds=1)


class InstallationSql(Sql):
    """Data that all tenants share, in PostgreSQL."""

    async def publish_key(self, key: SigningKey, now: int) -> None:
        """Publish a key, so that every service accepts its signatures, and notify the services."""
        row = {"kid": key.kid, "public_key": key.public, "create_time": to_datetime(now)}
        async with self._database.untenanted() as connection:
            await connection.execute(upsert(signing_keys).values(row).on_conflict_do_nothing())
            await connection.execute(select(func.pg_notify(CHANNEL, key.kid)))

    async def retire_key(self, kid: str, at: int) -> None:
        """Stop accepting a key's signatures at a time, or earlier if already so decided; notify every service."""
        sooner = or_(signing_keys.c.retire_time.is_(None), signing_keys.c.retire_time > to_datetime(at))
        async with self._database.untenanted() as connection:
            await connection.execute(
                update(signing_keys).where(signing_keys.c.kid == kid, sooner).values(retire_time=to_datetime(at))
            )
            await connection.execute(select(func.pg_notify(CHANNEL, kid)))

    async def published_kids(self) -> set[str]:
        """Return the ids of the keys that are not retired."""
        going_on = or_(signing_keys.c.retire_time.is_(None), signing_keys.c.retire_time > to_datetime(now_us()))
        async with self._database.untenanted() as connection:
            return set((await connection.execute(select(signing_keys.c.kid).where(going_on))).scalars())

    async def consume_attempt(self, buckets: Sequence[Bucket]) -> int | None:
        """Take one attempt from each bucket, or none; return the microseconds to wait if one is empty."""
        keys = cast([bucket.key for bucket in buckets], ARRAY(LargeBinary))
        every = cast([_MICROSECOND * bucket.every_us for bucket in buckets], ARRAY(Interval))
        burst = cast([bucket.burst for bucket in buckets], ARRAY(Integer))
        async with self._database.untenanted() as connection:
            wait = (await connection.execute(select(func.take_attempt(keys, every, burst)))).scalar_one()
        return None if wait is None else wait // _MICROSECOND

    async def refund_attempt(self, buckets: Sequence[Bucket]) -> None:
        """Return one attempt to each bucket."""
        async with self._database.untenanted() as connection:
            for bucket in sorted(buckets, key=lambda each: each.key):
                await connection.execute(
                    update(rate_limits)
                    .where(rate_limits.c.key == bucket.key)
                    .values(empty_time=rate_limits.c.empty_time - _MICROSECOND * bucket.every_us)
                )

    async def forget_expired(self, most: int) -> int:
        """Delete at most so many expired rows of each kind; return how many were deleted."""
        async with self._database.untenanted() as connection:
            gone: int = (await connection.execute(select(func.forget_expired(most)))).scalar_one()
            return gone
