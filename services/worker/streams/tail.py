"""The end of what has been recorded, read once for all tenants that somebody here reads live (docs/adr/0012).

The order of results is one for all tenants (position.py), so one position serves all their readers. A look reads what
has been recorded behind it and hands each tenant's part to that tenant's readers. Who joins does so between two looks,
at the position that the first look after it asked has come to: nothing lies between what it reads by itself, up to
there, and what it is given, from there on.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING
from uuid import UUID

from services.platform import logs
from services.platform.errors import Unavailable
from services.platform.rpc.stream_guard import EndReason
from services.worker.streams.position import FAR_AHEAD, Position
from services.worker.streams.reader import Reader, Recorded

if TYPE_CHECKING:
    from services.worker.store.tail import TailStore

_log = logs.get("tail")
PAGE = 2_000
# Notifications may be lost with the connection that brings them.
_POLL_S = 1.0
# Many workers record many batches a second; one look sees them all.
_BETWEEN_S = 0.02
# What was announced stays out of sight while an older transaction is under way; ours take milliseconds.
_RETRY_S = 0.01


class Tail:
    """Hands new results to the readers of their tenants.

    Args:
        store: where results are recorded.

    Attributes:
        position: everything up to it has been handed out; None while nobody reads.
    """

    def __init__(self, store: "TailStore") -> None:
        self._store = store
        self._readers: dict[UUID, set[Reader]] = {}
        self._joining: dict[Reader, tuple[UUID, asyncio.Future[Position]]] = {}
        self._wake = asyncio.Event()
        self._announced = 0
        self._era: tuple[int, int] | None = None
        self._away = False
        self.position: Position | None = None

    def on_notify(self, payload: str) -> None:
        """A transaction recorded results; the payload is its id."""
        if payload.isdecimal():
            self._announced = max(self._announced, int(payload))
            if self._readers:
                self._wake.set()

    async def on_connect(self) -> None:
        """Notifications may have been lost: look at once."""
        self._wake.set()

    async def join(self, tenant_id: UUID, reader: Reader) -> Position:
        """Hand a tenant's results to a reader from now on; answers behind where.

        Raises:
            Unavailable: the database is away.
        """
        joined: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._joining[reader] = (tenant_id, joined)
        self._wake.set()
        return await joined

    def leave(self, tenant_id: UUID, reader: Reader) -> None:
        """Hand nothing more to a reader, whether or not it has joined."""
        self._joining.pop(reader, None)
        readers = self._readers.get(tenant_id, set())
        readers.discard(reader)
        if not readers:
            self._readers.pop(tenant_id, None)

    async def run(self) -> None:
        """Look whenever there is something to see, until cancelled."""
        patience_s, retry_s = _POLL_S, _RETRY_S
        while True:
            await self._reason_to_look(patience_s)
            if await self._try_to_look():
                patience_s, retry_s = _POLL_S, _RETRY_S
            else:
                patience_s, retry_s = retry_s, min(2 * retry_s, _POLL_S)
            await asyncio.sleep(_BETWEEN_S)

    async def _reason_to_look(self, patience_s: float) -> None:
        """Return when something was recorded or somebody joins, or, while somebody reads, when patience ends."""
        if self._readers or self._joining:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), patience_s)
        else:
            self.position = None
            await self._wake.wait()
        self._wake.clear()

    async def _try_to_look(self) -> bool:
        """Look, whatever that may meet; answers whether all was seen that is known to be there."""
        try:
            all_seen = await self._look()
        except Unavailable as error:
            if not self._away:
                _log.warning("streams are paused: database unavailable")
            self._away = True
            self._refuse(error)
            return False
        except Exception as error:  # noqa: BLE001 — a reader must not wait for what will not come
            _log.exception("reading new results failed")
            self._refuse(error)
            for reader in [each for readers in self._readers.values() for each in readers]:
                reader.end(EndReason.INTERNAL)
            return False
        self._away = False
        return all_seen

    async def _look(self) -> bool:
        """Read and hand out all that is settled; answers whether that is all that was announced."""
        asked = list(self._joining)
        while asked or self._readers:
            after = FAR_AHEAD if self.position is None else self.position
            frontier, rows = await self._store.tail(list(self._readers), after, PAGE)
            if self._is_replaced(frontier):
                continue
            self._hand_out([Recorded(*row) for row in rows])
            if len(rows) < PAGE:
                self.position = frontier
                self._admit(asked, self.position)
                return self._announced < frontier.transaction
            self.position = rows[-1][0]
        return True

    def _is_replaced(self, frontier: Position) -> bool:
        """Whether the database is in another cluster than at the last look, and there is a position to read on from.

        Then reading goes on with the first result of that cluster: all before it are older than what was handed out.
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

    def _hand_out(self, events: Sequence[Recorded]) -> None:
        by_tenant: defaultdict[UUID, list[Recorded]] = defaultdict(list)
        for event in events:
            by_tenant[event.result.tenant_id].append(event)
        for tenant_id, of_tenant in by_tenant.items():
            for reader in tuple(self._readers.get(tenant_id, ())):
                reader.give(of_tenant)

    def _admit(self, asked: Sequence[Reader], position: Position) -> None:
        """Let those who asked before a look, and are still there, read on from where it came to."""
        for reader in asked:
            tenant_id, joined = self._joining.pop(reader, (None, None))
            if tenant_id is not None and joined is not None and not joined.done():
                self._readers.setdefault(tenant_id, set()).add(reader)
                joined.set_result(position)

    def _refuse(self, error: Exception) -> None:
        """Tell who wants to join that it cannot."""
        refused, self._joining = self._joining, {}
        for _, joined in refused.values():
            if not joined.done():
                joined.set_exception(error)
