"""Redirects: where they lead, what goes along, and when they end."""

from tests.integration.real_world.identity import GOOD
from tests.integration.real_world.row import Row, down, error, http, refused, up
from tests.integration.real_world.servers import NOBODY, Http, Page, answer, moved, ok, says, site

_FOLLOWED = up(200, redirects=1)
_REFERENCES = "RFC 3986 §5.4"
_UTF8 = "sagebind/isahc#315; Norconex/crawler#199"
_BODY = "RFC 9110 §15.4.8; sindresorhus/got#2460"
_HOST = "follow-redirects/follow-redirects#172"
_OTHER = b"http://other.test:$PORT"
_POST = {"method": "POST", "body": '{"ping": 1}', "headers": {"Content-Type": "application/json"}}


def _to(location: bytes, path: str, *, start: str = "/", status: int = 302, **wanted: tuple[bytes, ...]) -> Http:
    """A server that leads from a start to a path, where it asks for certain bytes."""
    return site(
        Page(path=start, answer=moved(location, status)),
        Page(path=path, answer=ok(), has=wanted.get("has", ()), lacks=wanted.get("lacks", ())),
    )


def _chain(length: int) -> Http:
    """A server whose start is so many redirects away from its end."""
    pages = [
        Page(path="/" if number == 0 else f"/{number}", answer=moved(b"/%d" % (number + 1))) for number in range(length)
    ]
    return site(*pages, Page(path=f"/{length}", answer=ok()))


