"""A question in bytes, and what answers it: no bytes make the reader raise anything but ProbeFailure."""

import dns.message
import dns.rcode
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.outcome import ErrorKind
from services.checks.specs.dns_records import name_of
from services.wire.dns_question import Question, Reply
from services.wire.probe_failure import ProbeFailure

NUMBER = 0x1234
QUESTION = Question(name_of("Shop.acme.test", "MX").to_digestable(), dns.rdatatype.MX)


def answer(*records: str, name: str = "SHOP.Acme.test.", type_: str = "MX", flags: str = "QR RD RA") -> bytes:
    lines = [f"id {NUMBER}", "opcode QUERY", f"flags {flags}", ";QUESTION", f"{name} IN {type_}", ";ANSWER", *records]
    return dns.message.from_text("\n".join(lines)).to_wire()


GOOD = answer("shop.acme.test. 60 IN MX 10 a.test.", "shop.acme.test. 60 IN MX 20 b.test.")


@pytest.mark.parametrize("edns", [True, False])
def test_a_question_is_one_that_a_name_server_reads(edns: bool) -> None:
    read = dns.message.from_wire(QUESTION.wire(NUMBER, edns=edns))

    assert (read.id, read.question[0].to_text()) == (NUMBER, "shop.acme.test. IN MX")
    assert (read.edns, read.payload) == ((0, 1232) if edns else (-1, 0))
    assert dns.flags.to_text(read.flags) == "RD"


def test_the_answer_is_read_whatever_the_case_of_its_name() -> None:
    reply = QUESTION.answered_by(GOOD, NUMBER)

    assert reply is not None
    assert sorted(record.to_text() for record in reply.records) == ["10 a.test.", "20 b.test."]
    assert (reply.rcode, reply.is_truncated, reply.alias) == (dns.rcode.NOERROR, False, "")


def test_aliases_are_followed_and_other_names_records_are_not_taken() -> None:
    reply = QUESTION.answered_by(
        answer("shop.acme.test. 60 IN CNAME s.test.", "s.test. 60 IN MX 1 c.test.", "x.test. 60 IN MX 1 d."), NUMBER
    )

    assert reply is not None
    assert ([record.to_text() for record in reply.records], reply.alias) == (["1 c.test."], "s.test.")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD[:11],
        b"\x12\x35" + GOOD[2:],
        answer(flags="RD"),
        answer(name="shop.acme.test.evil."),
        answer(name="hop.acme.test."),
        answer(type_="A"),
        GOOD[:4] + b"\0\0" + GOOD[6:],
        GOOD[:4] + b"\0\2" + GOOD[6:],
    ],
)
def test_what_is_no_answer_to_it_says_nothing(data: bytes) -> None:
    assert QUESTION.answered_by(data, NUMBER) is None


@pytest.mark.parametrize("rcode", [dns.rcode.FORMERR, dns.rcode.SERVFAIL, dns.rcode.NOTIMP, dns.rcode.REFUSED])
def test_an_error_need_not_repeat_the_question(rcode: dns.rcode.Rcode) -> None:
    assert QUESTION.answered_by(b"\x12\x34\x81" + bytes([rcode]) + bytes(8), NUMBER) == Reply(rcode)


def test_that_there_is_no_such_name_has_to_repeat_the_question() -> None:
    assert QUESTION.answered_by(b"\x12\x34\x81\x03" + bytes(8), NUMBER) is None


@given(st.binary(max_size=600))
def test_no_bytes_behind_a_true_beginning_raise_anything_else(tail: bytes) -> None:
    asked = len(QUESTION.wire(0, edns=False))
    for counts in (b"\0\1\0\1\0\0\0\0", b"\0\1\0\2\0\1\0\1", b"\0\1\1\0\0\0\0\0"):
        read(GOOD[:4] + counts + GOOD[12:asked] + tail)


@given(st.data())
def test_no_answer_with_bytes_changed_or_cut_raises_anything_else(data: st.DataObject) -> None:
    changed = bytearray(GOOD)
    for _ in range(data.draw(st.integers(1, 6))):
        changed[data.draw(st.integers(0, len(GOOD) - 1))] = data.draw(st.integers(0, 255))
    read(bytes(changed[: data.draw(st.integers(0, len(GOOD)))]))


def read(data: bytes) -> None:
    try:
        reply = QUESTION.answered_by(data, NUMBER)
    except ProbeFailure as failure:
        assert failure.kind in {ErrorKind.PROTOCOL, ErrorKind.TOO_LARGE}  # noqa: PT017 — as good as an answer
    else:
        assert reply is None or isinstance(reply, Reply)
