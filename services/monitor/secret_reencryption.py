"""Encryption of stored secrets with the newest key: of those in plain text, and of those that an older key encrypted.

It covers all columns of services/checks/secret_registry.py in steps of 200 rows. Each step is committed, so it can stop
at any time; repeating it does no harm.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from services.checks.secret_columns import SecretColumn
from services.checks.secret_registry import SECRET_COLUMNS
from services.platform import logs
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry

if TYPE_CHECKING:
    from services.monitor.store.secrets import SecretSql

_BATCH_SIZE = 200
# The pause leaves the database time for urgent work.
_PAUSE_S = 0.05
_BACKOFF = Backoff(first_s=1.0, longest_s=10.0)
_MOST_NAMED = 10
_FIRST = (UUID(int=0), UUID(int=0))
_log = logs.get("sealing")


@dataclass(frozen=True, slots=True)
class ReencryptionResult:
    """The result of encrypting one column.

    Attributes:
        done: the number of rows whose secrets were encrypted.
        unreadable: the rows whose secrets no configured key decrypts.
    """

    done: int
    unreadable: Sequence[UUID]

    @property
    def some_ids(self) -> str:
        """The ids of some rows that could not be decrypted, for the log."""
        more = f" and {len(self.unreadable) - _MOST_NAMED} more" if len(self.unreadable) > _MOST_NAMED else ""
        return ", ".join(map(str, self.unreadable[:_MOST_NAMED])) + more


async def reencrypt_all(
    store: "SecretSql", columns: Sequence[SecretColumn[Any]] = SECRET_COLUMNS
) -> Mapping[SecretColumn[Any], ReencryptionResult]:
    """Encrypt all secrets with the newest key; return the counts by column.

    Raises:
        Unavailable: the database is unavailable.
    """
    return {each: await _reencrypt_column(store, each) for each in columns}


async def _reencrypt_column(store: "SecretSql", of: SecretColumn[Any]) -> ReencryptionResult:
    after, done = _FIRST, 0
    unread: list[UUID] = []
    while keys := await store.rows_to_seal(of, after, _BATCH_SIZE):
        of_tenants: dict[UUID, list[UUID]] = defaultdict(list)
        for tenant_id, row_id in keys:
            of_tenants[tenant_id].append(row_id)
        for tenant_id, row_ids in of_tenants.items():
            unread += await store.reencrypt(of, tenant_id, row_ids)
        after, done = keys[-1], done + len(keys)
        await asyncio.sleep(_PAUSE_S)
    return ReencryptionResult(done - len(unread), unread)


async def reencrypt_at_start(store: "SecretSql") -> None:
    """Encrypt all secrets with the newest key once the database is available; log those that cannot be decrypted."""
    if store.newest_key_id is None:
        _log.warning("SENTINEL_SECRETS_KEY is not set: secrets cannot be stored")
        return
    sealed, retry = None, Retry(_BACKOFF)
    while sealed is None:
        try:
            sealed = await reencrypt_all(store)
        except Unavailable:
            await retry.pause()
        except Exception:  # noqa: BLE001 — a failed re-encryption must not keep monitor from serving
            _log.exception("re-encrypting secrets with the newest key failed")
            return
    for of, each in sealed.items():
        if each.done:
            _log.info("re-encrypted secrets", of=of.entry, count=each.done, key=store.newest_key_id)
        if each.unreadable:
            _log.error(
                "secrets cannot be decrypted with any configured key",
                of=of.entry,
                count=len(each.unreadable),
                ids=each.some_ids,
            )
