"""An HTTP spec comes back as it went, from the database and over the contract."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sentinel.monitor.v1.check_pb2 import HttpCheck

from services.checks.specs.assertions import (
    SUCCESS,
    BodyContains,
    BodyLacks,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    StatusIs,
)
from services.checks.specs.http import HttpSpec
from services.checks.specs.http_auth import NO_AUTH
from services.checks.specs.tls_options import DEFAULT_TLS, TlsOptions
from services.platform.errors import InvalidArgument
from tests.support.assertions import assertions
from tests.unit.checks.specs.test_secrets import auths

texts = st.text(max_size=20)
specs = st.builds(
    HttpSpec,
    url=texts,
    method=st.sampled_from(["GET", "PUT"]),
    headers=st.dictionaries(texts, texts).map(lambda headers: tuple(sorted(headers.items()))),
    body=texts.map(str.encode),
    expected_statuses=st.lists(st.integers(200, 999)).map(tuple),
    follow_redirects=st.booleans(),
    max_redirects=st.integers(0, 10),
    body_contains=texts,
    tls=st.builds(TlsOptions, st.booleans(), texts, texts),
    asserted=st.lists(assertions, max_size=3).map(tuple),
    auth=auths,
)


@given(specs)
def test_a_spec_comes_back_as_it_went(spec: HttpSpec) -> None:
    assert HttpSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert HttpSpec.from_message(HttpCheck.FromString(spec.to_message().SerializeToString())) == spec


def test_fields_that_are_absent_have_their_defaults() -> None:
    spec = HttpSpec.from_json({"url": "http://t/"})

    assert spec == HttpSpec(url="http://t/")
    assert (spec.method, spec.most_redirects, spec.assertions) == ("GET", 5, (SUCCESS,))
    assert spec.tls is DEFAULT_TLS
    assert spec.auth is NO_AUTH


def test_fields_and_assertions_that_a_later_version_has_added_are_ignored() -> None:
    assertions = [{"later": "x"}, {"body_contains": "y"}]

    assert HttpSpec.from_json({"url": "http://t/", "later": {"a": 1}, "assertions": assertions}) == HttpSpec(
        url="http://t/", asserted=(BodyContains("y"),)
    )


def test_the_name_of_an_origin_stays_behind_and_the_rest_goes_along() -> None:
    assert TlsOptions(skip_verify=True, server_name="a.test").without_server_name() == TlsOptions(skip_verify=True)
    assert DEFAULT_TLS.without_server_name() is DEFAULT_TLS


def test_an_assertion_about_the_status_replaces_the_default_and_nothing_else_does() -> None:
    wanted, other = StatusIs((404,)), BodyLacks("x")
    assert HttpSpec(url="http://t/", asserted=(wanted,)).assertions == (wanted,)
    assert HttpSpec(url="http://t/", asserted=(other,)).assertions == (SUCCESS, other)
    shorthands = HttpSpec(url="http://t/", expected_statuses=(200,), body_contains="y", asserted=(other,))
    assert shorthands.assertions == (StatusIs((200,)), BodyContains("y"), other)
    assert shorthands.implied_assertions == 2


def test_only_what_looks_at_the_body_has_it_read() -> None:
    assert not HttpSpec(url="http://t/", asserted=(HeaderIs("x", "exists", True), CertificateLasts(3))).reads_body
    assert HttpSpec(url="http://t/", asserted=(BodyMatches("x"),)).reads_body
    assert HttpSpec(url="http://t/").with_body_kept().reads_body
    assert HttpSpec(url="http://t/").with_body_kept() == HttpSpec(url="http://t/")


@pytest.mark.parametrize(
    ("given_fields", "followed"),
    [
        ({}, 5),
        ({"max_redirects": 10}, 10),
        ({"max_redirects": 0}, 0),
        ({"follow_redirects": True, "max_redirects": 0}, 0),
        ({"follow_redirects": False}, 0),
        ({"follow_redirects": False, "max_redirects": 3}, 0),
    ],
)
def test_redirects_are_followed_unless_either_field_says_no(given_fields: dict[str, Any], followed: int) -> None:
    spec = HttpSpec.from_message(HttpCheck(url="http://t/", **given_fields))

    assert spec.most_redirects == followed
    said = spec.to_message()
    assert {name: getattr(said, name) for name in given_fields} == given_fields


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"body_contains": "x"}, "check.http.body_contains"),
        ({"asserted": (HeaderIs("x", "exists", True), BodyLacks("x"))}, "check.http.assertions[1].body_not_contains"),
        ({"asserted": (JsonPathIs("$.a", "exists", True),)}, "check.http.assertions[0].json_path"),
    ],
)
def test_the_body_of_an_answer_to_head_cannot_be_asserted(fields: dict[str, Any], at: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        HttpSpec(url="http://t.test/", method="HEAD", **fields).validate("check.http")

    assert [each.field for each in refused.value.violations] == [at]
    HttpSpec(url="http://t.test/", **fields).validate("check.http")
    HttpSpec(url="http://t.test/", method="HEAD", asserted=(HeaderIs("x", "exists", True),)).validate("check.http")
