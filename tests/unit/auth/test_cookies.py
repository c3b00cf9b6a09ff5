"""The refresh cookie: read and set only for pages of our own origin, whatever else a browser sends."""

import pytest

from services.auth import cookies


def test_the_cookie_is_for_this_host_over_https_and_for_no_script() -> None:
    header = cookies.write("token", 1_000_000_000, 0)

    assert header == "__Host-sentinel-refresh=token; Path=/; HttpOnly; Secure; SameSite=Strict; Max-Age=1000"
    assert cookies.clear().endswith("Max-Age=0")


@pytest.mark.parametrize(
    ("cookie", "token"),
    [
        ("__Host-sentinel-refresh=abc", "abc"),
        ("a=b; __Host-sentinel-refresh=abc; c=d", "abc"),
        ("sentinel-refresh=abc", ""),
        ("", ""),
        ("=;;=", ""),
        ("a[]=b; \x01", ""),
    ],
)
def test_the_token_is_found_among_other_cookies(cookie: str, token: str) -> None:
    assert cookies.read({"cookie": cookie}) == token


@pytest.mark.parametrize(
    ("site", "counts"),
    [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False), ("nonsense", False)],
)
def test_a_page_of_another_origin_cannot_make_the_cookie_count(site: str, counts: bool) -> None:
    metadata = {"cookie": "__Host-sentinel-refresh=abc", "sec-fetch-site": site}

    assert cookies.read(metadata) == ("abc" if counts else "")
    assert cookies.is_cross_origin(metadata) is not counts
