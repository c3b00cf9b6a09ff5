"""Cookies that redirects set are sent by the later requests of the same run."""

from tests.integration.real_world.identity import GOOD
from tests.integration.real_world.row import Row, down, http, up
from tests.integration.real_world.servers import Http, Page, answer, moved, ok, site

_FOLLOWED = up(200, redirects=1)
_LOST = down("STATUS", "404", status=404)
_SELF = "louislam/uptime-kuma#2292; prometheus/blackbox_exporter#186"
_LOGIN = "prometheus/blackbox_exporter#1332"
_START = "http://shop.test:$PORT/a/start"


def _kept(cookie: bytes, *, at: bytes = b"/a/end", sent: bytes = b"seen=1", then: str = "/a/end") -> Http:
    """Sets a cookie on the way to a page that needs it."""
    return site(
        Page(path="/a/start", answer=moved(at, 302, b"Set-Cookie: " + cookie)),
        Page(path=then, has=(b"ookie: ", sent), answer=ok()),
    )


def _left(cookie: bytes, *, at: bytes = b"/a/end", then: str = "/a/end") -> Http:
    """Sets a cookie on the way to a page that must not get it."""
    return site(
        Page(path="/a/start", answer=moved(at, 302, b"Set-Cookie: " + cookie)),
        Page(path=then, lacks=(b"ookie",), answer=ok()),
    )


def _sent(name: str, cookie: bytes, source: str, **where: object) -> Row:
    return Row(name=name, target=_kept(cookie, **where), check=http(_START), verdict=_FOLLOWED, source=source)  # type: ignore[arg-type] # as _kept has them


def _not_sent(name: str, cookie: bytes, source: str, **where: object) -> Row:
    return Row(name=name, target=_left(cookie, **where), check=http(_START), verdict=_FOLLOWED, source=source)  # type: ignore[arg-type] # as _left has them


