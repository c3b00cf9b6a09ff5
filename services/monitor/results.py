"""Use case: list the results of a check."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from services.checks.outcome import Outcome
from services.checks.result import Result
from services.monitor.not_found import check_not_found
from services.platform.clock import SECOND_US
from services.platform.paging import Page, Pager

if TYPE_CHECKING:
    from services.monitor.store.results import ResultSql

_LAST_US = 253_402_300_800 * SECOND_US - 1  # the end of the year 9999, the last time of a Timestamp
_SLOT_BYTES = 8


@dataclass(frozen=True, slots=True)
class ResultFilter:
    """A filter of results; all conditions have to match.

    Attributes:
        from_us: earliest slot, in microseconds.
        to_us: latest slot, exclusive.
        outcomes: one of these outcomes; any if empty.
        on_demand: list on-demand runs instead of slots.
    """

    from_us: int = 0
    to_us: int = _LAST_US
    outcomes: tuple[Outcome, ...] = ()
    on_demand: bool = False


@dataclass(frozen=True, slots=True)
class ResultBatch:
    """Results, newest first, and the slot before which the next page continues; None at the end."""

    results: Sequence[Result]
    before_us: int | None


class ResultHistory:
    """Use case: list results.

    Args:
        store: results in PostgreSQL.
        pager: reads and writes page tokens.
    """

    def __init__(self, store: "ResultSql", pager: Pager) -> None:
        self._store = store
        self._pager = pager

    async def list(
        self, tenant_id: UUID, service_id: UUID, check_id: UUID, wanted: ResultFilter, page_size: int, page_token: str
    ) -> Page[Result]:
        """Return a page of a check's results, newest first. The total is the size of the page: nothing is counted.

        Raises:
            NotFound: CHECK_NOT_FOUND.
            InvalidArgument: PAGE_TOKEN_INVALID.
        """
        scope = f"results of {check_id} {wanted}"
        request = self._pager.key_request(tenant_id, scope, page_size, page_token)
        if not await self._store.has_check(tenant_id, service_id, check_id):
            raise check_not_found()
        rest = wanted
        if request.after is not None:
            to_us = int.from_bytes(request.after, "big")
            rest = ResultFilter(wanted.from_us, to_us, wanted.outcomes, wanted.on_demand)
        found = await self._store.results_before(tenant_id, check_id, rest, request.size)
        token = ""
        if found.before_us is not None:
            token = self._pager.token(tenant_id, scope, found.before_us.to_bytes(_SLOT_BYTES, "big"))
        return Page(found.results, token, len(found.results))
