"""A dialogue in plain asks for TLS only of a server that offers it, and ends whatever it hears."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.tls import StartTls
from services.wire.probe_failure import ProbeFailure
from services.wire.start_tls import DIALOGUES


def hold(protocol: StartTls, *lines: bytes) -> tuple[list[bytes], bool]:
    """What was said on hearing these lines, and whether TLS may begin then."""
    dialogue = DIALOGUES[protocol]()
    said = [next(dialogue)]
    for line in lines:
        try:
            said.append(dialogue.send(line))
        except StopIteration:
            return [each for each in said if each], True
    return [each for each in said if each], False


def test_smtp_greets_before_it_asks() -> None:
    lines = [b"220-a", b"220 b", b"250-c", b"250-STARTTLS", b"250 HELP", b"220"]

    assert hold(StartTls.SMTP, *lines) == ([b"EHLO [127.0.0.1]\r\n", b"STARTTLS\r\n"], True)
    assert not hold(StartTls.SMTP, *lines[:-1])[1]


def test_imap_hears_out_what_is_said_to_nobody() -> None:
    lines = [b"* ok hello", b"* 3 EXISTS", b"S1 ok go on"]

    assert hold(StartTls.IMAP, *lines) == ([b"s1 STARTTLS\r\n"], True)
    assert not hold(StartTls.IMAP, *lines[:-1])[1]


LINES = st.lists(
    st.binary(max_size=12)
    | st.sampled_from(
        [
            b"220 a",
            b"220-a",
            b"250 a",
            b"250-STARTTLS",
            b"250 STARTTLS",
            b"454 a",
            b"* OK",
            b"* PREAUTH",
            b"s1 OK",
            b"s1 NO",
        ]
    ),
    max_size=8,
)


@given(st.sampled_from(StartTls), LINES)
def test_whatever_comes_the_dialogue_goes_on_ends_or_says_what_is_wrong(protocol: StartTls, lines: list[bytes]) -> None:
    try:
        said, may_begin = hold(protocol, *lines)
    except ProbeFailure:
        return

    assert not may_begin or said[-1].endswith(b"STARTTLS\r\n")


@pytest.mark.parametrize("greeting", [b"250 a", b"22 a", b"220a", b"220_a", b"", b"\x00"])
def test_what_is_no_greeting_is_none(greeting: bytes) -> None:
    with pytest.raises(ProbeFailure):
        hold(StartTls.SMTP, greeting)
