"""Detection of the worker's own network failures (semantics.md §9).

When many of the distinct target hosts that were probed lately have turned to network failures, the worker connects to
addresses that the operator names, its canaries. If none answers, the worker is offline, and network failures are
recorded as ERROR, not DOWN.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from services.checks.outcome import ErrorKind, Outcome
from services.platform import logs
from services.platform.clock import SECOND_US
from services.worker.canary import Canary
from services.worker.clock import SharedClock
from services.worker.record import Pending
from services.worker.results import as_error

_log = logs.get("guard")
_REMEMBER_US = 10 * SECOND_US
_LEAST_HOSTS = 3
_SHARE = 0.5
_NETWORK_KINDS = frozenset(
    {ErrorKind.DNS, ErrorKind.CONNECT_REFUSED, ErrorKind.CONNECT_TIMEOUT, ErrorKind.TLS, ErrorKind.TIMEOUT}
)


class SelfFaultGuard:
    """Vets batches of results before they are recorded.

    Args:
        canaries: the addresses to try; without any, all verdicts stand.
        clock: the clock of slots.
    """

    def __init__(self, canaries: Sequence[Canary], clock: SharedClock) -> None:
        self._canaries = canaries
        self._clock = clock
        # The checks whose last verdict is a network failure; they do not flip again.
        self._failing: set[UUID] = set()
        # For each host that was probed lately: when, and whether a check of it turned to failure then.
        self._hosts: OrderedDict[str, tuple[int, bool]] = OrderedDict()

    async def vet(self, batch: Sequence[Pending]) -> Sequence[Pending]:
        """Return the batch, with the worker's own failures as ERROR."""
        if not self._canaries:
            return batch
        failed = {pending.check.id for pending in batch if _failed_on_network(pending)}
        self._remember(batch, failed)
        if self._is_suspicious():
            if not await self._is_online():
                _log.error("all canaries unreachable: worker is offline, recording network failures as ERROR")
                message = "the worker was offline"
                return [
                    replace(each, result=as_error(each.result, message)) if _failed_on_network(each) else each
                    for each in batch
                ]
            self._hosts.clear()  # verified; the next suspicion counts only hosts that turn from now on
        self._failing -= {pending.check.id for pending in batch} - failed
        self._failing |= failed
        return batch

    def _remember(self, batch: Sequence[Pending], failed: set[UUID]) -> None:
        now_us = self._clock.now_us()
        for pending in batch:
            if pending.result.outcome in {Outcome.UP, Outcome.DOWN}:
                flipped = pending.check.id in failed and pending.check.id not in self._failing
                self._hosts[pending.check.target] = now_us, flipped
                self._hosts.move_to_end(pending.check.target)
        while self._hosts and next(iter(self._hosts.values()))[0] < now_us - _REMEMBER_US:
            self._hosts.popitem(last=False)

    def _is_suspicious(self) -> bool:
        flipped = sum(flipped for _, flipped in self._hosts.values())
        return flipped >= _LEAST_HOSTS and flipped >= _SHARE * len(self._hosts)

    async def _is_online(self) -> bool:
        return any(await asyncio.gather(*(canary.answers() for canary in self._canaries)))


def _failed_on_network(pending: Pending) -> bool:
    return pending.result.outcome is Outcome.DOWN and pending.result.error_kind in _NETWORK_KINDS
