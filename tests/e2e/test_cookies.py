"""The refresh token in a browser, through Envoy (docs/security.md § Browsers: session cookie and CSRF protection)."""

from http.cookies import SimpleCookie

import httpx
import pytest

from tests.support.stack import PASSWORD, Stack, Team, reason, registration

NAME = "__Host-sentinel-refresh"
FOREIGN = {"sec-fetch-site": "cross-site", "origin": "https://evil.test"}


def cookie_of(answer: httpx.Response) -> str:
    """The token in the cookie that an answer sets, whose attributes are right; empty if it is cleared."""
    (header,) = answer.headers.get_list("set-cookie")
    morsel = SimpleCookie(header)[NAME]
    assert (morsel["path"], morsel["httponly"], morsel["secure"], morsel["samesite"]) == ("/", True, True, "Strict")
    assert morsel["domain"] == ""
    if morsel.value:
        assert 29 * 86_400 < int(morsel["max-age"]) <= 30 * 86_400
    else:
        assert morsel["max-age"] == "0"
    return morsel.value


def refresh(client: httpx.Client, token: str, **headers: str) -> httpx.Response:
    """As a page does: no body, only what the browser sends along."""
    return client.post("/auth/refresh", json={}, headers={"cookie": f"theme=dark; {NAME}={token}", **headers})


def test_a_browser_registers_refreshes_and_logs_out_by_cookie_alone(stack: Stack, team: Team) -> None:
    with stack.rest() as client:
        body = {name: value for name, value in registration(team.slug).items() if name != "tenantName"}
        first = cookie_of(client.post("/auth/login", json=body))
        answer = refresh(client, first)
        second = cookie_of(answer)
        tokens = answer.json()["tokens"]
        assert second not in {"", first}
        assert not tokens.get("refreshToken")  # a script that was injected cannot take the session away
        use = {"authorization": f"Bearer {tokens['accessToken']}"}
        assert cookie_of(client.post("/auth/logout", json={}, headers=use)) == ""
        refused = refresh(client, second)
    assert (refused.status_code, reason(refused)) == (401, "REFRESH_TOKEN_INVALID")


def test_registering_and_accepting_an_invitation_set_it(stack: Stack, team: Team) -> None:
    token = team.post("/users:invite", email="b@acme.test", role="ROLE_VIEWER")["token"]
    with stack.rest() as client:
        accepted = client.post("/auth/accept-invitation", json={"token": token, "password": PASSWORD})
        registered = client.post("/auth/register", json=registration(f"{team.slug}-2"))
    for answer in (accepted, registered):
        assert cookie_of(answer) == answer.json()["tokens"]["refreshToken"]


def test_a_page_of_another_origin_cannot_make_it_count_or_set_it(stack: Stack, team: Team) -> None:
    body = {name: value for name, value in registration(team.slug).items() if name != "tenantName"}
    with stack.rest() as client:
        refused = refresh(client, team.tokens["refreshToken"], **FOREIGN)
        logged_in = client.post("/auth/login", json=body, headers=FOREIGN)
        good = refresh(client, team.tokens["refreshToken"], **{"sec-fetch-site": "same-origin"})
    assert (refused.status_code, reason(refused)) == (401, "REFRESH_TOKEN_INVALID")
    assert "access-control-allow-credentials" not in refused.headers
    assert "set-cookie" not in logged_in.headers
    assert good.status_code == 200


@pytest.mark.parametrize("path", ["/auth/me", "/services", "/results:stream"])
def test_the_cookie_alone_opens_nothing_else(stack: Stack, team: Team, path: str) -> None:
    with stack.rest() as client:
        answer = client.get(path, headers={"cookie": f"{NAME}={team.tokens['refreshToken']}"})
    assert (answer.status_code, reason(answer)) == (401, "TOKEN_MISSING")
