"""Who judges a server is remembered for an hour, within bounds."""

import time

import pytest

from services.wire import remembered
from services.wire.remembered import Judge, Remembered


def test_a_server_is_the_fastest_librarys_until_it_is_remembered_and_after_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    known = Remembered()
    assert known.judge_of(1) is Judge.FASTEST

    known.remember(1, Judge.OPENSSL)
    assert (known.judge_of(1), known.judge_of(2)) == (Judge.OPENSSL, Judge.FASTEST)
    now += 3_000.0
    known.remember(1, Judge.WATCHED)
    now += 3_599.0
    assert known.judge_of(1) is Judge.WATCHED
    now += 2.0
    assert known.judge_of(1) is Judge.FASTEST


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 3)
    known = Remembered()
    for server in (1, 2, 3, 1, 4):
        known.remember(server, Judge.WATCHED)

    assert [known.judge_of(server) for server in (1, 2, 3, 4)] == [
        Judge.WATCHED,
        Judge.FASTEST,
        Judge.WATCHED,
        Judge.WATCHED,
    ]