ROWS = (
    Row(
        name="A page sets a cookie and redirects to itself until the cookie is sent",
        target=site(
            Page(has=(b"ookie: visited=1",), answer=ok()),
            Page(answer=moved(b"/", 302, b"Set-Cookie: visited=1; Path=/")),
        ),
        verdict=_FOLLOWED,
        source=_SELF,
    ),
    Row(
        name="A page sets two cookies and redirects to itself",
        target=site(
            Page(has=(b"a=1", b"b=2"), answer=ok()),
            Page(answer=moved(b"/", 302, b"Set-Cookie: a=1; path=/; HttpOnly", b"Set-Cookie: b=2; path=/")),
        ),
        verdict=_FOLLOWED,
        source="prometheus/blackbox_exporter#186",
    ),
    Row(
        name="Two cookies are sent in one header",
        target=site(
            Page(has=(b"ookie: a=1; b=2\r\n",), answer=ok()),
            Page(has=(b"ookie: b=2; a=1\r\n",), answer=ok()),
            Page(answer=moved(b"/", 302, b"Set-Cookie: a=1", b"Set-Cookie: b=2")),
        ),
        verdict=_FOLLOWED,
        source="RFC 6265 §5.4",
    ),
    Row(
        name="A login by POST sets a session cookie and redirects to a protected page",
        target=site(
            Page(
                path="/login",
                has=(b"POST ",),
                answer=moved(b"/home", 302, b"Set-Cookie: JSESSIONID=ab12; Path=/; HttpOnly"),
            ),
            Page(path="/home", has=(b"GET ", b"JSESSIONID=ab12"), answer=ok()),
        ),
        check=http("http://shop.test:$PORT/login", method="POST", body="user=a&password=b"),
        verdict=_FOLLOWED,
        source=_LOGIN,
    ),
    Row(
        name="The last value of a changed cookie is sent",
        target=site(
            Page(path="/", answer=moved(b"/b", 302, b"Set-Cookie: a=1; Path=/")),
            Page(path="/b", answer=moved(b"/c", 302, b"Set-Cookie: a=2; Path=/")),
            Page(path="/c", has=(b"a=2",), lacks=(b"a=1",), answer=ok()),
        ),
        verdict=up(200, redirects=2),
        source="RFC 6265 §5.3",
    ),
    Row(
        name="A cookie that a redirect expires is not sent",
        target=site(
            Page(path="/", answer=moved(b"/b", 302, b"Set-Cookie: a=1; Path=/")),
            Page(path="/b", answer=moved(b"/c", 302, b"Set-Cookie: a=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT")),
            Page(path="/c", lacks=(b"ookie",), answer=ok()),
        ),
        verdict=up(200, redirects=2),
        source="RFC 6265 §5.3",
    ),
    Row(
        name="Max-Age of zero deletes a cookie",
        target=site(
            Page(path="/", answer=moved(b"/b", 302, b"Set-Cookie: a=1; Path=/")),
            Page(path="/b", answer=moved(b"/c", 302, b"Set-Cookie: a=1; Path=/; Max-Age=0")),
            Page(path="/c", lacks=(b"ookie",), answer=ok()),
        ),
        verdict=up(200, redirects=2),
        source="RFC 6265 §5.2.2",
    ),
    Row(
        name="A cookie of the first hop is sent at the third",
        target=site(
            Page(path="/", answer=moved(b"/b", 302, b"Set-Cookie: a=1; Path=/")),
            Page(path="/b", answer=moved(b"/c")),
            Page(path="/c", has=(b"a=1",), answer=ok()),
        ),
        verdict=up(200, redirects=2),
        source="encode/httpx#821",
    ),
    Row(
        name="Cookies are appended to the check's Cookie header",
        target=site(
            Page(has=(b"mine=1", b"visited=1"), answer=ok()),
            Page(has=(b"mine=1",), answer=moved(b"/", 302, b"Set-Cookie: visited=1; Path=/")),
        ),
        check=http(headers={"Cookie": "mine=1"}),
        verdict=_FOLLOWED,
        source="curl's result",
    ),
    Row(
        name="The first request of a run has no cookies of earlier runs",
        target=site(Page(lacks=(b"ookie",), answer=answer(200, b"", b"Set-Cookie: a=1; Path=/; Max-Age=3600"))),
        verdict=up(200),
        source="curl manual, -b",
    ),
    # Paths
    _sent("Without a path a cookie is for the folder of the page", b"seen=1", "RFC 6265 §5.1.4"),
    _not_sent(
        "Without a path a cookie is not for another folder", b"seen=1", "RFC 6265 §5.1.4", at=b"/b/end", then="/b/end"
    ),
    _sent(
        "A cookie for the root path is sent to every path", b"seen=1; Path=/", "RFC 6265 §5.1.4", at=b"/b", then="/b"
    ),
    _sent("A cookie for a folder is sent below it", b"seen=1; Path=/b", "RFC 6265 §5.1.4", at=b"/b/c", then="/b/c"),
    _not_sent("A cookie for /b is not for /bc", b"seen=1; Path=/b", "RFC 6265 §5.1.4", at=b"/bc", then="/bc"),
    _sent("A path without a leading slash is ignored", b"seen=1; Path=x", "RFC 6265 §5.2.4"),
    _sent("An empty path is ignored", b"seen=1; Path=", "RFC 6265 §5.2.4"),
    # Domains
    _sent("Without a domain a cookie is for its host", b"seen=1; Path=/", "RFC 6265 §5.3"),
    _not_sent(
        "Without a domain a cookie is not for a subdomain",
        b"seen=1; Path=/",
        "RFC 6265 §5.3",
        at=b"http://www.shop.test:$PORT/a/end",
    ),
    _not_sent(
        "A cookie is not for another host", b"seen=1; Path=/", "RFC 6265 §5.1.3", at=b"http://other.test:$PORT/a/end"
    ),
    _sent(
        "A cookie for a domain is sent to its subdomains",
        b"seen=1; Path=/; Domain=shop.test",
        "RFC 6265 §5.1.3",
        at=b"http://www.shop.test:$PORT/a/end",
    ),
    _sent(
        "A dot before the domain is ignored",
        b"seen=1; Path=/; Domain=.shop.test",
        "RFC 6265 §5.2.3",
        at=b"http://www.shop.test:$PORT/a/end",
    ),
    _sent(
        "A domain in upper case is the same",
        b"seen=1; Path=/; DOMAIN=SHOP.TEST",
        "RFC 6265 §5.2.3",
        at=b"http://www.shop.test:$PORT/a/end",
    ),
    _not_sent("A cookie for another domain is refused", b"seen=1; Domain=other.test", "RFC 6265 §5.3"),
    _not_sent(
        "A cookie for another domain is not sent there either",
        b"seen=1; Path=/; Domain=other.test",
        "RFC 6265 §5.3",
        at=b"http://other.test:$PORT/a/end",
    ),
    _not_sent(
        "A cookie for a whole top-level domain is refused",
        b"seen=1; Path=/; Domain=test",
        "RFC 6265 §5.3",
        at=b"http://other.test:$PORT/a/end",
    ),
    _not_sent(
        "tshop.test is not a subdomain of shop.test",
        b"seen=1; Path=/; Domain=shop.test",
        "RFC 6265 §5.1.3",
        at=b"http://tshop.test:$PORT/a/end",
    ),
    Row(
        name="A cookie of an IP address is sent to that address",
        target=_kept(b"seen=1"),
        check=http("http://127.0.0.1:$PORT/a/start"),
        verdict=_FOLLOWED,
        source="RFC 6265 §5.1.3",
    ),
    Row(
        name="A subdomain sets a cookie for its parent domain",
        target=_kept(b"seen=1; Path=/; Domain=shop.test", at=b"http://shop.test:$PORT/a/end"),
        check=http("http://www.shop.test:$PORT/a/start"),
        verdict=_FOLLOWED,
        source="RFC 6265 §5.1.3",
    ),
    # Secure
    Row(
        name="A Secure cookie is sent over https",
        target=Http(pages=_kept(b"seen=1; Path=/; Secure").pages, certificate=GOOD),
        check=http("https://shop.test:$SECURE_PORT/a/start"),
        verdict=_FOLLOWED,
        source="RFC 6265 §5.4",
    ),
    Row(
        name="A Secure cookie is not sent over http",
        target=Http(pages=_left(b"seen=1; Path=/; Secure", at=b"http://shop.test:$PORT/a/end").pages, certificate=GOOD),
        check=http("https://shop.test:$SECURE_PORT/a/start"),
        verdict=_FOLLOWED,
        source="RFC 6265 §5.4",
    ),
    Row(
        name="A cookie that is not Secure goes from http to https",
        target=Http(pages=_kept(b"seen=1; Path=/", at=b"https://shop.test:$SECURE_PORT/a/end").pages, certificate=GOOD),
        check=http(_START),
        verdict=_FOLLOWED,
        source="RFC 6265 §8.5",
    ),
    # Unusual cookies
    _sent("A cookie's value is quoted", b'seen="1"', "RFC 6265 §5.2", sent=b'seen="1"'),
    _sent("A cookie's value has an equals sign", b"seen=1==", "RFC 6265 §5.2", sent=b"seen=1=="),
    _sent("A cookie's value has spaces inside", b"seen=a b", "RFC 6265 §5.2", sent=b"seen=a b"),
    _sent("White space around a cookie's name and value is removed", b"  seen =  1 ; Path=/", "RFC 6265 §5.2"),
    _sent("A cookie's value is empty", b"seen=; Path=/", "RFC 6265 §5.2", sent=b"seen="),
    _sent("A cookie has unknown attributes", b"seen=1; Priority=High; Odd", "RFC 6265 §5.2"),
    _sent("A cookie has SameSite and Partitioned", b"seen=1; SameSite=Strict; Partitioned", "RFC 6265 §5.2"),
    _sent("A cookie's Expires is not a date", b"seen=1; Expires=never", "RFC 6265 §5.2.1"),
    _sent(
        "A cookie's Expires is in the far future", b"seen=1; Expires=Fri, 31-Dec-2038 23:59:59 GMT", "RFC 6265 §5.1.1"
    ),
    _sent("A cookie's Max-Age is not a number", b"seen=1; Max-Age=soon", "RFC 6265 §5.2.2"),
    _sent("A cookie's value is in UTF-8", "seen=Zürich".encode(), "RFC 6265 §5.2", sent="seen=Zürich".encode()),
    _sent("A cookie's value has a comma", b"seen=1,2", "RFC 6265 §5.2", sent=b"seen=1,2"),
    _sent("A cookie's value is quoted and has a semicolon", b'seen="x;y"', "RFC 6265 §5.2", sent=b'seen="x'),
    _sent("A cookie's value is in Latin-1", b"seen=\xfc", "RFC 6265 §5.2", sent=b"seen=\xfc"),
    _sent("A cookie's value has 4,000 characters", b"seen=" + b"x" * 4000, "RFC 6265 §6.1", sent=b"seen=xxx"),
    _sent("A cookie has empty attributes", b"seen=1;;;Path=/;", "RFC 6265 §5.2"),
    _sent("A cookie's attributes are in upper case", b"seen=1; PATH=/; HTTPONLY", "RFC 6265 §5.2"),
    _sent(
        "A cookie's Expires is in RFC 850's form",
        b"seen=1; Expires=Wednesday, 09-Nov-38 23:12:40 GMT",
        "RFC 6265 §5.1.1",
    ),
    _sent(
        "A cookie's Expires is in the form of asctime", b"seen=1; Expires=Wed Nov  9 23:12:40 2038", "RFC 6265 §5.1.1"
    ),
    _not_sent("Max-Age is negative", b"seen=1; Max-Age=-1", "RFC 6265 §5.2.2"),
    _sent(
        "The cookie of the longer path comes first",
        b"seen=1; Path=/\r\nSet-Cookie: more=2; Path=/a",
        "RFC 6265 §5.4",
        sent=b"more=2; seen=1",
    ),
    _sent(
        "Cookies of one name and two paths are both sent",
        b"seen=1; Path=/\r\nSet-Cookie: seen=2; Path=/a",
        "RFC 6265 §5.3",
        sent=b"seen=2; seen=1",
    ),
    _not_sent("A cookie without an equals sign is ignored", b"seen", "RFC 6265 §5.2"),
    _not_sent("A cookie without a name is ignored", b"=1", "RFC 6265 §5.2"),
    _not_sent(
        "Max-Age takes precedence over Expires",
        b"seen=1; Max-Age=0; Expires=Fri, 31 Dec 2038 23:59:59 GMT",
        "RFC 6265 §5.3",
    ),
    Row(
        name="A page requires a cookie that is never set",
        target=site(Page(path="/", answer=moved(b"/end")), Page(path="/end", has=(b"ookie: ",), answer=ok())),
        verdict=_LOST,
        source="RFC 6265 §3",
    ),
)
