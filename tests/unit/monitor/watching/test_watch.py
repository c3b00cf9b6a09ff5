"""A reader that disconnects and resumes at any time, during any changes, ends with the present states."""

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.monitor.model import Service, ServiceState
from services.monitor.watching import watcher
from services.monitor.watching.service_snapshot import ServiceSnapshot, TenantSnapshot
from services.monitor.watching.tenant_snapshot_cache import TenantSnapshotCache
from services.monitor.watching.watch_digest import BUCKETS, DIGEST_BYTES, WatchDigest
from services.monitor.watching.watcher import (
    MOST_HELD_BY_ALL,
    ServiceRemoved,
    ServicesKept,
    ServiceUpdated,
    SyncComplete,
    Watcher,
)
from services.platform.rpc.stream_guard import EndReason
from services.platform.rpc.stream_reader import UnreadLimit
from tests.support.examples import examples

# Some of them share a bucket.
IDS = [UUID(int=(7 << 100) + number * (BUCKETS // 2)) for number in range(6)]


def a_snapshot(service_id: UUID, version: int, *, labelled: bool = True) -> ServiceSnapshot:
    """What a service is shown as; it comes back to what it was when its version does."""
    labels = {"team": "web"} if labelled else {}
    service = Service(
        tenant_id=UUID(int=1),
        id=service_id,
        name="Shop",
        url="",
        description="",
        labels=labels,
        create_us=0,
        update_us=int(labelled),
    )
    return ServiceSnapshot.of(service, ServiceState.UP, version, "1 of 1 check is up", version)


def is_labelled(service: Service) -> bool:
    return bool(service.labels)


@dataclass(kw_only=True)
class Client:
    """A reader as the contract requires: it keeps the latest cursor, and drops the services that it has to drop.

    Attributes:
        cache: what there is.
        sees: what it believes.
        cursor: the latest that it was given.
        watcher: what the server knows of it; None while it is away.
        kept: the services that it has to keep.
    """

    cache: TenantSnapshotCache
    backlog: UnreadLimit = field(default_factory=lambda: UnreadLimit(MOST_HELD_BY_ALL))
    sees: TenantSnapshot = field(default_factory=dict)
    cursor: bytes | None = None
    watcher: Watcher | None = None
    kept: set[UUID] = field(default_factory=set)

    def connect(self) -> None:
        self.watcher = Watcher(is_labelled, self.backlog)
        self.kept = set()
        self.watcher.begin(self.cache.snapshot, self.cursor)
        self.cache.watchers.add(self.watcher)
        self.cursor = self.watcher.cursor()

    def disconnect(self, *, told: bool) -> None:
        """Disconnect; without another cursor unless the server sends one."""
        if self.watcher is not None:
            if told:
                self.cursor = self.watcher.cursor()
            self.cache.watchers.discard(self.watcher)
            self.watcher.close()
            self.watcher = None

    def read(self, most: int) -> bool:
        """Take some events; answers whether there are no more."""
        for _ in range(most):
            assert self.watcher is not None
            event = self.watcher.take(self.cache.snapshot)
            if event is None:
                if self.watcher.needs_cursor:
                    self.cursor = self.watcher.cursor()
                return True
            self.cursor = event.cursor or self.cursor
            if isinstance(event, ServiceUpdated):
                self.sees[event.snapshot.service.id] = event.snapshot
            elif isinstance(event, ServiceRemoved):
                self.sees.pop(event.service_id, None)
            elif isinstance(event, ServicesKept):
                self.kept.update(event.service_ids)
            elif event.keep is not None:
                self.sees = {each: self.sees[each] for each in (*self.kept, *event.keep)}
        return False


# Few services and versions, so that what changes often changes back.
VERSIONS = st.dictionaries(st.sampled_from(IDS), st.integers(0, 1), min_size=1)
MOVES = st.one_of(
    st.tuples(st.just("move"), VERSIONS),
    st.tuples(st.just("unlabel"), st.sets(st.sampled_from(IDS))),
    st.tuples(st.just("delete"), st.sets(st.sampled_from(IDS))),
    st.tuples(st.just("read"), st.integers(1, 4)),
    st.tuples(st.just("cut"), st.booleans()),
    st.tuples(st.just("connect"), st.none()),
)


@examples(1_000)
@given(VERSIONS, st.lists(MOVES, max_size=30))
def test_a_reader_that_breaks_off_and_resumes_anywhere_ends_up_seeing_what_there_is(
    at_first: dict[UUID, int], moves: list[tuple[str, Any]]
) -> None:
    cache = TenantSnapshotCache()
    client = Client(cache=cache)
    cache.publish({each: a_snapshot(each, version) for each, version in at_first.items()})
    client.connect()
    client.read(len(IDS))
    for what, which in moves:
        if what == "move":
            cache.publish(cache.snapshot | {each: a_snapshot(each, version) for each, version in which.items()})
        elif what == "unlabel":
            cache.publish(cache.snapshot | {each: a_snapshot(each, 0, labelled=False) for each in which})
        elif what == "delete":
            cache.publish({each: cache.snapshot[each] for each in cache.snapshot if each not in which})
        elif what == "connect" and client.watcher is None:
            client.connect()
        elif what == "cut":
            client.disconnect(told=which)
        elif what == "read" and client.watcher is not None:
            client.read(which)
    if client.watcher is None:
        client.connect()
    assert client.read(1_000)
    assert client.sees == {each: shown for each, shown in cache.snapshot.items() if is_labelled(shown.service)}
    assert client.backlog._held == 0

    client.disconnect(told=False)
    client.connect()
    assert client.watcher is not None
    assert client.watcher.held == 0  # it has every service, so none is sent again


def test_what_changes_while_a_reader_is_away_and_back_to_what_its_cursor_knew_is_told() -> None:
    """It received the change, but the connection was lost before it received another cursor."""
    cache = TenantSnapshotCache()
    client = Client(cache=cache)
    first = {each: a_snapshot(each, 0) for each in IDS}
    cache.publish(first)
    client.connect()
    assert client.read(1_000)
    for read in range(1, len(IDS)):
        cache.publish({each: a_snapshot(each, 1) for each in IDS})
        assert not client.read(read)
        client.disconnect(told=False)
        cache.publish(first)
        client.connect()
        assert client.read(1_000)
        assert client.sees == first


def test_what_changes_back_before_it_is_told_is_not_told_and_leaves_the_reader_with_an_exact_cursor() -> None:
    cache = TenantSnapshotCache()
    client = Client(cache=cache)
    cache.publish({each: a_snapshot(each, 0) for each in IDS})
    client.connect()
    assert client.read(1_000)
    cache.publish({each: a_snapshot(each, 1) for each in IDS})
    assert not client.read(1)
    cache.publish({each: a_snapshot(each, int(each in IDS[:2])) for each in IDS})
    assert client.watcher is not None
    assert isinstance(client.watcher.take(cache.snapshot), ServiceUpdated)
    assert client.watcher.take(cache.snapshot) is None
    assert client.watcher.needs_cursor
    assert client.read(1)
    client.disconnect(told=False)
    client.connect()
    assert client.watcher.held == 0


def test_who_resumes_is_told_what_differs_and_what_is_gone_and_nothing_else() -> None:
    ids = [UUID(int=number) for number in range(100)]
    cache = TenantSnapshotCache()
    cache.publish({each: a_snapshot(each, 0) for each in ids})
    client = Client(cache=cache)
    client.connect()
    assert client.read(1_000)
    client.disconnect(told=False)
    changed = {each: a_snapshot(each, 1) for each in ids[:3]}
    cache.publish({each: shown for each, shown in (cache.snapshot | changed).items() if each != ids[50]})

    again = Watcher(is_labelled, UnreadLimit(MOST_HELD_BY_ALL))
    again.begin(cache.snapshot, client.cursor)
    told = [again.take(cache.snapshot) for _ in range(5)]
    assert [event.snapshot for event in told[:3] if isinstance(event, ServiceUpdated)] == list(changed.values())
    assert told[3] == SyncComplete([each for each in ids if each != ids[50]], again.cursor())
    assert told[4] is None


def test_what_is_kept_is_told_in_parts_that_fit_into_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watcher, "MOST_KEPT_PER_EVENT", 2)
    cache = TenantSnapshotCache()
    client = Client(cache=cache)
    cache.publish({each: a_snapshot(each, 0) for each in IDS})
    client.connect()
    assert client.read(1_000)
    client.disconnect(told=False)
    cache.publish({each: a_snapshot(each, 1) for each in IDS[:-1]})
    resumed = Watcher(is_labelled, client.backlog)
    resumed.begin(cache.snapshot, client.cursor)
    told = list(iter(lambda: resumed.take(cache.snapshot), None))
    assert [each.service_ids for each in told if isinstance(each, ServicesKept)] == [IDS[0:2], IDS[2:4]]
    assert told[-1] == SyncComplete(IDS[4:5], resumed.cursor())


def test_a_reader_that_does_not_keep_up_is_told_the_latest_and_holds_an_id_of_each_service() -> None:
    cache = TenantSnapshotCache()
    cache.publish({each: a_snapshot(each, 0) for each in IDS})
    client = Client(cache=cache)
    client.connect()
    assert client.read(1_000)
    for version in range(1, 1_001):
        cache.publish({each: a_snapshot(each, version) for each in IDS})
    assert client.watcher is not None
    assert client.watcher.held == len(IDS)
    assert not client.read(len(IDS))
    assert client.read(1)
    assert client.sees == cache.snapshot


def test_when_all_hold_too_much_who_holds_most_ends_and_can_resume() -> None:
    cache = TenantSnapshotCache()
    client = Client(cache=cache, backlog=UnreadLimit(2 * len(IDS) - 1))
    cache.publish({each: a_snapshot(each, 0) for each in IDS})
    client.connect()
    other = Watcher(is_labelled, client.backlog)
    assert client.watcher is not None
    assert client.read(2) is False
    other.begin(cache.snapshot, None)
    assert (other.end_reason, client.watcher.end_reason) == (None, None)
    third = Watcher(is_labelled, client.backlog)
    third.begin(cache.snapshot, None)
    slow = [each for each in (other, third) if each.end_reason is EndReason.SLOW_READER]
    assert len(slow) == 1
    assert slow[0].held == 0

    again = Watcher(is_labelled, UnreadLimit(MOST_HELD_BY_ALL))
    again.begin(cache.snapshot, slow[0].cursor())
    assert again.held == len(IDS)


@given(st.permutations(IDS), st.sets(st.sampled_from(IDS)))
def test_what_was_told_is_the_same_in_whatever_order_and_comes_back_out_of_a_cursor(
    order: list[UUID], behind: set[UUID]
) -> None:
    one, two = WatchDigest(), WatchDigest()
    for each in IDS:
        one.replace(each, None, 7 + each.int % 11)
    for each in order:
        two.replace(each, None, 5)
        two.replace(each, 5, 7 + each.int % 11)
    assert one.fingerprints == two.fingerprints
    packed = one.pack(behind)
    assert len(packed) == DIGEST_BYTES
    back = WatchDigest.unpack(packed)
    assert back.fingerprints == one.fingerprints
    assert {each for each in IDS if back.is_flagged(each)} >= behind
    back.flag_differences(two)
    assert bool(back.flags) == bool(behind)
