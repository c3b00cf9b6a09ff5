"""Keyset paging (AIP-158): page size, position, and the token for the next page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import FieldViolation, InvalidArgument
from services.platform.security.signed_tokens import InvalidTokenError, TokenSigner

DEFAULT_SIZE = 50
LARGEST_SIZE = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A request for at most `size` rows whose id comes after `after`."""

    size: int
    after: UUID | None


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """The same for an order other than by id: `after` is the key of a row, encoded by the list."""

    size: int
    after: bytes | None


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page; next_token is empty on the last page, total counts all pages."""

    items: Sequence[T]
    next_token: str
    total: int


class Pager:
    """A codec of page tokens.

    Args:
        signer: signs the tokens.
    """

    def __init__(self, signer: TokenSigner) -> None:
        self._signer = signer

    def request(self, tenant_id: UUID, scope: str, page_size: int, page_token: str) -> PageRequest:
        """Return the requested page of a list ordered by id.

        Raises:
            InvalidArgument: the token is not of this tenant, list and filter.
        """
        asked = self.key_request(tenant_id, scope, page_size, page_token)
        return PageRequest(asked.size, None if asked.after is None else UUID(bytes=asked.after))

    def page(
        self,
        tenant_id: UUID,
        scope: str,
        request: PageRequest,
        rows: Sequence[T],
        total: int,
        id_of: Callable[[T], UUID],
    ) -> Page[T]:
        """Return a page from the rows after `request.after`, of which one more than its size was fetched."""
        return self.key_page(tenant_id, scope, request.size, rows, total, lambda row: id_of(row).bytes)

    def key_request(self, tenant_id: UUID, scope: str, page_size: int, page_token: str) -> KeyRequest:
        """Return the requested page of a list with another order.

        Raises:
            InvalidArgument: the token is not of this tenant, list and filter.
        """
        size = min(page_size or DEFAULT_SIZE, LARGEST_SIZE)
        if not page_token:
            return KeyRequest(size, None)
        try:
            return KeyRequest(size, self._signer.verify(tenant_id, scope, page_token))
        except InvalidTokenError as error:
            violation = FieldViolation(
                "page_token", "must be a next_page_token that this list returned for the same filter"
            )
            message = f"{violation.field}: {violation.description}"
            raise InvalidArgument(message, [violation], reasons.ERROR_REASON_PAGE_TOKEN_INVALID) from error

    def key_page(
        self,
        tenant_id: UUID,
        scope: str,
        size: int,
        rows: Sequence[T],
        total: int,
        position_of: Callable[[T], bytes],
    ) -> Page[T]:
        """Return a page from the rows after a position, of which one more than `size` was fetched."""
        items = rows[:size]
        more = len(rows) > size
        token = self.token(tenant_id, scope, position_of(items[-1])) if more else ""
        return Page(items, token, total)

    def token(self, tenant_id: UUID, scope: str, position: bytes) -> str:
        """Return the token for the page after a position."""
        return self._signer.sign(tenant_id, scope, position)
