"""semantics.md §9: an internal error is ERROR, never DOWN."""

import errno

import pytest

from services.checks.outcome import ErrorKind
from services.wire.dial import combined_error, has_route
from services.wire.internal_error import InternalProbeError, describe_error, is_internal
from services.wire.probe_failure import ProbeFailure

OURS = ("EMFILE", "ENFILE", "ENOMEM", "ENOBUFS", "EADDRNOTAVAIL", "ENETDOWN", "EPERM", "EACCES", "EAFNOSUPPORT")
THEIRS = ("ECONNREFUSED", "ECONNRESET", "EHOSTUNREACH", "ETIMEDOUT", "EPIPE", "ECONNABORTED")


def failed(name: str) -> OSError:
    return OSError(getattr(errno, name), name)


@pytest.mark.parametrize("name", OURS)
def test_ours_is_ours_and_named(name: str) -> None:
    assert is_internal(failed(name))
    assert name in describe_error(failed(name))


def test_memory_that_ran_out_is_ours() -> None:
    assert is_internal(MemoryError())
    assert "memory" in describe_error(MemoryError())


@pytest.mark.parametrize("error", [*map(failed, THEIRS), ValueError("x"), OSError("without a number")])
def test_what_a_peer_says_is_theirs(error: Exception) -> None:
    assert not is_internal(error)


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
    seen = combined_error([("192.0.2.1", failed("EMFILE")), ("192.0.2.2", failed(name))])

    assert isinstance(seen, ProbeFailure)
    assert seen.kind is kind


def test_our_own_trouble_with_every_address_is_our_own() -> None:
    assert isinstance(
        combined_error([("192.0.2.1", failed("EMFILE")), ("192.0.2.2", failed("EADDRNOTAVAIL"))]), InternalProbeError
    )


def test_an_unreachable_network_is_ours_only_without_a_route() -> None:
    """What has a route is loopback; what has none anywhere is the address that stands for none."""
    assert has_route("127.0.0.1")
    assert not has_route("ff02::1%no-such-interface")
    assert isinstance(combined_error([("127.0.0.1", failed("ENETUNREACH"))]), ProbeFailure)
    assert isinstance(combined_error([("ff02::1%no-such-interface", failed("ENETUNREACH"))]), InternalProbeError)
