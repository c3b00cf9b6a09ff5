"""semantics.md §9: our own trouble is ERROR, never DOWN."""

import errno

import pytest

from services.checks.outcome import ErrorKind
from services.wire.dial import has_route, refusal
from services.wire.own_trouble import OwnTrouble, is_own, sentence
from services.wire.probe_failure import ProbeFailure

OURS = ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "ENETDOWN", "EPERM", "EACCES", "EAFNOSUPPORT")
THEIRS = ("ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE", "ECONNABORTED")


def failed(name: str) -> OSError:
    return OSError(getattr(errno, name), name)


@pytest.mark.parametrize("name", OURS)
def test_ours_is_ours_and_named(name: str) -> None:
    assert is_own(failed(name))
    assert name in sentence(failed(name))


def test_memory_that_ran_out_is_ours() -> None:
    assert is_own(MemoryError())
    assert "memory" in sentence(MemoryError())


@pytest.mark.parametrize("error", [*map(failed, THEIRS), ValueError("x"), OSError("without a number")])
def test_what_a_peer_says_is_theirs(error: Exception) -> None:
    assert not is_own(error)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("ECONNREFUSED", ErrorKind.CONNECT_REFUSED),
        ("EHOSTUNREACH", ErrorKind.CONNECT_REFUSED),
        ("ETIMEDOUT", ErrorKind.CONNECT_TIMEOUT),
    ],
)
def test_one_address_that_refuses_is_their_refusal_whatever_was_the_matter_with_ours(
    name: str, kind: ErrorKind
) -> None:
    seen = refusal([("192.0.2.1", failed("EMFILE")), ("192.0.2.2", failed(name))])

    assert isinstance(seen, ProbeFailure)
    assert seen.kind is kind


def test_our_own_trouble_with_every_address_is_our_own() -> None:
    assert isinstance(refusal([("192.0.2.1", failed("EMFILE")), ("192.0.2.2", failed("EADDRNOTAVAIL"))]), OwnTrouble)


def test_an_unreachable_network_is_ours_only_without_a_route() -> None:
    """What has a route is loopback; what has none anywhere is the address that stands for none."""
    assert has_route("127.0.0.1")
    assert not has_route("ff02::1%no-such-interface")
    assert isinstance(refusal([("127.0.0.1", failed("ENETUNREACH"))]), ProbeFailure)
    assert isinstance(refusal([("ff02::1%no-such-interface", failed("ENETUNREACH"))]), OwnTrouble)
