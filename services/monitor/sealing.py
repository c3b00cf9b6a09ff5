"""Encrypts secrets with the newest key: what is in the open from before, and what another key encrypted.

All columns of services/checks/secret_registry.py are gone through. A step is some hundred rows; what is done stays
done, whenever the process ends, and doing it twice does no harm.
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

if TYPE_CHECKING:
    from services.monitor.store.secrets import SecretSql

_A_STEP = 200
# Between two steps the database has time for what is urgent.
_PAUSE_S = 0.05
_RETRY_S = 1.0
_MOST_NAMED = 10
_FIRST = (UUID(int=0), UUID(int=0))
_log = logs.get("sealing")


@dataclass(frozen=True, slots=True)
class Sealed:
    """What sealing one column came to.

    Attributes:
        done: how many rows' secrets were encrypted.
        unread: the rows whose secrets none of our keys decrypts.
    """

    done: int
    unread: Sequence[UUID]

    @property
    def named(self) -> str:
        """Some of those that could not be read."""
        more = f" and {len(self.unread) - _MOST_NAMED} more" if len(self.unread) > _MOST_NAMED else ""
        return ", ".join(map(str, self.unread[:_MOST_NAMED])) + more


async def seal_all(
    store: "SecretSql", columns: Sequence[SecretColumn[Any]] = SECRET_COLUMNS
) -> Mapping[SecretColumn[Any], Sealed]:
    """Encrypt all secrets with the newest key; return the counts by column.

    Raises:
        Unavailable: the database is away.
    """
    return {each: await _seal_column(store, each) for each in columns}


async def _seal_column(store: "SecretSql", of: SecretColumn[Any]) -> Sealed:
    after, done = _FIRST, 0
    unread: list[UUID] = []
    while keys := await store.rows_to_seal(of, after, _A_STEP):
        of_tenants: dict[UUID, list[UUID]] = defaultdict(list)
        for tenant_id, row_id in keys:
            of_tenants[tenant_id].append(row_id)
        for tenant_id, row_ids in of_tenants.items():
            unread += await store.seal_anew(of, tenant_id, row_ids)
        after, done = keys[-1], done + len(keys)
        await asyncio.sleep(_PAUSE_S)
    return Sealed(done - len(unread), unread)


async def seal_at_start(store: "SecretSql") -> None:
    """Encrypt what is left to encrypt, as soon as the database answers, and say what cannot be read."""
    if store.sealing_key is None:
        _log.warning("SENTINEL_SECRETS_KEY is not set: secrets cannot be stored")
        return
    sealed = None
    while sealed is None:
        try:
            sealed = await seal_all(store)
        except Unavailable:
            await asyncio.sleep(_RETRY_S)
        except Exception:  # noqa: BLE001 — what cannot be encrypted anew must not keep monitor from serving
            _log.exception("re-encrypting secrets with the newest key failed")
            return
    for of, each in sealed.items():
        if each.done:
            _log.info("re-encrypted secrets", of=of.entry, count=each.done, key=store.sealing_key)
        if each.unread:
            _log.error(
                "secrets cannot be decrypted with any configured key",
                of=of.entry,
                count=len(each.unread),
                ids=each.named,
            )