ROWS = (
    # Where a location leads
    *(
        Row(
            name=f"A {status} is followed", target=_to(b"/end", "/end", status=status), verdict=_FOLLOWED, source=source
        )
        for status, source in (
            (300, "RFC 9110 §15.4.1; curl's answer"),
            (301, "RFC 9110 §15.4.2"),
            (302, "RFC 9110 §15.4.3"),
            (303, "RFC 9110 §15.4.4"),
            (307, "RFC 9110 §15.4.8"),
            (308, "RFC 9110 §15.4.9"),
        )
    ),
    *(
        Row(
            name=f"A {status} with a location is not followed",
            target=_to(b"/end", "/end", status=status),
            verdict=down("STATUS", str(status), status=status),
            source=source,
        )
        for status, source in (
            (304, "RFC 9110 §15.4.5"),
            (305, "RFC 9110 §15.4.6"),
        )
    ),
    *(
        Row(
            name=f"Location is {words}",
            target=_to(location, path, start="/a/b?c=d"),
            check=http("http://127.0.0.1:$PORT/a/b?c=d"),
            verdict=_FOLLOWED,
            source=source,
        )
        for words, location, path, source in (
            ("a whole URL", b"http://127.0.0.1:$PORT/end", "/end", "RFC 9110 §10.2.2"),
            ("a path", b"/end", "/end", _REFERENCES),
            ("a path relative to the page", b"end", "/a/end", _REFERENCES),
            ("a path with dots", b"../end", "/end", _REFERENCES),
            ("a path with a dot", b"./end", "/a/end", _REFERENCES),
            ("a query alone", b"?e=f", "/a/b?e=f", _REFERENCES),
            ("without a scheme", b"//127.0.0.1:$PORT/end", "/end", _REFERENCES),
            ("a host without a path", b"http://127.0.0.1:$PORT", "/", _REFERENCES),
            ("with a fragment", b"/end#part", "/end", "RFC 9110 §10.2.2"),
            ("with an upper-case scheme", b"HTTP://127.0.0.1:$PORT/end", "/end", "RFC 3986 §3.1"),
            ("with an upper-case host", b"http://OTHER.test:$PORT/end", "/end", "RFC 3986 §3.2.2"),
            ("with a space inside", b"/the end", "/the%20end", "curl's answer"),
            ("followed by a space", b"/end ", "/end", "RFC 9110 §5.5"),
            ("followed by a tab", b"/end\t", "/end", "RFC 9110 §5.5"),
            ("preceded by spaces", b"   /end", "/end", "RFC 9110 §5.5"),
            ("with a path in UTF-8", "/café".encode(), "/caf%C3%A9", _UTF8),
            ("with a query in UTF-8", "/end?q=Zürich".encode(), "/end?q=Z%C3%BCrich", _UTF8),
            ("with a path in Chinese", "/中文".encode(), "/%E4%B8%AD%E6%96%87", "0x676e67/wreq#1291"),
            ("with a path in Latin-1", b"/caf\xe9", "/caf%E9", "curl's answer"),
            ("with a control character", b"/a\x01b", "/a%01b", "WHATWG URL, percent-encode sets"),
            ("with three slashes before the host", b"http:///127.0.0.1:$PORT/end", "/end", "curl's answer"),
            ("with a tilde", b"/~me", "/~me", "RFC 3986 §2.3"),
            ("with a single quote", b"/a'b", "/a'b", "curl's answer"),
            ("with a pipe in the path", b"/a|b", "/a|b", "curl's answer"),
            ("with a percent sign that encodes nothing", b"/100%", "/100%", "curl's answer"),
            ("with a wrong percent-encoding", b"/%zz", "/%zz", "curl's answer"),
            ("with braces in the query", b"/end?q={a}", "/end?q={a}", "curl's answer"),
            ("with too many dots", b"/../../end", "/end", "RFC 3986 §5.2.4"),
            ("with dots at the end", b"/x/..", "/", "RFC 3986 §5.2.4"),
            ("with two question marks", b"/end?a?b", "/end?a?b", "RFC 3986 §3.4"),
            ("with a no-break space", b"/a\xc2\xa0b", "/a%C2%A0b", _UTF8),
            ("with an emoji", "/😀".encode(), "/%F0%9F%98%80", _UTF8),
            ("with a query in Latin-1", b"/end?q=\xfc", "/end?q=%FC", "curl's answer"),
            ("with a fragment in UTF-8", "/end#ü".encode(), "/end", _UTF8),
            ("with a URL in the query", b"/end?u=http://a.test/b", "/end?u=http://a.test/b", "RFC 3986 §3.4"),
            ("with an at sign in the query", b"/end?u=a@b", "/end?u=a@b", "RFC 3986 §3.4"),
            ("with an at sign in the path", b"/@me", "/@me", "RFC 3986 §3.3"),
            ("with a colon in the path", b"/a:b", "/a:b", "RFC 3986 §3.3"),
            ("with a semicolon in the path", b"/a;v=1", "/a;v=1", "RFC 3986 §3.3"),
            ("with an entity of HTML", b"/end?a=1&amp;b=2", "/end?a=1&amp;b=2", "curl's answer"),
            ("percent-encoded already", b"/caf%C3%A9", "/caf%C3%A9", _UTF8),
            ("partly percent-encoded", "/caf%C3%A9/é".encode(), "/caf%C3%A9/%C3%A9", _UTF8),
            ("percent-encoded in lower case", b"/caf%c3%a9", "/caf%c3%a9", "RFC 3986 §2.1"),
            ("with brackets in the query", b"/end?a[]=1", "/end?a[]=1", "curl's answer"),
            ("with a pipe in the query", b"/end?a=1|2", "/end?a=1|2", "curl's answer"),
            ("with a plus sign in the query", b"/end?a=1+2", "/end?a=1+2", "RFC 3986 §3.4"),
            ("with an encoded slash", b"/a%2Fb", "/a%2Fb", "RFC 3986 §2.2"),
            ("with a double slash in the path", b"/a//b", "/a//b", "RFC 3986 §3.3"),
            ("with an empty query", b"/end?", "/end", "curl's answer"),
            ("with an empty query and a fragment", b"/end?#part", "/end", "curl's answer"),
            ("an empty query alone", b"?", "/a/b", "curl's answer"),
        )
    ),
    Row(
        name="Location's host is a name in UTF-8",
        target=site(
            Page(path="/", lacks=(b"Host: xn--",), answer=moved("http://bücher.test:$PORT/".encode())),
            Page(path="/", has=(b"Host: xn--bcher-kva.test:",), answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="RFC 5891 §4; sagebind/isahc#315",
    ),
    Row(
        name="Location's host is a name in Punycode",
        target=_to(b"http://xn--bcher-kva.test:$PORT/end", "/end"),
        verdict=_FOLLOWED,
        source="RFC 5891 §4",
    ),
    Row(
        name="Location's lines end in LF",
        target=site(
            Page(path="/", answer=b"HTTP/1.1 302 Found\nLocation: /end\nContent-Length: 0\n\n"),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="RFC 9112 §2.2; louislam/uptime-kuma#5972",
    ),
    Row(
        name="Location's name is in lower case",
        target=site(
            Page(path="/", answer=b"HTTP/1.1 302 Found\r\nlocation: /end\r\nContent-Length: 0\r\n\r\n"),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="RFC 9110 §5.1; monitoring-plugins/monitoring-plugins#604",
    ),
    Row(
        name="Last-Modified comes before Location",
        target=site(
            Page(path="/", answer=answer(302, b"", b"Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT", b"Location: /end")),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="monitoring-plugins/monitoring-plugins#604",
    ),
    Row(
        name="Location is folded",
        target=site(
            Page(path="/", answer=b"HTTP/1.1 302 Found\r\nLocation:\r\n /end\r\nContent-Length: 0\r\n\r\n"),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="RFC 9112 §5.2",
    ),
    Row(
        name="Location is empty",
        target=says(moved(b"")),
        verdict=down("STATUS", "302", status=302, redirects=0),
        source="RFC 9110 §10.2.2",
    ),
    Row(
        name="Location is missing",
        target=says(answer(302)),
        verdict=down("STATUS", "302", status=302, redirects=0),
        source="RFC 9110 §15.4",
    ),
    Row(
        name="Location appears twice",
        target=site(
            Page(path="/", answer=moved(b"/end", 302, b"Location: /elsewhere")), Page(path="/end", answer=ok())
        ),
        verdict=_FOLLOWED,
        source="curl's answer",
        why="The first counts",
    ),
    Row(
        name="Location leads to another scheme",
        target=says(moved(b"mailto:a@shop.test")),
        verdict=down("STATUS", "302", status=302),
        source="curl manual, --proto-redir",
        why="Only http and https are followed",
    ),
    Row(
        name="Location leads to a file",
        target=says(moved(b"file:///etc/passwd")),
        verdict=down("STATUS", "302", status=302),
        source="curl manual, --proto-redir",
        why="Only http and https are followed",
    ),
    Row(
        name="Location carries credentials",
        target=_to(b"http://user:secret@127.0.0.1:$PORT/end", "/end", has=(b"uthorization: Basic dXNlcjpzZWNyZXQ=",)),
        verdict=_FOLLOWED,
        source="curl's answer",
        why="The target has chosen them, and gets them",
    ),
    Row(
        name="Redirects lead away from the origin and back to it",
        target=site(
            Page(path="/", answer=moved(_OTHER + b"/away")),
            Page(path="/away", lacks=(b"X-Tenant",), answer=moved(b"http://127.0.0.1:$PORT/back")),
            Page(path="/back", has=(b"X-Tenant: a",), answer=ok()),
        ),
        check=http(headers={"X-Tenant": "a"}),
        verdict=up(200, redirects=2),
        source="curl manual, --location-trusted",
        why="The check's own headers go to its own origin",
    ),
    Row(
        name="Location's port is above 65535",
        target=says(moved(b"http://127.0.0.1:65536/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 3986 §3.2.3",
    ),
    Row(
        name="Location's address lacks a bracket",
        target=says(moved(b"http://[::1/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 3986 §3.2.2",
    ),
    Row(
        name="Location's host is no name",
        target=says(moved(b"http://xn--a/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 5891 §5.4",
    ),
    Row(
        name="Location's port is closed",
        target=says(moved(b"http://127.0.0.1:$CLOSED_PORT/")),
        verdict=down("CONNECT_REFUSED", redirects=1),
        source="curl manual, exit code 7",
        why="There is no connection to where the redirect leads",
    ),
    Row(
        name="Location's host has no address",
        target=says(moved(b"http://gone.invalid/")),
        verdict=down("DNS", "no IP address", redirects=1),
        source="curl manual, exit code 6",
    ),
    *(
        Row(
            name=f"Location leads to {words}",
            target=says(moved(location)),
            verdict=error("BLOCKED_TARGET", "blocked by the egress policy"),
            source=source,
        )
        for words, location, source in (
            ("the metadata of a cloud", b"http://169.254.169.254/latest/meta-data", "RFC 3927 §2"),
            ("a private network", b"http://10.0.0.1/", "RFC 1918 §3"),
            ("this host's own address 0.0.0.0", b"http://0.0.0.0/", "RFC 6890 §2.2.2"),
            ("an IPv4 address inside IPv6", b"http://[::ffff:10.0.0.1]/", "RFC 4291 §2.5.5.2"),
            ("a private IPv6 network", b"http://[fd00::1]/", "RFC 4193 §3"),
            ("shared address space", b"http://100.64.0.1/", "RFC 6598 §7"),
        )
    ),
    # How many
    Row(name="Five redirects are followed", target=_chain(5), verdict=up(200, redirects=5), source="docs/checks.md"),
    Row(
        name="The sixth redirect is not followed",
        target=_chain(6),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 5"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="A page redirects to itself for ever",
        target=says(moved(b"/")),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 5"),
        source="curl manual, exit code 47",
    ),
    Row(
        name="Ten redirects are allowed, and come",
        target=_chain(10),
        check=http(maxRedirects=10),
        verdict=up(200, redirects=10),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="Ten redirects are allowed, and eleven come",
        target=_chain(11),
        check=http(maxRedirects=10),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 10"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="One redirect is allowed, and comes",
        target=_chain(1),
        check=http(maxRedirects=1),
        verdict=_FOLLOWED,
        source="curl manual, --max-redirs",
    ),
    Row(
        name="One redirect is allowed, and two come",
        target=_chain(2),
        check=http(maxRedirects=1),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 1"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="No redirect is allowed, and none comes",
        target=says(ok()),
        check=http(maxRedirects=0),
        verdict=up(200, redirects=0),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="No redirect is allowed, and one comes",
        target=_chain(1),
        check=http(maxRedirects=0),
        verdict=down("STATUS", "status 302", status=302, redirects=0),
        source="docs/checks.md",
        why="Then a redirect is an answer like others",
    ),
    Row(
        name="Eleven redirects are to be allowed",
        target=NOBODY,
        check=http("http://shop.test/", maxRedirects=11),
        verdict=refused("check.http.max_redirects", "less than or equal to 10"),
        source="docs/checks.md",
    ),
    # Methods and bodies
    *(
        Row(
            name=f"A POST that is redirected by {status} becomes a GET",
            target=_to(b"/end", "/end", status=status, has=(b"GET /end ",), lacks=(b"ping", b"ontent-")),
            check=http(**_POST),
            verdict=_FOLLOWED,
            source=source,
        )
        for status, source in (
            (301, "RFC 9110 §15.4.2"),
            (302, "RFC 9110 §15.4.3; prometheus/blackbox_exporter#813"),
            (303, "RFC 9110 §15.4.4"),
        )
    ),
    *(
        Row(
            name=f"A POST that is redirected by {status} on its origin keeps its body",
            target=_to(b"/end", "/end", status=status, has=(b"POST /end ", b'{"ping": 1}', b"application/json")),
            check=http(**_POST),
            verdict=_FOLLOWED,
            source=_BODY,
        )
        for status in (307, 308)
    ),
    *(
        Row(
            name=f"A POST that is redirected by {status} to another origin keeps its body",
            target=_to(
                _OTHER + b"/end", "/end", status=status, has=(b"POST /end ", b'{"ping": 1}', b"application/json")
            ),
            check=http(**_POST),
            verdict=_FOLLOWED,
            source=source,
        )
        for status, source in ((307, _BODY), (308, "benoitc/hackney#923; sindresorhus/got#2460"))
    ),
    Row(
        name="A POST that is redirected by 308 to https keeps its body",
        target=site(
            Page(path="/api", answer=moved(b"https://shop.test:$SECURE_PORT/end", 308)),
            Page(path="/end", has=(b"POST ", b'{"ping": 1}'), answer=ok()),
            certificate=GOOD,
        ),
        check=http("http://shop.test:$PORT/api", **_POST),
        verdict=_FOLLOWED,
        source="NginxProxyManager/nginx-proxy-manager#3352",
    ),
    Row(
        name="A PUT that is redirected by 307 to another origin keeps its body",
        target=_to(_OTHER + b"/end", "/end", status=307, has=(b"PUT /end ", b"data")),
        check=http(method="PUT", body="data"),
        verdict=_FOLLOWED,
        source=_BODY,
    ),
    Row(
        name="A PUT that is redirected by 303 becomes a GET",
        target=_to(b"/end", "/end", status=303, has=(b"GET /end ",), lacks=(b"data",)),
        check=http(method="PUT", body="data"),
        verdict=_FOLLOWED,
        source="RFC 9110 §15.4.4",
    ),
    Row(
        name="A PUT that is redirected by 302 stays a PUT",
        target=_to(b"/end", "/end", status=302, has=(b"PUT /end ", b"data")),
        check=http(method="PUT", body="data"),
        verdict=_FOLLOWED,
        source="WHATWG Fetch, HTTP-redirect fetch",
    ),
    Row(
        name="A DELETE that is redirected by 307 stays a DELETE",
        target=_to(b"/end", "/end", status=307, has=(b"DELETE /end ",)),
        check=http(method="DELETE"),
        verdict=_FOLLOWED,
        source="RFC 9110 §15.4.8",
    ),
    Row(
        name="A HEAD that is redirected by 303 stays a HEAD",
        target=_to(b"/end", "/end", status=303, has=(b"HEAD /end ",)),
        check=http(method="HEAD"),
        verdict=_FOLLOWED,
        source="RFC 9110 §15.4.4",
    ),
    # Headers
    Row(
        name="The check's own Host goes along on its origin",
        target=site(
            Page(path="/", has=(b"Host: shop.example\r\n",), answer=moved(b"/login")),
            Page(path="/login", has=(b"Host: shop.example\r\n",), answer=ok()),
        ),
        check=http(headers={"Host": "shop.example"}),
        verdict=_FOLLOWED,
        source=_HOST,
    ),
    Row(
        name="The check's own Host goes along over two redirects",
        target=site(
            Page(path="/", has=(b"Host: shop.example\r\n",), answer=moved(b"/a")),
            Page(path="/a", has=(b"Host: shop.example\r\n",), answer=moved(b"/b")),
            Page(path="/b", has=(b"Host: shop.example\r\n",), answer=ok()),
        ),
        check=http(headers={"Host": "shop.example"}),
        verdict=up(200, redirects=2),
        source="postmanlabs/postman-app-support#6293",
    ),
    Row(
        name="The check's own Host stays behind on the way to another origin",
        target=_to(_OTHER + b"/end", "/end", has=(b"Host: other.test:",), lacks=(b"shop.example",)),
        check=http(headers={"Host": "shop.example"}),
        verdict=_FOLLOWED,
        source="curl manual, -H; SaltwaterC/http-request#24",
    ),
    Row(
        name="Authorization goes along on its origin",
        target=_to(b"/end", "/end", has=(b"uthorization: Bearer abc",)),
        check=http(bearerToken="abc"),
        verdict=_FOLLOWED,
        source="RFC 9110 §11.6.2",
    ),
    Row(
        name="Authorization stays behind on the way to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"uthorization",)),
        check=http(headers={"Authorization": "Bearer abc"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="A user's name and password stay behind on the way to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"uthorization",)),
        check=http(basicAuth={"username": "me", "password": "secret"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="The check's own Cookie stays behind on the way to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"session",)),
        check=http(headers={"Cookie": "session=1"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="A header of the check's own goes along on its origin",
        target=_to(b"/end", "/end", has=(b"X-Tenant: a",)),
        check=http(headers={"X-Tenant": "a"}),
        verdict=_FOLLOWED,
        source="monitoring-plugins/monitoring-plugins#828",
    ),
    Row(
        name="User-Agent goes along to another origin",
        target=_to(_OTHER + b"/end", "/end", has=(b"Probe/1",)),
        check=http(headers={"User-Agent": "Probe/1"}),
        verdict=_FOLLOWED,
        source="curl manual, -A",
    ),
    Row(
        name="Another port is another origin",
        target=site(
            Page(path="/start", answer=moved(b"https://shop.test:$SECURE_PORT/end")),
            Page(path="/end", lacks=(b"X-Token",), answer=ok()),
            certificate=GOOD,
        ),
        check=http("http://shop.test:$PORT/start", headers={"X-Token": "a"}),
        verdict=_FOLLOWED,
        source="RFC 6454 §4",
    ),
    # Between http and https
    Row(
        name="http redirects to https",
        target=site(
            Page(path="/", answer=moved(b"https://shop.test:$SECURE_PORT/end", 301)),
            Page(path="/end", answer=ok()),
            certificate=GOOD,
        ),
        check=http("http://shop.test:$PORT/"),
        verdict=_FOLLOWED,
        source="prometheus/blackbox_exporter#511",
    ),
    Row(
        name="https redirects to http",
        target=site(
            Page(path="/", answer=moved(b"http://shop.test:$PORT/end", 301)),
            Page(path="/end", answer=ok()),
            certificate=GOOD,
        ),
        verdict=_FOLLOWED,
        source="curl's answer",
    ),
    Row(
        name="A redirect to https meets a certificate for another name",
        target=site(Page(answer=moved(b"https://127.0.0.1:$SECURE_PORT/")), certificate=GOOD),
        check=http("http://shop.test:$PORT/"),
        verdict=down("TLS", "certificate host name mismatch"),
        source="RFC 9110 §4.3.4",
    ),
    Row(
        name="The text is looked for in the last answer, not in the redirect",
        target=site(
            Page(path="/", answer=answer(302, b"moved to login", b"Location: /end")),
            Page(path="/end", answer=ok(b"welcome")),
        ),
        check=http(bodyContains="moved"),
        verdict=down("ASSERTION", "does not contain the expected text", status=200, redirects=1),
        source="nagios-plugins/nagios-plugins#408",
    ),
    Row(
        name="A redirect's body has no end",
        target=site(
            Page(path="/", answer=b"HTTP/1.1 302 Found\r\nLocation: /end\r\n\r\npart", then="stall"),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="curl's answer",
        why="Nobody reads it",
    ),
    Row(
        name="A redirect leads to a server error",
        target=site(Page(path="/", answer=moved(b"/end")), Page(path="/end", answer=answer(500))),
        verdict=down("STATUS", "500", status=500, redirects=1),
        source="curl's answer",
    ),
    Row(
        name="A redirect is not to be followed, and leads nowhere",
        target=says(moved(b"http://127.0.0.1:65536/")),
        check=http(followRedirects=False, expectedStatus=[302]),
        verdict=up(302, redirects=0),
        source="prometheus/blackbox_exporter#246",
    ),
)
