"""RFC 6265: which cookies of a redirect are sent on, and to whom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.wire.cookies import LARGEST_COOKIE, LARGEST_HEADER, MOST_COOKIES, Cookies, RequestTarget

NOW_S = 1_800_000_000.0
SHOP = RequestTarget("shop.test", "/", secure=False)
SECURE = RequestTarget("shop.test", "/", secure=True)


def sent(page: RequestTarget, *lines: str | bytes, set_by: RequestTarget = SHOP, own: str = "") -> str:
    cookies = Cookies()
    for line in lines:
        cookies.store(set_by, [(b"Set-Cookie", line if isinstance(line, bytes) else line.encode())], NOW_S)
    return cookies.header(page, own)


@pytest.mark.parametrize(
    ("line", "host", "expected"),
    [
        ("a=1", "shop.test", True),
        ("a=1", "www.shop.test", False),
        ("a=1", "other.test", False),
        ("a=1; Domain=shop.test", "www.shop.test", True),
        ("a=1; domain=.SHOP.test", "www.shop.test", True),
        ("a=1; Domain=shop.test", "othershop.test", False),
        ("a=1; Domain=", "shop.test", True),
        ("a=1; Domain=other.test", "other.test", False),
        ("a=1; Domain=other.test", "shop.test", False),
        ("a=1; Domain=www.shop.test", "www.shop.test", False),
        ("a=1; Domain=test", "shop.test", False),
        ("a=1; Domain=test", "other.test", False),
    ],
)
def test_a_cookie_goes_to_its_host_or_to_its_domain(line: str, host: str, expected: bool) -> None:
    assert sent(RequestTarget(host, "/", secure=False), line) == ("a=1" if expected else "")


def test_an_address_is_a_domain_of_its_own() -> None:
    address = RequestTarget("127.0.0.1", "/", secure=False)

    assert sent(address, "a=1", set_by=address) == "a=1"
    assert sent(address, "a=1; Domain=127.0.0.1", set_by=address) == "a=1"
    assert sent(address, "a=1; Domain=0.0.1", set_by=address) == ""
    assert sent(address, "a=1; Domain=0.1", set_by=RequestTarget("0.1", "/", secure=False)) == ""


@pytest.mark.parametrize(
    ("set_at", "attribute", "asked", "expected"),
    [
        ("/", "", "/any/where", True),
        ("/a/b", "", "/a/c", True),
        ("/a/b", "", "/a", True),
        ("/a/b", "", "/b", False),
        ("/a/b", "", "/ab", False),
        ("/a/b", "; Path=/", "/b", True),
        ("/", "; Path=/a", "/a", True),
        ("/", "; Path=/a", "/a/b", True),
        ("/", "; Path=/a", "/ab", False),
        ("/", "; Path=/a/", "/a/b", True),
        ("/", "; Path=/a/", "/a", False),
        ("/a/b", "; Path=relative", "/a/c", True),
        ("/", "; path=/x; Path=/a", "/a", True),
    ],
)
def test_a_cookie_goes_to_its_path_and_below(set_at: str, attribute: str, asked: str, expected: bool) -> None:
    page = RequestTarget("shop.test", asked, secure=False)

    assert sent(page, f"a=1{attribute}", set_by=RequestTarget("shop.test", set_at, secure=False)) == (
        "a=1" if expected else ""
    )


@pytest.mark.parametrize(
    ("line", "set_by", "page", "expected"),
    [
        ("a=1; Secure", SECURE, SECURE, "a=1"),
        ("a=1; secure", SECURE, SHOP, ""),
        ("a=1; Secure", SHOP, SECURE, ""),
        ("a=1", SHOP, SECURE, "a=1"),
        ("a=1", SECURE, SHOP, "a=1"),
        ("__Secure-a=1; Secure", SECURE, SECURE, "__Secure-a=1"),
        ("__Secure-a=1", SECURE, SECURE, ""),
        ("__Host-a=1; Secure; Path=/", SECURE, SECURE, "__Host-a=1"),
        ("__Host-a=1; Secure; Path=/a", SECURE, RequestTarget("shop.test", "/a", secure=True), ""),
        ("__Host-a=1; Secure; Path=/; Domain=shop.test", SECURE, SECURE, ""),
    ],
)
def test_what_is_for_https_goes_over_https_only(
    line: str, set_by: RequestTarget, page: RequestTarget, expected: str
) -> None:
    assert sent(page, line, set_by=set_by) == expected


@pytest.mark.parametrize(
    "deletion",
    [
        "a=; Max-Age=0",
        "a=2; max-age=-1",
        "a=2; Max-Age=0; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        "a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "a=2; Expires=Thu, 01-Jan-1970 00:00:01 GMT",
        "a=2; Expires=Thu Jan  1 00:00:00 1970",
    ],
)
def test_a_cookie_that_is_over_is_deleted(deletion: str) -> None:
    assert sent(SHOP, "a=1", "b=1", deletion) == "b=1"


@pytest.mark.parametrize(
    "attributes",
    [
        "Max-Age=60",
        "Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
        "Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        "Expires=nonsense",
        "Expires=Thu, 99 Jan 99999999999999 00:00:00 GMT",
        "Max-Age=nonsense",
        "HttpOnly; SameSite=Strict; Unknown=x",
    ],
)
def test_a_cookie_that_is_not_over_is_sent(attributes: str) -> None:
    assert sent(SHOP, f"a=1; {attributes}") == "a=1"


def test_a_cookie_takes_the_place_of_one_of_the_same_name_domain_and_path() -> None:
    assert sent(SHOP, "a=1", "a=2") == "a=2"
    assert sent(RequestTarget("shop.test", "/x", secure=False), "a=1; Path=/", "a=2; Path=/x") == "a=2; a=1"


def test_the_checks_own_cookies_go_along_but_for_those_that_are_set() -> None:
    assert sent(SHOP, "a=1", own="x=y; a=0; z") == "x=y; z; a=1"
    assert sent(SHOP, own="x=y") == "x=y"


@pytest.mark.parametrize("line", ["", "a", "=1", ";", "; Path=/", b"a=1\x01", b"a\r=1", "a=" + "x" * LARGEST_COOKIE])
def test_what_is_no_cookie_is_not_sent(line: str | bytes) -> None:
    assert sent(SHOP, line, "b=1") == "b=1"


def test_a_value_is_sent_as_it_came() -> None:
    assert sent(SHOP, 'a="x=y, z" ; Path=/') == 'a="x=y, z"'
    assert sent(SHOP, b"a=caf\xc3\xa9") == "a=caf\xc3\xa9"
    assert sent(SHOP, "a=; Path=/") == "a="


@given(
    st.binary(max_size=80), st.sampled_from([b"a=1; Expires=", b"a=1; Max-Age=", b"a=1; Domain=", b"a=1; Path=", b""])
)
def test_any_line_makes_at_most_one_cookie(line: bytes, before: bytes) -> None:
    assert sent(SHOP, before + line).count("; ") == 0


def test_there_are_not_more_than_a_bounded_number_of_a_bounded_size() -> None:
    many = sent(SHOP, *(f"n{each}=1" for each in range(MOST_COOKIES * 2)))
    large = sent(SHOP, *(f"n{each}=" + "x" * 4_000 for each in range(MOST_COOKIES)))

    assert len(many.split("; ")) == MOST_COOKIES
    assert 4_000 < len(large) <= LARGEST_HEADER
