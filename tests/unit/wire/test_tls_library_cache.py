"""The TLS library that verifies a server is cached for an hour, within limits."""

import time

import pytest

from services.wire import tls_library_cache
from services.wire.tls_library_cache import TlsLibrary, TlsLibraryCache


def test_a_server_is_the_fastest_librarys_until_it_is_remembered_and_after_an_hour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 1_000.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    known = TlsLibraryCache()
    assert known.library_for(1) is TlsLibrary.FASTEST

    known.remember(1, TlsLibrary.OPENSSL)
    assert (known.library_for(1), known.library_for(2)) == (TlsLibrary.OPENSSL, TlsLibrary.FASTEST)
    now += 3_000.0
    known.remember(1, TlsLibrary.WATCHED)
    now += 3_599.0
    assert known.library_for(1) is TlsLibrary.WATCHED
    now += 2.0
    assert known.library_for(1) is TlsLibrary.FASTEST


def test_no_more_are_remembered_than_there_is_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls_library_cache, "_MOST", 3)
    known = TlsLibraryCache()
    for server in (1, 2, 3, 1, 4):
        known.remember(server, TlsLibrary.WATCHED)

    assert [known.library_for(server) for server in (1, 2, 3, 4)] == [
        TlsLibrary.WATCHED,
        TlsLibrary.FASTEST,
        TlsLibrary.WATCHED,
        TlsLibrary.WATCHED,
    ]
