"""A DNS spec comes back as it went, from the database and over the contract, and what is wrong with it is named."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.dns_check_pb2 import DnsCheck

from services.checks.specs.dns import DnsSpec
from services.checks.specs.dns_records import expected_record, name_of
from services.platform.errors import InvalidArgument

texts = st.text(max_size=20)
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "SRV", "TXT")


@given(st.builds(DnsSpec, name=texts, type=st.sampled_from(TYPES), expected=st.lists(texts).map(tuple), server=texts))
def test_a_spec_comes_back_as_it_went(spec: DnsSpec) -> None:
    assert DnsSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert DnsSpec.from_message(DnsCheck.FromString(spec.to_message().SerializeToString())) == spec


def test_a_field_that_is_absent_has_its_default() -> None:
    assert DnsSpec.from_json({"name": "a.test", "type": "A"}) == DnsSpec("a.test", "A")


@pytest.mark.parametrize(
    ("spec", "field"),
    [
        (DnsSpec("a..test", "A"), "check.dns.name"),
        (DnsSpec("a" * 64 + ".test", "A"), "check.dns.name"),
        (DnsSpec("a." * 128, "A"), "check.dns.name"),
        (DnsSpec("xn--\u00fc.test", "A"), "check.dns.name"),
        (DnsSpec("a.test", "A", ("192.0.2.1", "192.0.2.256")), "check.dns.expected[1]"),
        (DnsSpec("a.test", "A", ("2001:db8::1",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "AAAA", ("192.0.2.1",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "CAA", ("issue ca.test",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "CNAME", ("a b",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "MX", ("mail.acme.test.",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "MX", ("70000 mail.acme.test.",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "NS", ("a..b",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "PTR", ("",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "SOA", ("ns1.acme.test. root.acme.test. 1",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "SRV", ("1 2 sip.acme.test.",)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "TXT", ('"no end',)), "check.dns.expected[0]"),
        (DnsSpec("a.test", "A", server="a.test:99999"), "check.dns.server"),
    ],
)
def test_what_is_wrong_is_named(spec: DnsSpec, field: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        spec.validate("check.dns")

    assert [violation.field for violation in refused.value.violations] == [field]


@pytest.mark.parametrize(
    "spec",
    [
        DnsSpec(".", "NS"),
        DnsSpec("*.acme.test", "A"),
        DnsSpec("_dmarc.münchen.test", "TXT", ("v=DMARC1; p=none",)),
        DnsSpec("2001:db8::1", "PTR", ("host.acme.test",)),
        DnsSpec("acme.test", "MX", ("0 .",), "[2001:db8::53]:5353"),
    ],
)
def test_what_is_right_is_taken(spec: DnsSpec) -> None:
    spec.validate("check.dns")


def test_the_burden_is_the_name_servers_or_the_names() -> None:
    assert DnsSpec("A.test", "A", server="NS1.test:5353").target == "ns1.test"
    assert DnsSpec("A.test", "A").target == "a.test"


@given(st.text(max_size=60), st.sampled_from(TYPES))
def test_no_text_makes_the_parsers_raise_anything_else(text: str, type_: str) -> None:
    for parse in (name_of, expected_record):
        try:
            parse(text, type_)
        except ValueError as error:
            assert str(error).startswith("must be ")  # noqa: PT017 — what is raised is as good as an answer
