"""What a target sends is at worst the target's fault: every parser of it ends in a value or a ProbeFailure."""

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import dns.exception
import dns.rdatatype
import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from services.checks.specs.assertions import JsonPathIs
from services.wire.body import Body
from services.wire.certificate import facts_of
from services.wire.content_coding import decoded
from services.wire.dns_answer import records_in
from services.wire.grpc_health import refuse_unless_serving, status_code
from services.wire.http2 import Answer
from services.wire.http_request import HttpRequest, encode_request
from services.wire.http_response import ResponseReader
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.redirect import next_hop
from services.worker.judging.descriptions import outcome_of
from services.worker.judging.findings import evaluate_assertion

_PIECES = st.sampled_from(
    [b"http:", b"https:", b"//", b"/", b"?", b"#", b"@", b":", b"[", b"]", b"::1", b"%", b"%zz", b".", b"..", b"xn--",
     b"xn--a", b"a", b"x" * 64, b"x" * 300, b"0", b"65536", b"99999999999", b"-", b"\\", b" ", b"|", b"\xff", b"\x80",
     "é".encode(), "。".encode(), b"127.1", b"0x7f", b"shop.test"]
)  # fmt: skip
_LOCATIONS = st.lists(_PIECES, max_size=8).map(b"".join) | st.binary(max_size=50)


def _certificate() -> bytes:
    key, name = generate_private_key(SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a")])
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(begin).not_valid_after(begin + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


CERTIFICATE = _certificate()


@given(_LOCATIONS)
def test_a_location_leads_somewhere_or_nowhere_or_fails_the_probe(location: bytes) -> None:
    hop = HttpRequest(method="GET", url=httpx.URL("https://shop.test/a"), headers=(), body=b"")
    with suppress(ProbeFailure):
        following = next_hop(hop, 302, [(b"location", location)])
        if following is not None:
            made = encode_request(following)
            assert 0 < made.port <= 65_535
            assert made.host


@given(st.integers(0, len(CERTIFICATE) - 1), st.integers(0, 255), st.integers(0, 3))
def test_a_certificate_that_cannot_be_read_has_no_end(place: int, byte: int, cut: int) -> None:
    broken = bytearray(CERTIFICATE)
    broken[place] = byte
    end = facts_of(bytes(broken[: len(broken) - cut])).not_after

    assert end is None or end.tzinfo is UTC


def test_a_certificate_of_an_unknown_version_has_no_end() -> None:
    version_1_based = b"\xa0\x03\x02\x01"
    assert CERTIFICATE.count(version_1_based + b"\x02") == 1

    assert facts_of(CERTIFICATE).not_after is not None
    assert facts_of(CERTIFICATE.replace(version_1_based + b"\x02", version_1_based + b"\x07")).not_after is None


def _read_http(data: bytes) -> None:
    reader = ResponseReader(Observation(), keep_body=True)
    reader.feed(data)
    reader.feed_eof()


def _read_grpc(data: bytes) -> None:
    answer = Answer()
    answer.feed(b"\0\0\0\x04\0\0\0\0\0" + data)
    status_code(answer)
    refuse_unless_serving(0, bytes(answer.body))


def _read_dns(data: bytes) -> None:
    for type_ in (dns.rdatatype.A, dns.rdatatype.MX, dns.rdatatype.TXT, dns.rdatatype.CAA, dns.rdatatype.SRV):
        records_in(data, 0, 3, b"\x01a\0", type_)


def _read_coded(data: bytes) -> None:
    for coding in (b"gzip", b"deflate", b"br", data):
        decoded([(b"content-encoding", coding)], data, 1_000, truncated=False)


@pytest.mark.parametrize("read", [_read_http, _read_grpc, _read_dns, _read_coded])
@given(data=st.binary(max_size=300))
def test_bytes_that_are_none_of_a_protocol_fail_the_probe(read: Callable[[bytes], None], data: bytes) -> None:
    for begin in (b"", b"HTTP/1.1 200 OK\r\n", b"\x01a\0\0\x10\0\x01\0\0\0\0\0\x05"):
        # Where records are asked for, what dnspython raises becomes a failure of the probe.
        expected = (ProbeFailure, dns.exception.DNSException) if read is _read_dns else (ProbeFailure,)
        with suppress(*expected):
            read(begin + data)


_JSON = st.sampled_from([b"[" * 5_000, b"[" * 500 + b"]" * 500, b"1e999", b"-0", b"9" * 400, b'"\\ud800"', b'"\\u0000"',
                         b"nul", b"\xff", b'{"a":{"a":1}}', b""])  # fmt: skip


@given(_JSON | st.binary(max_size=60), st.sampled_from(["$", "$.a", "$[0]", "$..*", "$[-1:]"]))
def test_a_body_that_is_no_json_is_a_finding(body: bytes, path: str) -> None:
    seen = Observation(status_code=200, body=Body((), body, truncated=False))
    for comparison, operand in (("equals", 1), ("exists", True), ("matches", "a"), ("less_than", 1.5)):
        operands: Any = operand
        assertion = JsonPathIs(path=path, comparison=comparison, operand=operands)
        found = evaluate_assertion(assertion, seen, 0)
        assert "\0" not in outcome_of(assertion, found, 0, ()).actual
