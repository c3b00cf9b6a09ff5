"""Bearer tokens as an attacker would make them; each service refuses each (architecture.md § Trust)."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from tests.support.stack import Stack, Team, bearer, reason

PATHS = ("/auth/me", "/services", "/results:stream")


class Forger:
    """Who has seen a good token, and in the worst case has the key itself."""

    def __init__(self, token: str, keys: Path) -> None:
        self.token = token
        self.header = jwt.get_unverified_header(token)
        self.claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
        self.foreign = Ed25519PrivateKey.generate()
        key = load_pem_private_key((keys / "signing.pem").read_bytes(), password=None)
        assert isinstance(key, Ed25519PrivateKey)
        self.real = key

    def signed(self, *, kid: object = None, **claims: Any) -> str:
        """By the real key, with other claims; None removes one."""
        kept = {name: value for name, value in {**self.claims, **claims}.items() if value is not None}
        return jwt.encode(kept, self.real, algorithm="EdDSA", headers={"kid": kid or self.header["kid"]})

    def forged(self, **header: Any) -> str:
        """By a key of the forger's own."""
        return jwt.encode(self.claims, self.foreign, algorithm="EdDSA", headers={**self.header, **header})

    def unsigned(self, alg: str) -> str:
        """With a header that says that there is nothing to verify."""
        return f"{_part({**self.header, 'alg': alg})}.{_part(self.claims)}."

    def confused(self, secret: bytes) -> str:
        """By HMAC, with what everybody may know as the secret; PyJWT itself refuses to make such a thing."""
        head = f"{_part({**self.header, 'alg': 'HS256'})}.{_part(self.claims)}"
        return f"{head}.{base64.urlsafe_b64encode(hmac.digest(secret, head.encode(), 'sha256')).rstrip(b'=').decode()}"

    def public(self, encoding: Encoding, form: PublicFormat) -> bytes:
        """The published key."""
        return self.real.public_key().public_bytes(encoding, form)


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def _now(seconds: int) -> int:
    return int(time.time()) + seconds


INVALID: dict[str, Callable[[Forger], str]] = {
    "garbage": lambda _: "garbage",
    "two dots": lambda _: "..",
    "oversized": lambda _: "a" * 5000,
    "truncated": lambda forger: forger.token[:-5],
    "without its signature": lambda forger: forger.token.rpartition(".")[0] + ".",
    "other claims": lambda forger: forger.token.replace(".", ".A", 1),
    "alg none": lambda forger: forger.unsigned("none"),
    "alg None": lambda forger: forger.unsigned("None"),
    "alg empty": lambda forger: forger.unsigned(""),
    "HMAC with the public key": lambda forger: forger.confused(forger.public(Encoding.Raw, PublicFormat.Raw)),
    "HMAC with the public key as PEM": lambda forger: forger.confused(
        forger.public(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    ),
    "HMAC with nothing": lambda forger: forger.confused(b""),
    "a foreign key": lambda forger: forger.forged(),
    "a foreign key that it brings along": lambda forger: forger.forged(
        jwk={"kty": "OKP", "crv": "Ed25519", "x": "AAAA"}, jku="http://localhost:1/jwks.json"
    ),
    "an unknown kid": lambda forger: forger.forged(kid="x"),
    "a kid that is a path": lambda forger: forger.forged(kid="../../../../dev/null"),
    "a kid that is SQL": lambda forger: forger.forged(kid="x' UNION SELECT 'a' --"),
    "a kid that is an address": lambda forger: forger.forged(kid="http://localhost:1/key"),
    "a kid with a null": lambda forger: forger.forged(kid="a\0b"),
    "a real signature under an unknown kid": lambda forger: forger.signed(kid="x"),
    "another audience": lambda forger: forger.signed(aud="somebody-else"),
    "no audience": lambda forger: forger.signed(aud=None),
    "another issuer": lambda forger: forger.signed(iss="somebody-else"),
    "no issuer": lambda forger: forger.signed(iss=None),
    "not valid yet": lambda forger: forger.signed(nbf=_now(60)),
    "issued tomorrow": lambda forger: forger.signed(iat=_now(86_400)),
    "no end": lambda forger: forger.signed(exp=None),
    "no session": lambda forger: forger.signed(sid=None),
    "a tenant that is none": lambda forger: forger.signed(tid="x' OR 1=1"),
    "a role that is none": lambda forger: forger.signed(role="root"),
    "an API key that was never issued": lambda _: "sst_" + "0" * 80,
}


@pytest.fixture(scope="module")
def forger(stack: Stack, lasting_team: Team) -> Forger:
    """Who attacks the team."""
    return Forger(lasting_team.tokens["accessToken"], stack.data_dir / "keys")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("attack", INVALID)
def test_a_token_that_is_not_ours_is_refused_by_every_service(
    stack: Stack, forger: Forger, attack: str, path: str
) -> None:
    with stack.rest() as client:
        answer = client.get(path, headers=bearer(INVALID[attack](forger)))
        assert (answer.status_code, reason(answer)) == (401, "TOKEN_INVALID")
        assert client.get("/services", headers=bearer(forger.token)).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_an_expired_token_says_so(stack: Stack, forger: Forger, path: str) -> None:
    with stack.rest() as client:
        answer = client.get(path, headers=bearer(forger.signed(exp=_now(-10))))
    assert (answer.status_code, reason(answer)) == (401, "TOKEN_EXPIRED")


def test_the_clocks_of_two_machines_may_differ_by_a_few_seconds(stack: Stack, forger: Forger) -> None:
    with stack.rest() as client:
        for token in (forger.signed(exp=_now(-2)), forger.signed(nbf=_now(3), iat=_now(3))):
            assert client.get("/services", headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("header", ["", "Basic {}", "Bearer", "Token {}", "{}"])
def test_what_is_no_bearer_is_refused(stack: Stack, forger: Forger, header: str) -> None:
    with stack.rest() as client:
        answer = client.get("/services", headers={"authorization": header.format(forger.token)} if header else {})
    assert (answer.status_code, reason(answer)) == (401, "TOKEN_INVALID" if header else "TOKEN_MISSING")


def test_an_api_key_with_another_character_is_refused(stack: Stack, team: Team) -> None:
    key = team.api_key("viewer")["key"]
    with stack.rest() as client:
        assert client.get("/services", headers=bearer(key)).status_code == 200
        for wrong in (key[:-1] + ("0" if key[-1] != "0" else "1"), key.upper(), key + "0", key[:-1]):
            answer = client.get("/services", headers=bearer(wrong))
            assert (answer.status_code, reason(answer)) == (401, "TOKEN_INVALID")


def test_a_token_of_another_team_shows_that_team_alone(stack: Stack, team: Team, other_team: Team) -> None:
    service = team.service("Shop")
    for token in (other_team.api_key("admin")["key"], other_team.tokens["accessToken"]):
        with stack.rest() as client:
            client.headers.update(bearer(token))
            assert client.get("/services").json()["services"] == []
            assert reason(client.get(f"/services/{service}")) == "SERVICE_NOT_FOUND"


def test_identity_comes_from_the_token_alone(team: Team, other_team: Team) -> None:
    team.service("Shop")
    tenant = team.registered["tenant"]["id"]
    claimed = dict.fromkeys(("x-tenant-id", "tid", "app-tenant-id", "app.tenant_id", "x-user-id"), tenant)
    answer = other_team.client.get("/services", headers={**claimed, "x-role": "admin", "x-request-id": str(uuid4())})

    assert answer.json()["services"] == []
