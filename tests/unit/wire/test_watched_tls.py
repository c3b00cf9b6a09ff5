"""What is read of a server's handshake messages, and how alerts are called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire.watched_tls import alert_called, certificates_in


def size(data: bytes, digits: int) -> bytes:
    return len(data).to_bytes(digits, "big") + data


@pytest.mark.parametrize("is_1_3", [False, True])
def test_certificates_are_read_in_the_form_of_each_version(is_1_3: bool) -> None:
    given_ = [b"first", b"", b"third" * 100]
    entries = b"".join(size(each, 3) + (size(b"extension", 2) if is_1_3 else b"") for each in given_)
    message = b"\x0b" + size((size(b"", 1) if is_1_3 else b"") + size(entries, 3), 3)

    assert certificates_in(message, is_1_3=is_1_3) == given_


@given(st.binary(max_size=200), st.booleans())
def test_any_message_is_read_to_its_end(message: bytes, is_1_3: bool) -> None:
    assert sum(map(len, certificates_in(message, is_1_3=is_1_3))) <= len(message)


@pytest.mark.parametrize(
    ("called", "name"),
    [
        ("UnknownCA", "unknown CA"),
        ("UNKNOWN_CA", "unknown CA"),
        ("HandshakeFailure", "handshake failure"),
        ("INTERNAL_ERROR", "internal error"),
        ("BAD_RECORD_MAC", "bad record MAC"),
        ("SOMETHING_NEW", "something new"),
    ],
)
def test_an_alert_is_called_alike_whichever_library_tells_of_it(called: str, name: str) -> None:
    assert alert_called(called) == name
