"""Host names: resolution, failures of the target's DNS, failures of the monitor's DNS, and URLs."""

from tests.integration.real_world.row import Row, Verdict, down, error, http, refused, up
from tests.integration.real_world.servers import NOBODY, NameServer, Page, ok, says, site

_KUMA = "louislam/uptime-kuma#3371"
_FOUND = up(200)
_GONE = down("DNS", "host name has no IP address")
_URL = "http://shop.test:$PORT/"


def _row(
    name: str, source: str, verdict: Verdict, *names: NameServer, url: str = _URL, timeout: str = "", why: str = ""
) -> Row:
    check = {**http(url), **({"timeout": timeout} if timeout else {})}
    return Row(name=name, target=says(ok()), check=check, names=names, verdict=verdict, source=source, why=why)


def _knows(*records: str, **more: object) -> NameServer:
    return NameServer(records=records, **more)  # type: ignore[arg-type] # as NameServer has them


_A = "shop.test. 60 A 127.0.0.1"

ROWS = (
    _row("The name has an address", "RFC 1035 §3.4.1", _FOUND, _knows(_A)),
    _row(
        "The name is an alias",
        "RFC 1034 §3.6.2",
        _FOUND,
        _knows("shop.test. 60 CNAME web.test.", "web.test. 60 A 127.0.0.1"),
    ),
    _row(
        "The name is an alias of an alias of an alias",
        "RFC 1034 §3.6.2",
        _FOUND,
        _knows(
            "shop.test. 60 CNAME a.test.",
            "a.test. 60 CNAME b.test.",
            "b.test. 60 CNAME c.test.",
            "c.test. 60 A 127.0.0.1",
        ),
    ),
    _row(
        "The name is an alias of a name without an address",
        "RFC 1034 §3.6.2",
        _GONE,
        _knows("shop.test. 60 CNAME web.test."),
    ),
    _row(
        "The name is an alias of itself",
        "RFC 1034 §3.6.2",
        down("DNS"),
        _knows("shop.test. 60 CNAME shop.test."),
        why="The alias cannot be resolved",
    ),
    _row("The name does not exist", "RFC 2308 §2.1; " + _KUMA, _GONE, _knows("other.test. 60 A 127.0.0.1")),
    _row("The name exists and has no address", "RFC 2308 §2.2", _GONE, _knows("shop.test. 60 TXT none")),
    _row(
        "The name has only an IPv6 address, on which the port is closed",
        "RFC 3596 §2.1",
        down("CONNECT_REFUSED", "refused"),
        _knows("shop.test. 60 AAAA ::1"),
    ),
    _row(
        "One of two addresses refuses connections",
        "RFC 8305 §3",
        _FOUND,
        _knows("shop.test. 60 AAAA ::1", _A),
        why="Addresses are dialled by happy eyeballs",
    ),
    _row(
        "The first of two IPv4 addresses refuses connections",
        "RFC 8305 §3",
        _FOUND,
        _knows("shop.test. 60 A 127.0.0.9", _A),
    ),
    _row("The name has a TTL of zero", "RFC 2181 §8", _FOUND, _knows("shop.test. 0 A 127.0.0.1")),
    _row("The URL's name is in upper case", "RFC 4343 §3", _FOUND, _knows(_A), url="http://SHOP.Test:$PORT/"),
    _row("The URL's name ends in a dot", "RFC 3986 §3.2.2", _FOUND, _knows(_A), url="http://shop.test.:$PORT/"),
    _row(
        "The URL's name has an underscore",
        "RFC 2181 §11",
        _FOUND,
        _knows("my_shop.test. 60 A 127.0.0.1"),
        url="http://my_shop.test:$PORT/",
    ),
    _row(
        "The URL's name is in another script",
        "RFC 5891 §4",
        _FOUND,
        _knows("xn--bcher-kva.test. 60 A 127.0.0.1"),
        url="http://bücher.test:$PORT/",
    ),
    _row("The URL's name is localhost", "RFC 6761 §6.3", _FOUND, _knows(_A), url="http://localhost:$PORT/"),
    _row("The URL's name ends in localhost", "RFC 6761 §6.3", _FOUND, _knows(_A), url="http://app.localhost:$PORT/"),
    _row(
        "The URL's name ends in onion",
        "RFC 7686 §2",
        _GONE,
        _knows("shop.onion. 60 A 127.0.0.1"),
        url="http://shop.onion:$PORT/",
        why="The name is not resolved by DNS",
    ),
    _row("The DNS response requires TCP", "RFC 7766 §5", _FOUND, _knows(_A, only_tcp=True)),
    # Slow and lost responses
    _row(
        "The name server responds after 1.3 s",
        "c-ares/c-ares#794; nodejs/node#57839",
        _FOUND,
        _knows(_A, delay_s=1.3),
        timeout="20s",
    ),
    _row(
        "The name server responds after 2.5 s",
        "louislam/uptime-kuma#860",
        _FOUND,
        _knows(_A, delay_s=2.5),
        timeout="20s",
    ),
    _row("The first two queries are lost", "louislam/uptime-kuma#114", _FOUND, _knows(_A, silent_for=2), timeout="20s"),
    _row(
        "The first name server does not respond, the second resolves the name",
        "louislam/uptime-kuma#1697",
        _FOUND,
        _knows(silent_for=99),
        _knows(_A),
        timeout="20s",
    ),
    _row(
        "The port of the first name server is closed, the second resolves the name",
        "resolv.conf(5)",
        _FOUND,
        NameServer(gone=True),
        _knows(_A),
        timeout="20s",
    ),
    _row(
        "The first name server returns SERVFAIL, the second resolves the name",
        "resolv.conf(5)",
        _FOUND,
        _knows(rcode="SERVFAIL"),
        _knows(_A),
        timeout="20s",
    ),
    _row(
        "The first name server returns REFUSED, the second resolves the name",
        "resolv.conf(5)",
        _FOUND,
        _knows(rcode="REFUSED"),
        _knows(_A),
        timeout="20s",
    ),
    _row(
        "The first name server returns NXDOMAIN, the second would resolve the name",
        "resolv.conf(5)",
        _GONE,
        _knows("other.test. 60 A 127.0.0.1"),
        _knows(_A),
        why="NXDOMAIN is a valid response",
    ),
    # Failures of the target's DNS and of the monitor's DNS
    _row(
        "All name servers return SERVFAIL",
        "RFC 8020 §2; louislam/uptime-kuma#4147",
        down("DNS", "DNS server failed"),
        _knows(rcode="SERVFAIL"),
        timeout="5s",
        why="The authoritative servers of the zone are unavailable",
    ),
    _row(
        "No name server responds",
        "louislam/uptime-kuma#274; louislam/uptime-kuma#3123",
        error("INTERNAL", "DNS resolver"),
        _knows(silent_for=99),
        timeout="2s",
        why="The monitor is at fault, not the target",
    ),
    _row(
        "The port of the only name server is closed",
        "louislam/uptime-kuma#3682",
        error("INTERNAL", "DNS resolver"),
        NameServer(gone=True),
        timeout="2s",
        why="The monitor is at fault, not the target",
    ),
    # Blocked addresses
    *(
        _row(
            f"The name resolves to {words}",
            source,
            error("BLOCKED_TARGET", "blocked by the egress policy"),
            _knows(f"shop.test. 60 {record}"),
        )
        for words, record, source in (
            ("a private address", "A 10.1.2.3", "RFC 1918 §3"),
            ("the metadata service of a cloud", "A 169.254.169.254", "RFC 3927 §2"),
            ("this host", "A 0.0.0.0", "RFC 6890 §2.2.2"),
            ("a private IPv6 address", "AAAA fd00::1", "RFC 4193 §3"),
            ("an IPv4-mapped IPv6 address", "AAAA ::ffff:a00:1", "RFC 4291 §2.5.5.2"),
            ("a multicast address", "A 224.0.0.1", "RFC 5771 §3"),
        )
    ),
    _row(
        "The egress policy blocks one of two addresses",
        "RFC 1918 §3",
        _FOUND,
        _knows("shop.test. 60 A 10.1.2.3", _A),
        why="The other address is dialled",
    ),
    # URLs
    *(
        Row(
            name=f"The URL's host is {words}",
            target=NOBODY,
            check=http(url),
            verdict=refused("check.http.url", says_),
            source=source,
        )
        for words, url, says_, source in (
            ("an address of two numbers", "http://127.1/", "in full", "WHATWG URL, IPv4 parser"),
            ("an address as one number", "http://2130706433/", "in full", "WHATWG URL, IPv4 parser"),
            ("an address in hexadecimal digits", "http://0x7f000001/", "in full", "WHATWG URL, IPv4 parser"),
            ("an address in octal digits", "http://0177.0.0.1/", "URL", "WHATWG URL, IPv4 parser"),
            ("an address with a number above 255", "http://256.1.1.1/", "URL", "WHATWG URL, IPv4 parser"),
            ("missing", "http:///path", "must contain a host", "RFC 9110 §4.2.1"),
            ("a name with a space", "http://my shop.test/", "spaces", "RFC 3986 §3.2.2"),
            ("a name with an empty label", "http://shop..test/", "host", "RFC 1035 §2.3.1"),
            ("a label of 64 characters", f"http://{'a' * 64}.test/", "host", "RFC 1035 §2.3.4"),
            ("preceded by a user name", "http://me@shop.test/", "credentials", "RFC 9110 §4.2.4"),
            ("preceded by a password", "http://me:secret@shop.test/", "credentials", "RFC 9110 §4.2.4"),
            ("followed by port 0", "http://shop.test:0/", "port", "RFC 6335 §6"),
            ("followed by port 65536", "http://shop.test:65536/", "port", "RFC 3986 §3.2.3"),
            ("followed by a port that is a word", "http://shop.test:http/", "port", "RFC 3986 §3.2.3"),
        )
    ),
    *(
        Row(
            name=f"The URL is {words}",
            target=NOBODY,
            check=http(url),
            verdict=refused("check.http.url", says_),
            source=source,
        )
        for words, url, says_, source in (
            ("of the scheme ftp", "ftp://shop.test/", "http:// or https://", "RFC 9110 §4.2"),
            ("of the scheme ws", "ws://shop.test/", "http:// or https://", "RFC 6455 §3"),
            ("only a path", "/health", "http:// or https://", "RFC 3986 §4.2"),
            ("only a host", "shop.test", "http:// or https://", "RFC 3986 §4.2"),
            ("text with a line break", "http://shop.test/\n", "control characters", "RFC 3986 §2"),
            ("text with a space in the path", "http://shop.test/my page", "spaces", "RFC 3986 §2"),
        )
    ),
    *(
        Row(
            name=f"The URL has {words}",
            target=site(Page(path=path, answer=ok())),
            check=http("http://shop.test:$PORT" + given),
            verdict=up(200),
            source=source,
        )
        for words, given, path, source in (
            ("no path", "", "/", "RFC 9110 §4.2.3"),
            ("a query and no path", "?a=b", "/?a=b", "RFC 3986 §3.3"),
            ("a fragment", "/a#b", "/a", "RFC 9110 §4.2.5"),
            ("letters beyond ASCII in the path", "/café", "/caf%C3%A9", "RFC 3987 §3.1"),
            ("letters beyond ASCII in the query", "/?q=Zürich", "/?q=Z%C3%BCrich", "RFC 3987 §3.1"),
            ("an encoded space", "/my%20page", "/my%20page", "RFC 3986 §2.1"),
            ("a plus sign in the query", "/?q=a+b", "/?q=a+b", "RFC 3986 §3.4"),
            ("brackets in the query", "/?a[]=1", "/?a[]=1", "curl's result"),
            ("dots in the path", "/a/../b", "/b", "RFC 3986 §5.2.4"),
            ("a semicolon in the path", "/a;v=1", "/a;v=1", "RFC 3986 §3.3"),
            ("an at sign in the path", "/@me", "/@me", "RFC 3986 §3.3"),
            ("a colon in the path", "/a:b", "/a:b", "RFC 3986 §3.3"),
            ("a percent sign without digits", "/100%", "/100%", "curl's result"),
        )
    ),
)
