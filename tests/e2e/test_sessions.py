"""Sessions as clients meet them: refreshed, started anew."""

import httpx
import pytest

from tests.support.stack import Stack, Team, reason, registration, until


def test_a_spent_refresh_token_answers_again_for_a_moment_and_then_ends_the_session(stack: Stack, team: Team) -> None:
    with stack.rest() as client:

        def refresh(token: str) -> httpx.Response:
            return client.post("/auth/refresh", json={"refreshToken": token})

        first = team.tokens["refreshToken"]
        second = refresh(first).json()["tokens"]
        use = {"authorization": f"Bearer {second['accessToken']}"}
        assert client.get("/auth/me", headers=use).status_code == 200
        assert refresh(first).json()["tokens"]["refreshToken"] == second["refreshToken"]

        third = refresh(second["refreshToken"]).json()["tokens"]
        for token in (first, second["refreshToken"], third["refreshToken"]):
            answer = refresh(token)
            assert (answer.status_code, reason(answer)) == (401, "REFRESH_TOKEN_INVALID")
        until(lambda: client.get("/auth/me", headers=use).status_code == 401)


@pytest.mark.parametrize(
    "change", [{"tenantSlug": "no-such-team"}, {"email": "b@acme.test"}, {"password": "wrong horse"}]
)
def test_a_login_does_not_tell_what_was_wrong(team: Team, change: dict[str, str]) -> None:
    body = {**{name: value for name, value in registration(team.slug).items() if name != "tenantName"}, **change}
    answer = team.client.post("/auth/login", json=body)

    assert (answer.status_code, reason(answer)) == (401, "CREDENTIALS_INVALID")
    assert answer.json()["message"] == "Incorrect tenant, email or password."


def test_a_login_starts_a_session_of_its_own(team: Team) -> None:
    body = {**{name: value for name, value in registration(team.slug).items() if name != "tenantName"}}
    answer = team.client.post("/auth/login", json={**body, "email": "A@ACME.test"})
    team.client.post("/auth/logout", json={}).raise_for_status()

    use = {"authorization": f"Bearer {answer.json()['tokens']['accessToken']}"}
    assert team.client.get("/auth/me", headers=use).json()["user"]["email"] == "a@acme.test"
