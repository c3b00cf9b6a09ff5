"""DNS records: comparison with the expected records, errors, and malformed responses."""

from typing import Any

from tests.integration.real_world.row import UP, Json, Row, Verdict, down, refused
from tests.integration.real_world.servers import NOBODY, NameServer

_SET = "prometheus/blackbox_exporter#25"
_ZONE = "RFC 1035 §5.1"


def _dns(name: str, type_: str, *expected: str) -> Json:
    return {"dns": {"name": name, "type": type_, "expected": list(expected), "server": "127.0.0.1:$PORT"}}


def _row(name: str, records: str | tuple[str, ...], check: Json, verdict: Verdict, source: str, **more: Any) -> Row:
    """A row whose zone has some records."""
    lines = (records,) if isinstance(records, str) else records
    target = NameServer(records=lines, **{each: more.pop(each) for each in ("only_tcp", "silent_for") if each in more})
    return Row(name=name, target=target, check=check, verdict=verdict, source=source, **more)


def _own(type_: str, *expected: str) -> Json:
    return _dns("shop.test", type_, *expected)


_HEADER = b"\x81\x80\x00\x01\x00\x01\x00\x00\x00\x00"
_QUESTION = b"\x04shop\x04test\x00\x00\x01\x00\x01"

ROWS = (
    # Each type
    _row(
        "A: the address is the expected one", "shop.test. 60 A 192.0.2.1", _own("A", "192.0.2.1"), UP, "RFC 1035 §3.4.1"
    ),
    _row(
        "A: both addresses are expected, in another order",
        ("shop.test. 60 A 192.0.2.1", "shop.test. 60 A 192.0.2.2"),
        _own("A", "192.0.2.2", "192.0.2.1"),
        UP,
        _SET,
    ),
    _row(
        "A: one address is not expected",
        ("shop.test. 60 A 192.0.2.1", "shop.test. 60 A 192.0.2.2"),
        _own("A", "192.0.2.1"),
        down("ASSERTION", "expected 192.0.2.1, got 192.0.2.1, 192.0.2.2"),
        _SET,
    ),
    _row(
        "A: an expected address is missing",
        "shop.test. 60 A 192.0.2.1",
        _own("A", "192.0.2.1", "192.0.2.2"),
        down("ASSERTION", "expected 192.0.2.1, 192.0.2.2"),
        _SET,
    ),
    _row(
        "A: the address has changed",
        "shop.test. 60 A 192.0.2.9",
        _own("A", "192.0.2.1"),
        down("ASSERTION", "192.0.2.9"),
        _SET,
    ),
    _row("A: any address is accepted", "shop.test. 60 A 192.0.2.1", _own("A"), UP, _SET),
    _row(
        "A: a private address is accepted in a record",
        "shop.test. 60 A 10.0.0.1",
        _own("A", "10.0.0.1"),
        UP,
        "RFC 1918 §5",
    ),
    _row(
        "AAAA: the address is written in another form",
        "shop.test. 60 AAAA 2001:db8::1",
        _own("AAAA", "2001:DB8:0:0::1"),
        UP,
        "RFC 5952 §4",
    ),
    _row(
        "CNAME: the alias is the expected one",
        "shop.test. 60 CNAME web.test.",
        _own("CNAME", "web.test."),
        UP,
        "RFC 1035 §3.3.1",
    ),
    _row(
        "CNAME: the trailing dot may be omitted",
        "shop.test. 60 CNAME web.test.",
        _own("CNAME", "web.test"),
        UP,
        _ZONE,
    ),
    _row(
        "CNAME: names are compared case-insensitively",
        "shop.test. 60 CNAME Web.Test.",
        _own("CNAME", "web.test"),
        UP,
        "RFC 4343 §3",
    ),
    _row(
        "CNAME: the name has an address instead",
        "shop.test. 60 A 192.0.2.1",
        _own("CNAME"),
        down("DNS", "has no CNAME record"),
        "RFC 2308 §2.2",
    ),
    _row(
        "MX: both exchanges are expected",
        ("shop.test. 60 MX 10 a.test.", "shop.test. 60 MX 20 b.test."),
        _own("MX", "20 b.test", "10 a.test"),
        UP,
        "RFC 1035 §3.3.9",
    ),
    _row(
        "MX: the preference differs",
        "shop.test. 60 MX 10 a.test.",
        _own("MX", "20 a.test"),
        down("ASSERTION", "10 a.test"),
        "RFC 1035 §3.3.9",
    ),
    _row(
        "MX: the name has none",
        "shop.test. 60 A 192.0.2.1",
        _own("MX"),
        down("DNS", "has no MX record"),
        "RFC 2308 §2.2",
    ),
    _row("MX: the null MX is expected", "shop.test. 60 MX 0 .", _own("MX", "0 ."), UP, "RFC 7505 §3"),
    _row(
        "NS: the delegation is the expected one",
        ("shop.test. 60 NS ns1.test.", "shop.test. 60 NS ns2.test."),
        _own("NS", "ns1.test", "ns2.test"),
        UP,
        "RFC 1035 §3.3.11",
    ),
    _row(
        "TXT: SPF is the expected text",
        'shop.test. 60 TXT "v=spf1 mx -all"',
        _own("TXT", "v=spf1 mx -all"),
        UP,
        "RFC 7208 §3.3",
    ),
    _row(
        "TXT: the text may be quoted", 'shop.test. 60 TXT "v=spf1 mx -all"', _own("TXT", '"v=spf1 mx -all"'), UP, _ZONE
    ),
    _row(
        "TXT: texts are compared case-sensitively",
        'shop.test. 60 TXT "Token"',
        _own("TXT", "token"),
        down("ASSERTION", "Token"),
        "RFC 1035 §3.3.14",
    ),
    _row(
        "TXT: a DKIM key of two strings is one text",
        'shop.test. 60 TXT "v=DKIM1; p=' + "A" * 200 + '" "' + "B" * 100 + '"',
        _own("TXT", '"v=DKIM1; p=' + "A" * 200 + '" "' + "B" * 100 + '"'),
        UP,
        "RFC 7208 §3.3",
    ),
    _row(
        "CAA: the authority is the expected one",
        'shop.test. 60 CAA 0 issue "ca.test"',
        _own("CAA", '0 issue "ca.test"'),
        UP,
        "RFC 8659 §4.1",
    ),
    _row(
        "SRV: an underscore begins the labels",
        "_sip._tcp.shop.test. 60 SRV 1 2 5060 sip.test.",
        _dns("_sip._tcp.shop.test", "SRV", "1 2 5060 sip.test"),
        UP,
        "RFC 2782",
    ),
    _row(
        "SOA: the record exists",
        "shop.test. 60 SOA ns1.test. root.test. 1 2 3 4 5",
        _own("SOA"),
        UP,
        "RFC 1035 §3.3.13",
    ),
    _row(
        "PTR: an address is accepted as the name",
        "1.2.0.192.in-addr.arpa. 60 PTR mail.test.",
        _dns("192.0.2.1", "PTR", "mail.test"),
        UP,
        "RFC 1035 §3.5",
    ),
    _row(
        "PTR: an IPv6 address is accepted as the name",
        "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 60 PTR mail.test.",
        _dns("2001:db8::1", "PTR", "mail.test"),
        UP,
        "RFC 3596 §2.5",
    ),
    # Aliases
    _row(
        "A: an alias is followed",
        ("shop.test. 60 CNAME web.test.", "web.test. 60 A 192.0.2.1"),
        _own("A", "192.0.2.1"),
        UP,
        "RFC 1034 §3.6.2",
    ),
    _row(
        "A: the alias cannot be resolved",
        "shop.test. 60 CNAME gone.test.",
        _own("A"),
        down("DNS", "alias"),
        "RFC 1034 §3.6.2",
    ),
    # Names
    _row("The name is in upper case", "shop.test. 60 A 192.0.2.1", _dns("SHOP.TEST", "A"), UP, "RFC 4343 §3"),
    _row("The name ends in a dot", "shop.test. 60 A 192.0.2.1", _dns("shop.test.", "A"), UP, _ZONE),
    _row(
        "The name is in another script",
        "xn--bcher-kva.test. 60 A 192.0.2.1",
        _dns("bücher.test", "A"),
        UP,
        "RFC 5891 §4",
    ),
    _row(
        "The name does not exist",
        "other.test. 60 A 192.0.2.1",
        _own("A"),
        down("DNS", "NXDOMAIN"),
        "RFC 2308 §2.1; prometheus/blackbox_exporter#671",
    ),
    # Transport
    _row(
        "The DNS response requires TCP",
        "shop.test. 60 A 192.0.2.1",
        _own("A"),
        UP,
        "RFC 7766 §5; prometheus/blackbox_exporter#1606",
        only_tcp=True,
    ),
    _row(
        "The first query is lost",
        "shop.test. 60 A 192.0.2.1",
        {**_own("A"), "timeout": "20s"},
        UP,
        "RFC 1035 §4.2.1",
        silent_for=1,
    ),
    # Failures
    *(
        Row(
            name=f"The server returns {rcode}",
            target=NameServer(rcode=rcode),
            check=_own("A"),
            verdict=down("DNS", rcode),
            source=source,
        )
        for rcode, source in (
            ("SERVFAIL", "RFC 1035 §4.1.1"),
            ("REFUSED", "RFC 1035 §4.1.1; prometheus/blackbox_exporter#470"),
            ("NOTIMP", "AdguardTeam/AdGuardHome#532"),
            ("FORMERR", "RFC 1035 §4.1.1"),
            ("NXDOMAIN", "RFC 2308 §2.1"),
        )
    ),
    Row(
        name="The server does not respond",
        target=NameServer(silent_for=99),
        check={**_own("A"), "timeout": "2s"},
        verdict=down("TIMEOUT", "while waiting for the response"),
        source="dig, exit code 9",
    ),
    Row(
        name="The server's port is closed",
        target=NOBODY,
        check={"dns": {"name": "shop.test", "type": "A", "server": "127.0.0.1:$CLOSED_PORT"}, "timeout": "2s"},
        verdict=down("CONNECT_REFUSED", "refused"),
        source="dig, exit code 9",
    ),
    Row(
        name="The server responds to another query",
        target=NameServer(
            raw=_HEADER
            + b"\x05other\x04test\x00\x00\x01\x00\x01"
            + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
        ),
        check={**_own("A"), "timeout": "2s"},
        verdict=down("TIMEOUT", "while waiting for the response"),
        source="RFC 5452 §9.1",
        why="Responses to other queries are ignored",
    ),
    Row(
        name="The response is truncated in a record",
        target=NameServer(raw=_HEADER + _QUESTION + b"\xc0\x0c\x00\x01\x00\x01\x00\x00"),
        check={**_own("A"), "timeout": "2s"},
        verdict=down("PROTOCOL", "malformed DNS response"),
        source="RFC 1035 §4.1.3",
    ),
    Row(
        name="A compressed name in the response points to itself",
        target=NameServer(
            raw=_HEADER + _QUESTION + b"\xc0\x1b\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x04\xc0\x00\x02\x01"
        ),
        check={**_own("A"), "timeout": "2s"},
        verdict=down("PROTOCOL", "malformed DNS response"),
        source="RFC 1035 §4.1.4",
    ),
    Row(
        name="A record's address has three bytes",
        target=NameServer(raw=_HEADER + _QUESTION + b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x3c\x00\x03\xc0\x00\x02"),
        check={**_own("A"), "timeout": "2s"},
        verdict=down("PROTOCOL", "malformed DNS response"),
        source="RFC 1035 §3.4.1",
    ),
    # Refused
    *(
        Row(
            name=f"{words} is refused",
            target=NOBODY,
            check={"dns": {"name": name, "type": type_, "expected": expected}},
            verdict=refused(at),
            source=source,
            why=why,
        )
        for words, name, type_, expected, at, source, why in (
            (
                "An unknown type",
                "shop.test",
                "WKS",
                [],
                "check.dns.type",
                "RFC 1035 §3.4.2",
                "Ten types are supported",
            ),
            ("ANY", "shop.test", "ANY", [], "check.dns.type", "RFC 8482 §4", "Servers are not required to answer it"),
            (
                "A name instead of an address",
                "shop.test",
                "A",
                ["web.test"],
                "check.dns.expected[0]",
                _ZONE,
                "An A record contains an IPv4 address",
            ),
            (
                "An address of the other family",
                "shop.test",
                "A",
                ["2001:db8::1"],
                "check.dns.expected[0]",
                _ZONE,
                "An A record contains an IPv4 address",
            ),
            (
                "An exchange without a preference",
                "shop.test",
                "MX",
                ["mail.test"],
                "check.dns.expected[0]",
                _ZONE,
                "An MX record has a preference",
            ),
            (
                "A name with an empty label",
                "shop..test",
                "A",
                [],
                "check.dns.name",
                "RFC 1035 §2.3.1",
                "A label has at least one character",
            ),
            (
                "A label of 64 characters",
                "a" * 64 + ".test",
                "A",
                [],
                "check.dns.name",
                "RFC 1035 §2.3.4",
                "A label has at most 63 characters",
            ),
        )
    ),
)
