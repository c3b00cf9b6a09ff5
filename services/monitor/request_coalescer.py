"""Coalescing of concurrent requests for the same data into one read of the database.

A request that arrives during a read of its group waits for the next read, which serves all requests that wait by then.
So no caller gets data that was read before its call, and no caller waits when no read is in progress. A read whose
callers are all cancelled is cancelled, too.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast
from uuid import UUID

from google.protobuf.message import Message

_MOST_AT_ONCE = 50
_Group = TypeVar("_Group", bound=Hashable)
_Subject = TypeVar("_Subject", bound=Hashable)
_T = TypeVar("_T")


class RequestCoalescer(Generic[_Group, _Subject, _T]):
    """A coalescer that reads several subjects of a group at once, with one read per group at a time.

    Args:
        read: reads some subjects of a group; omits those that do not exist.
    """

    def __init__(self, read: Callable[[_Group, Sequence[_Subject]], Awaitable[Mapping[_Subject, _T]]]) -> None:
        self._read = read
        self._waiting: dict[_Group, dict[_Subject, list[asyncio.Future[_T | None]]]] = {}
        self._under_way: dict[_Group, asyncio.Task[None]] = {}

    async def get(self, group: _Group, subject: _Subject) -> _T | None:
        """Return what was read of a subject after the call; None if there is none.

        Raises:
            SentinelError: raised by the read.
        """
        answer: asyncio.Future[_T | None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(group, {}).setdefault(subject, []).append(answer)
        if group not in self._under_way:
            self._under_way[group] = asyncio.create_task(self._read_all(group))
        return await answer

    async def _read_all(self, group: _Group) -> None:
        """Read until no request of the group waits."""
        try:
            while waiting := self._waiting.pop(group, None):
                wanted = _still_wanted(waiting)
                subjects = list(wanted)[:_MOST_AT_ONCE]
                batch = {subject: wanted.pop(subject) for subject in subjects}
                if wanted:
                    self._waiting[group] = wanted
                if batch:
                    await self._answer(group, batch)
        finally:
            del self._under_way[group]

    async def _answer(self, group: _Group, batch: Mapping[_Subject, Sequence["asyncio.Future[_T | None]"]]) -> None:
        """Read for some callers; cancel the read once all of them are cancelled."""
        callers = [answer for answers in batch.values() for answer in answers]
        reading = asyncio.ensure_future(self._read(group, list(batch)))

        def on_caller_gone(_: object) -> None:
            if all(answer.done() for answer in callers):
                reading.cancel()

        for answer in callers:
            answer.add_done_callback(on_caller_gone)
        # wait() instead of await: a cancelled read would look like a cancellation of this task.
        try:
            await asyncio.wait((reading,))
        finally:
            reading.cancel()
        if reading.cancelled():
            return
        error = reading.exception()
        if error is not None:
            for answer in _not_done(callers):
                answer.set_exception(error)
            return
        found = reading.result()
        for subject, answers in batch.items():
            for answer in _not_done(answers):
                answer.set_result(found.get(subject))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    """A request with its caller; equal for callers that can share a response."""

    tenant_id: UUID
    method: str
    message: bytes
    read: Callable[[], Awaitable[Any]] = field(compare=False)


class SharedReads:
    """A coalescer of equal requests of one tenant."""

    def __init__(self) -> None:
        self._coalescer: RequestCoalescer[_Request, None, tuple[Any]] = RequestCoalescer(self._read)

    async def get(self, tenant_id: UUID, request: Message, read: Callable[[], Awaitable[_T]]) -> _T:
        """Return what was read after the call; several callers may be given the same object.

        Args:
            tenant_id: the tenant of the caller.
            request: the message of the request.
            read: does the read. It runs in the context of any of the callers, so it must not use the caller's identity.

        Raises:
            SentinelError: raised by the read.
        """
        message = request.SerializeToString(deterministic=True)
        wanted = _Request(tenant_id=tenant_id, method=request.DESCRIPTOR.full_name, message=message, read=read)
        found = await self._coalescer.get(wanted, None)
        if found is None:
            raise RuntimeError("a shared read has no result")
        return cast("_T", found[0])

    async def _read(self, wanted: _Request, _: Sequence[None]) -> Mapping[None, tuple[Any]]:
        return {None: (await wanted.read(),)}


def _still_wanted(
    waiting: Mapping[_Subject, Sequence["asyncio.Future[_T | None]"]],
) -> dict[_Subject, "list[asyncio.Future[_T | None]]"]:
    """Return what callers still wait for."""
    wanted = {subject: _not_done(answers) for subject, answers in waiting.items()}
    return {subject: answers for subject, answers in wanted.items() if answers}


def _not_done(answers: Sequence["asyncio.Future[_T | None]"]) -> "list[asyncio.Future[_T | None]]":
    return [answer for answer in answers if not answer.done()]
