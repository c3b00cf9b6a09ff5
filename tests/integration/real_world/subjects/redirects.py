"""Redirects: locations, limits, methods, headers and schemes."""

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
    # Locations
    *(
        Row(
            name=f"A {status} is followed", target=_to(b"/end", "/end", status=status), verdict=_FOLLOWED, source=source
        )
        for status, source in (
            (300, "RFC 9110 §15.4.1; curl's result"),
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
            name=f"Location {words}",
            target=_to(location, path, start="/a/b?c=d"),
            check=http("http://127.0.0.1:$PORT/a/b?c=d"),
            verdict=_FOLLOWED,
            source=source,
        )
        for words, location, path, source in (
            ("is an absolute URL", b"http://127.0.0.1:$PORT/end", "/end", "RFC 9110 §10.2.2"),
            ("is a path", b"/end", "/end", _REFERENCES),
            ("is a path relative to the page", b"end", "/a/end", _REFERENCES),
            ("is a path with two dots", b"../end", "/end", _REFERENCES),
            ("is a path with one dot", b"./end", "/a/end", _REFERENCES),
            ("is only a query", b"?e=f", "/a/b?e=f", _REFERENCES),
            ("has no scheme", b"//127.0.0.1:$PORT/end", "/end", _REFERENCES),
            ("is a host without a path", b"http://127.0.0.1:$PORT", "/", _REFERENCES),
            ("has a fragment", b"/end#part", "/end", "RFC 9110 §10.2.2"),
            ("has an upper-case scheme", b"HTTP://127.0.0.1:$PORT/end", "/end", "RFC 3986 §3.1"),
            ("has an upper-case host", b"http://OTHER.test:$PORT/end", "/end", "RFC 3986 §3.2.2"),
            ("contains a space", b"/the end", "/the%20end", "curl's result"),
            ("is followed by a space", b"/end ", "/end", "RFC 9110 §5.5"),
            ("is followed by a tab", b"/end\t", "/end", "RFC 9110 §5.5"),
            ("is preceded by spaces", b"   /end", "/end", "RFC 9110 §5.5"),
            ("has a path in UTF-8", "/café".encode(), "/caf%C3%A9", _UTF8),
            ("has a query in UTF-8", "/end?q=Zürich".encode(), "/end?q=Z%C3%BCrich", _UTF8),
            ("has a path in Chinese", "/中文".encode(), "/%E4%B8%AD%E6%96%87", "0x676e67/wreq#1291"),
            ("has a path in Latin-1", b"/caf\xe9", "/caf%E9", "curl's result"),
            ("has a control character", b"/a\x01b", "/a%01b", "WHATWG URL, percent-encode sets"),
            ("has three slashes before the host", b"http:///127.0.0.1:$PORT/end", "/end", "curl's result"),
            ("has a tilde", b"/~me", "/~me", "RFC 3986 §2.3"),
            ("has a single quote", b"/a'b", "/a'b", "curl's result"),
            ("has a pipe in the path", b"/a|b", "/a|b", "curl's result"),
            ("has a percent sign without digits", b"/100%", "/100%", "curl's result"),
            ("has an invalid percent-encoding", b"/%zz", "/%zz", "curl's result"),
            ("has braces in the query", b"/end?q={a}", "/end?q={a}", "curl's result"),
            ("has more dot segments than the path has levels", b"/../../end", "/end", "RFC 3986 §5.2.4"),
            ("ends in a dot segment", b"/x/..", "/", "RFC 3986 §5.2.4"),
            ("has two question marks", b"/end?a?b", "/end?a?b", "RFC 3986 §3.4"),
            ("has a no-break space", b"/a\xc2\xa0b", "/a%C2%A0b", _UTF8),
            ("has an emoji", "/😀".encode(), "/%F0%9F%98%80", _UTF8),
            ("has a query in Latin-1", b"/end?q=\xfc", "/end?q=%FC", "curl's result"),
            ("has a fragment in UTF-8", "/end#ü".encode(), "/end", _UTF8),
            ("has a URL in the query", b"/end?u=http://a.test/b", "/end?u=http://a.test/b", "RFC 3986 §3.4"),
            ("has an at sign in the query", b"/end?u=a@b", "/end?u=a@b", "RFC 3986 §3.4"),
            ("has an at sign in the path", b"/@me", "/@me", "RFC 3986 §3.3"),
            ("has a colon in the path", b"/a:b", "/a:b", "RFC 3986 §3.3"),
            ("has a semicolon in the path", b"/a;v=1", "/a;v=1", "RFC 3986 §3.3"),
            ("has an HTML entity", b"/end?a=1&amp;b=2", "/end?a=1&amp;b=2", "curl's result"),
            ("is percent-encoded", b"/caf%C3%A9", "/caf%C3%A9", _UTF8),
            ("is partly percent-encoded", "/caf%C3%A9/é".encode(), "/caf%C3%A9/%C3%A9", _UTF8),
            ("is percent-encoded in lower case", b"/caf%c3%a9", "/caf%c3%a9", "RFC 3986 §2.1"),
            ("has brackets in the query", b"/end?a[]=1", "/end?a[]=1", "curl's result"),
            ("has a pipe in the query", b"/end?a=1|2", "/end?a=1|2", "curl's result"),
            ("has a plus sign in the query", b"/end?a=1+2", "/end?a=1+2", "RFC 3986 §3.4"),
            ("has an encoded slash", b"/a%2Fb", "/a%2Fb", "RFC 3986 §2.2"),
            ("has a double slash in the path", b"/a//b", "/a//b", "RFC 3986 §3.3"),
            ("has an empty query", b"/end?", "/end", "curl's result"),
            ("has an empty query and a fragment", b"/end?#part", "/end", "curl's result"),
            ("is only an empty query", b"?", "/a/b", "curl's result"),
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
        name="Last-Modified precedes Location",
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
        source="curl's result",
        why="The first one is followed",
    ),
    Row(
        name="Location has another scheme",
        target=says(moved(b"mailto:a@shop.test")),
        verdict=down("STATUS", "302", status=302),
        source="curl manual, --proto-redir",
        why="Only http and https are followed",
    ),
    Row(
        name="Location is a file URL",
        target=says(moved(b"file:///etc/passwd")),
        verdict=down("STATUS", "302", status=302),
        source="curl manual, --proto-redir",
        why="Only http and https are followed",
    ),
    Row(
        name="Location contains credentials",
        target=_to(b"http://user:secret@127.0.0.1:$PORT/end", "/end", has=(b"uthorization: Basic dXNlcjpzZWNyZXQ=",)),
        verdict=_FOLLOWED,
        source="curl's result",
        why="The target chose the credentials and receives them",
    ),
    Row(
        name="Redirects lead to another origin and back",
        target=site(
            Page(path="/", answer=moved(_OTHER + b"/away")),
            Page(path="/away", lacks=(b"X-Tenant",), answer=moved(b"http://127.0.0.1:$PORT/back")),
            Page(path="/back", has=(b"X-Tenant: a",), answer=ok()),
        ),
        check=http(headers={"X-Tenant": "a"}),
        verdict=up(200, redirects=2),
        source="curl manual, --location-trusted",
        why="The check's headers are sent to its own origin",
    ),
    Row(
        name="Location's port is above 65535",
        target=says(moved(b"http://127.0.0.1:65536/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 3986 §3.2.3",
    ),
    Row(
        name="A bracket is missing in the address of Location",
        target=says(moved(b"http://[::1/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 3986 §3.2.2",
    ),
    Row(
        name="Location's host is not a name",
        target=says(moved(b"http://xn--a/")),
        verdict=down("PROTOCOL", "redirect cannot be followed"),
        source="RFC 5891 §5.4",
    ),
    Row(
        name="Location's port is closed",
        target=says(moved(b"http://127.0.0.1:$CLOSED_PORT/")),
        verdict=down("CONNECT_REFUSED", redirects=1),
        source="curl manual, exit code 7",
        why="The target of the redirect refuses the connection",
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
            ("the metadata service of a cloud", b"http://169.254.169.254/latest/meta-data", "RFC 3927 §2"),
            ("a private network", b"http://10.0.0.1/", "RFC 1918 §3"),
            ("the address 0.0.0.0 of this host", b"http://0.0.0.0/", "RFC 6890 §2.2.2"),
            ("an IPv4-mapped IPv6 address", b"http://[::ffff:10.0.0.1]/", "RFC 4291 §2.5.5.2"),
            ("a private IPv6 network", b"http://[fd00::1]/", "RFC 4193 §3"),
            ("shared address space", b"http://100.64.0.1/", "RFC 6598 §7"),
        )
    ),
    # Limits
    Row(name="Five redirects are followed", target=_chain(5), verdict=up(200, redirects=5), source="docs/checks.md"),
    Row(
        name="The sixth redirect is not followed",
        target=_chain(6),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 5"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="A page redirects to itself endlessly",
        target=says(moved(b"/")),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 5"),
        source="curl manual, exit code 47",
    ),
    Row(
        name="Ten redirects are allowed, and ten occur",
        target=_chain(10),
        check=http(maxRedirects=10),
        verdict=up(200, redirects=10),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="Ten redirects are allowed, and eleven occur",
        target=_chain(11),
        check=http(maxRedirects=10),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 10"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="One redirect is allowed, and one occurs",
        target=_chain(1),
        check=http(maxRedirects=1),
        verdict=_FOLLOWED,
        source="curl manual, --max-redirs",
    ),
    Row(
        name="One redirect is allowed, and two occur",
        target=_chain(2),
        check=http(maxRedirects=1),
        verdict=down("TOO_MANY_REDIRECTS", "too many redirects, limit 1"),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="No redirect is allowed, and none occurs",
        target=says(ok()),
        check=http(maxRedirects=0),
        verdict=up(200, redirects=0),
        source="curl manual, --max-redirs",
    ),
    Row(
        name="No redirect is allowed, and one occurs",
        target=_chain(1),
        check=http(maxRedirects=0),
        verdict=down("STATUS", "status 302", status=302, redirects=0),
        source="docs/checks.md",
        why="The redirect is the final response",
    ),
    Row(
        name="The limit of redirects is eleven",
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
            name=f"A POST that is redirected by {status} within its origin keeps its body",
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
        name="A PUT that is redirected by 302 remains a PUT",
        target=_to(b"/end", "/end", status=302, has=(b"PUT /end ", b"data")),
        check=http(method="PUT", body="data"),
        verdict=_FOLLOWED,
        source="WHATWG Fetch, HTTP-redirect fetch",
    ),
    Row(
        name="A DELETE that is redirected by 307 remains a DELETE",
        target=_to(b"/end", "/end", status=307, has=(b"DELETE /end ",)),
        check=http(method="DELETE"),
        verdict=_FOLLOWED,
        source="RFC 9110 §15.4.8",
    ),
    Row(
        name="A HEAD that is redirected by 303 remains a HEAD",
        target=_to(b"/end", "/end", status=303, has=(b"HEAD /end ",)),
        check=http(method="HEAD"),
        verdict=_FOLLOWED,
        source="RFC 9110 §15.4.4",
    ),
    # Headers
    Row(
        name="The check's Host header is sent within its origin",
        target=site(
            Page(path="/", has=(b"Host: shop.example\r\n",), answer=moved(b"/login")),
            Page(path="/login", has=(b"Host: shop.example\r\n",), answer=ok()),
        ),
        check=http(headers={"Host": "shop.example"}),
        verdict=_FOLLOWED,
        source=_HOST,
    ),
    Row(
        name="The check's Host header is sent over two redirects",
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
        name="The check's Host header is not sent to another origin",
        target=_to(_OTHER + b"/end", "/end", has=(b"Host: other.test:",), lacks=(b"shop.example",)),
        check=http(headers={"Host": "shop.example"}),
        verdict=_FOLLOWED,
        source="curl manual, -H; SaltwaterC/http-request#24",
    ),
    Row(
        name="Authorization is sent within its origin",
        target=_to(b"/end", "/end", has=(b"uthorization: Bearer abc",)),
        check=http(bearerToken="abc"),
        verdict=_FOLLOWED,
        source="RFC 9110 §11.6.2",
    ),
    Row(
        name="Authorization is not sent to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"uthorization",)),
        check=http(headers={"Authorization": "Bearer abc"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="Basic credentials are not sent to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"uthorization",)),
        check=http(basicAuth={"username": "me", "password": "secret"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="The check's Cookie header is not sent to another origin",
        target=_to(_OTHER + b"/end", "/end", lacks=(b"session",)),
        check=http(headers={"Cookie": "session=1"}),
        verdict=_FOLLOWED,
        source="curl manual, --location-trusted",
    ),
    Row(
        name="A custom header is sent within its origin",
        target=_to(b"/end", "/end", has=(b"X-Tenant: a",)),
        check=http(headers={"X-Tenant": "a"}),
        verdict=_FOLLOWED,
        source="monitoring-plugins/monitoring-plugins#828",
    ),
    Row(
        name="User-Agent is sent to another origin",
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
        source="curl's result",
    ),
    Row(
        name="A redirect leads to https with a certificate for another name",
        target=site(Page(answer=moved(b"https://127.0.0.1:$SECURE_PORT/")), certificate=GOOD),
        check=http("http://shop.test:$PORT/"),
        verdict=down("TLS", "certificate host name mismatch"),
        source="RFC 9110 §4.3.4",
    ),
    Row(
        name="The text is searched in the final response, not in the redirect",
        target=site(
            Page(path="/", answer=answer(302, b"moved to login", b"Location: /end")),
            Page(path="/end", answer=ok(b"welcome")),
        ),
        check=http(bodyContains="moved"),
        verdict=down("ASSERTION", "does not contain the expected text", status=200, redirects=1),
        source="nagios-plugins/nagios-plugins#408",
    ),
    Row(
        name="The body of a redirect is endless",
        target=site(
            Page(path="/", answer=b"HTTP/1.1 302 Found\r\nLocation: /end\r\n\r\npart", then="stall"),
            Page(path="/end", answer=ok()),
        ),
        verdict=_FOLLOWED,
        source="curl's result",
        why="Bodies of redirects are not read",
    ),
    Row(
        name="A redirect leads to a server error",
        target=site(Page(path="/", answer=moved(b"/end")), Page(path="/end", answer=answer(500))),
        verdict=down("STATUS", "500", status=500, redirects=1),
        source="curl's result",
    ),
    Row(
        name="A redirect to an invalid URL is not followed",
        target=says(moved(b"http://127.0.0.1:65536/")),
        check=http(followRedirects=False, expectedStatus=[302]),
        verdict=up(302, redirects=0),
        source="prometheus/blackbox_exporter#246",
    ),
)
