"""The tail of recorded results, read once for all tenants with live streams (docs/adr/0012).

The order of results is the same for all tenants (position.py), so one position serves all their readers. Each read
fetches what was recorded since, and gives each tenant's part to that tenant's readers. A reader joins between two
reads, at the position of the first read after its request: what it reads by itself, up to there, and what it is given,
from there on, leave no gap.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from services.platform import logs
from services.platform.errors import Unavailable
from services.platform.retry import Backoff, Retry
from services.platform.rpc.stream_guard import EndReason
from services.worker.streams.position import FAR_AHEAD, Position
from services.worker.streams.reader import Reader, RecordedResult

if TYPE_CHECKING:
    from services.worker.store.tail import TailStore

_log = logs.get("tail")
PAGE = 2_000
# Notifications may be lost with their connection.
_POLL_S = 1.0
# Many workers record many batches a second; one read fetches them all.
_BETWEEN_S = 0.02
# Announced results stay invisible while an older transaction is in progress, which takes milliseconds.
_BACKOFF = Backoff(first_s=0.01, longest_s=_POLL_S)


class ResultTail:
    """Gives new results to the readers of their tenants.

    Args:
        store: reads new results from PostgreSQL.

    Attributes:
        position: everything up to it was given to readers; None without readers.
    """

    def __init__(self, store: "TailStore") -> None:
        self._store = store
        self._readers: dict[UUID, set[Reader]] = {}
        self._joining: dict[Reader, tuple[UUID, asyncio.Future[Position]]] = {}
        self._wake = asyncio.Event()
        self._announced = 0
        self._era: tuple[int, int] | None = None
        self._is_away = False
        self.position: Position | None = None

    def on_notify(self, payload: str) -> None:
        """Read, because a transaction recorded results; the payload is its id."""
        if payload.isdecimal():
            self._announced = max(self._announced, int(payload))
            if self._readers:
                self._wake.set()

    async def on_connect(self) -> None:
        """Read at once, because notifications may have been lost."""
        self._wake.set()

    async def join(self, tenant_id: UUID, reader: Reader) -> Position:
        """Give a tenant's results to a reader from now on; return the position after which they begin.

        Raises:
            Unavailable: the database is unavailable.
        """
        joined: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._joining[reader] = (tenant_id, joined)
        self._wake.set()
        return await joined

    def leave(self, tenant_id: UUID, reader: Reader) -> None:
        """Give no more results to a reader, whether or not it has joined."""
        self._joining.pop(reader, None)
        readers = self._readers.get(tenant_id, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(tenant_id, None)

    async def run(self) -> None:
        """Read whenever there are results or requests to join, until cancelled."""
        retry, patience_s = Retry(_BACKOFF), _POLL_S
        while True:
            await self._should_read(patience_s)
            if await self._try_to_read():
                retry.succeeded()
                patience_s = _POLL_S
            else:
                patience_s = retry.failed_s()
            await asyncio.sleep(_BETWEEN_S)

    async def _should_read(self, patience_s: float) -> None:
        """Wait for a notification or a request to join; while there are readers, at most for the given time."""
        if self._readers or self._joining:
            with suppress(TimeoutError):
                async with asyncio.timeout(patience_s):
                    await self._wake.wait()
        else:
            self.position = None
            await self._wake.wait()
        self._wake.clear()

    async def _try_to_read(self) -> bool:
        """Read, and handle errors; return whether all announced results were seen."""
        try:
            all_seen = await self._read_new()
        except Unavailable as error:
            if not self._is_away:
                _log.warning("streams are paused: database unavailable")
            self._is_away = True
            self._refuse(error)
            return False
        except Exception as error:  # noqa: BLE001 — readers must not wait forever
            _log.exception("reading new results failed")
            self._refuse(error)
            for reader in [each for readers in self._readers.values() for each in readers]:
                reader.end(EndReason.INTERNAL)
            return False
        self._is_away = False
        return all_seen

    async def _read_new(self) -> bool:
        """Read all that is settled and give it to readers; return whether that is all that was announced."""
        asked = list(self._joining)
        while asked or self._readers:
            after = FAR_AHEAD if self.position is None else self.position
            frontier, rows = await self._store.tail(list(self._readers), after, PAGE)
            if self._is_replaced(frontier):
                continue
            self._hand_out([RecordedResult(*row) for row in rows])
            if len(rows) < PAGE:
                self.position = frontier
                self._admit(asked, self.position)
                return self._announced < frontier.transaction
            self.position = rows[-1][0]
        return True

    def _is_replaced(self, frontier: Position) -> bool:
        """Return whether the database is in another cluster than at the last read, and there is a present position.

        Reading then continues with the first result of that cluster: all before it is older than what was given.
        """
        if frontier.era == self._era:
            return False
        if self._era is not None:
            _log.warning("PostgreSQL cluster changed: streams continue with its first result")
            self._announced = 0
        self._era = frontier.era
        if self.position is None:
            return False
        self.position = frontier.beginning()
        return True

    def _hand_out(self, events: Sequence[RecordedResult]) -> None:
        by_tenant: defaultdict[UUID, list[RecordedResult]] = defaultdict(list)
        for event in events:
            by_tenant[event.result.tenant_id].append(event)
        for tenant_id, of_tenant in by_tenant.items():
            for reader in tuple(self._readers.get(tenant_id, ())):
                reader.push(of_tenant)

    def _admit(self, asked: Sequence[Reader], position: Position) -> None:
        """Let readers that asked before a read continue from its position."""
        for reader in asked:
            tenant_id, joined = self._joining.pop(reader, (None, None))
            if tenant_id is not None and joined is not None and not joined.done():
                self._readers.setdefault(tenant_id, set()).add(reader)
                joined.set_result(position)

    def _refuse(self, error: Exception) -> None:
        """Fail the pending requests to join."""
        refused, self._joining = self._joining, {}
        for _, joined in refused.values():
            if not joined.done():
                joined.set_exception(error)
