"""No secret of a check is in anything that may be shown, and what is shown can be written back."""

import json
from dataclasses import replace
from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.options.v1 import error_reason_pb2 as reasons

from services.checks.specs.client_certificate import ClientCertificate
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import BasicAuth, HttpAuth
from services.checks.specs.secrets import HIDDEN, is_secret_name, masked
from services.platform.errors import InvalidArgument

# Nothing else in a spec has these characters, so that what is found is the secret.
secret_texts = st.text("αβγδεζ", min_size=6, max_size=30)
other_names = st.sampled_from(["Accept", "X-Shop", "X-Other"])
auths = st.builds(
    HttpAuth,
    basic_auth=st.none() | st.builds(BasicAuth, st.sampled_from(["", "bob"]), secret_texts),
    bearer_token=st.just("") | secret_texts,
    client_certificate=st.none() | st.builds(ClientCertificate, st.just("pem"), secret_texts),
    secret_headers=st.sampled_from([(), ("x-shop",)]),
)
specs = st.builds(
    lambda auth, headers, kept: HttpSpec(
        url="https://shop.test/a",
        headers=tuple(sorted((*kept, *((name, "plain" if not auth.hides(name) else "ζεδγβα") for name in headers)))),
        auth=auth,
    ),
    auths,
    st.sets(other_names).map(sorted),
    st.dictionaries(st.sampled_from(["Authorization", "X-Api-Key", "cookie"]), secret_texts).map(dict.items).map(tuple),
)


def texts_of(spec: HttpSpec) -> list[str]:
    return [*spec.secret_fields().values()]


@given(specs)
def test_nothing_that_is_shown_has_a_secret(spec: HttpSpec) -> None:
    shown = [
        repr(spec),
        repr(spec.auth),
        str(spec.hidden().to_message()),
        json.dumps(spec.hidden().to_json(), ensure_ascii=False),
        json.dumps(spec.audited(), ensure_ascii=False),
    ]

    assert not [text for text in shown if any(character in text for character in "αβγδεζ")]
    assert set(texts_of(spec)) <= set(spec.secrets())


@given(specs)
def test_what_is_shown_keeps_what_is_stored_when_it_is_written_back(spec: HttpSpec) -> None:
    written = HttpSpec.from_message(spec.hidden().to_message())

    assert written.merge_secrets(spec) == HttpSpec.from_message(spec.to_message())


@given(specs, st.sampled_from(["http://shop.test/a", "https://shop.test:8443/a", "https://evil.test/a", "https:///"]))
def test_no_secret_is_kept_for_another_origin(spec: HttpSpec, url: str) -> None:
    kept = replace(spec.hidden(), url=url).merge_secrets(spec)

    assert not set(texts_of(spec)) & set(texts_of(kept))


def test_another_path_of_the_origin_keeps_them() -> None:
    stored = HttpSpec(url="https://shop.test/a", auth=HttpAuth(bearer_token="abc"))

    assert replace(stored.hidden(), url="https://SHOP.test:443/b").merge_secrets(stored).auth.bearer_token == "abc"


@pytest.mark.parametrize(
    ("headers", "auth", "field"),
    [
        ((("Authorization", HIDDEN),), HttpAuth(), "check.http.headers['Authorization']"),
        ((("X-Shop", HIDDEN),), HttpAuth(secret_headers=("x-shop",)), "check.http.headers['X-Shop']"),
        ((("X-Shop", HIDDEN),), HttpAuth(), "check.http.headers['X-Shop']"),
        ((("Authorization", f"Bearer {HIDDEN}"),), HttpAuth(), "check.http.headers['Authorization']"),
        ((), HttpAuth(bearer_token=HIDDEN), "check.http.bearer_token"),
        ((), HttpAuth(basic_auth=BasicAuth("bob", HIDDEN)), "check.http.basic_auth.password"),
        (
            (),
            HttpAuth(client_certificate=ClientCertificate("pem", HIDDEN)),
            "check.http.client_certificate.private_key",
        ),
    ],
)
def test_what_is_not_stored_cannot_be_kept(headers: tuple[tuple[str, str], ...], auth: HttpAuth, field: str) -> None:
    spec = HttpSpec(url="https://shop.test/", headers=headers, auth=auth)
    with pytest.raises(InvalidArgument) as refused:
        spec.merge_secrets(HttpSpec(url="https://shop.test/")).validate("check.http")

    assert refused.value.reason == reasons.ERROR_REASON_SECRET_NOT_STORED
    assert [each.field for each in refused.value.violations] == [field]


def test_a_secret_header_does_not_become_readable_by_being_kept() -> None:
    stored = HttpSpec(url="https://t/", headers=(("X-Shop", "s3cret"),), auth=HttpAuth(secret_headers=("X-Shop",)))
    readable = replace(stored.hidden(), auth=HttpAuth()).merge_secrets(stored)

    with pytest.raises(InvalidArgument, match="X-Shop"):
        readable.validate("check.http")


@pytest.mark.parametrize(
    "name",
    [
        "Authorization", "PROXY-AUTHORIZATION", "Cookie", "X-Auth-User", "X-Amz-Security-Token", "x-api-key", "ApiKey",
        "X_API_KEY", "Client-Secret", "X-Password", "x-access-key", "Private-Token", "X-Hub-Signature-256",
    ],
)  # fmt: skip
def test_names_that_tell_of_secrets(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["Accept", "Host", "X-Request-Id", "Content-Type", "User-Agent", "Authority"])
def test_names_that_do_not(name: str) -> None:
    assert not is_secret_name(name)


short = st.text("abc", max_size=6)


@given(st.text("abcd", max_size=40), st.lists(short, max_size=5))
def test_every_character_of_a_secret_goes_and_everything_else_stays(text: str, secrets: list[str]) -> None:
    gone = [False] * len(text)
    for secret in (each for each in secrets if len(each) >= 4):
        for at in range(len(text)):
            if text.startswith(secret, at):
                gone[at : at + len(secret)] = [True] * len(secret)
    expected = "".join(
        "".join(character for character, _ in run) if not hidden else HIDDEN
        for hidden, run in groupby(zip(text, gone, strict=True), key=lambda pair: pair[1])
    )

    assert masked(text, secrets) == expected


def test_the_longest_goes_first_and_what_is_short_stays() -> None:
    assert masked("token s3cret-long and s3cret and abc", ["s3cret", "s3cret-long", "abc"]) == (
        f"token {HIDDEN} and {HIDDEN} and abc"
    )


@pytest.mark.parametrize(
    ("spec", "answered"),
    [
        (HttpSpec(url="http://t/", auth=HttpAuth(basic_auth=BasicAuth("bob", "geheim"))), "Basic Ym9iOmdlaGVpbQ=="),
        (HttpSpec(url="http://t/", headers=(("Authorization", "Bearer abcdef"),)), "you sent 'abcdef'"),
        (HttpSpec(url="http://t/", headers=(("Cookie", "a=xyzzy; b=plugh"),)), '{"b": "plugh"}'),
        (HttpSpec(url="http://t/", auth=HttpAuth(bearer_token='ab"cd')), r'{"token": "ab\"cd"}'),
        (HttpSpec(url="http://t/", auth=HttpAuth(basic_auth=BasicAuth("", "a b&c"))), "?password=a%20b%26c"),
    ],
)
def test_a_target_that_repeats_a_secret_in_another_form_is_masked(spec: HttpSpec, answered: str) -> None:
    assert HIDDEN in masked(answered, spec.secrets())
