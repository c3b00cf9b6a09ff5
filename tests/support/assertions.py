"""Assertions and bodies: of all kinds, for property tests, and the most expensive ones."""

import orjson
from hypothesis import strategies as st

from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import (
    LARGEST_PROGRAMS,
    Assertion,
    BodyContains,
    BodyLacks,
    BodyMatches,
    CertificateLasts,
    HeaderIs,
    JsonPathIs,
    PhaseWithin,
    StatusIs,
    TotalTimeWithin,
)
from services.platform.errors import InvalidArgument

_texts = st.text(min_size=1, max_size=20)
_expressions = st.one_of(st.sampled_from(["o.", "(a+)+$", "^$", r"\w{3}", "(?i)OK", "[", "(", "*"]), _texts)
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_scalars = st.one_of(st.none(), st.booleans(), _texts, _numbers)
_paths = st.one_of(
    st.sampled_from(["$", "$.a", "$..a", "$[*]", "$.a[*].b", "$['a'][0]", "$[1:]", "$..*", "$[?@.a]", "$[", "a"]),
    _texts,
)
_spans = st.integers(1, 300_000_000)
_phases = st.sampled_from(["dns", "connect", "tls", "ttfb", "transfer"])
_codes = st.integers(200, 999)
_ranges = st.tuples(_codes, _codes).map(lambda ends: f"{ends[0]}-{ends[1]}")

json_paths = st.one_of(
    st.builds(JsonPathIs, _paths, st.sampled_from(["equals", "not_equals"]), _scalars),
    st.builds(JsonPathIs, _paths, st.sampled_from(["equals_text", "not_equals_text"]), _texts),
    st.builds(JsonPathIs, _paths, st.just("exists"), st.booleans()),
    st.builds(JsonPathIs, _paths, st.just("matches"), _expressions),
    st.builds(JsonPathIs, _paths, st.sampled_from(["less_than", "at_most", "greater_than", "at_least"]), _numbers),
)
headers = st.one_of(
    st.builds(HeaderIs, st.sampled_from(["x", "X", "server"]), st.sampled_from(["equals", "contains"]), _texts),
    st.builds(HeaderIs, st.sampled_from(["x", "server"]), st.just("matches"), _expressions),
    st.builds(HeaderIs, st.sampled_from(["x", "server"]), st.just("exists"), st.booleans()),
)
assertions: st.SearchStrategy[Assertion] = st.one_of(
    st.builds(StatusIs, st.lists(_codes, max_size=3).map(tuple), st.lists(_ranges, max_size=3).map(tuple)),
    st.builds(BodyContains, _texts),
    st.builds(BodyLacks, _texts),
    st.builds(BodyMatches, _expressions),
    json_paths,
    headers,
    st.builds(CertificateLasts, st.integers(0, 3650)),
    st.builds(TotalTimeWithin, _spans, st.booleans()),
    st.builds(PhaseWithin, _phases, _spans, st.booleans()),
)


def _may_be_saved(assertion: Assertion) -> bool:
    try:
        validate_assertions([assertion], "assertions")
    except InvalidArgument:
        return False
    return True


saved = assertions.filter(_may_be_saved)
documents = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), _texts, _numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)),
    max_leaves=20,
)
bodies = st.one_of(st.binary(max_size=100), documents.map(orjson.dumps))

# The largest that is read.
HOSTILE_BODIES = {
    "text": b"ab" * 2**19,
    "deep": b"[" * 1_000 + b"]" * 1_000,
    "wide": b"[" + b"0," * 2**18 + b"0]",
    "lists": b"[" + b"[]," * 2**17 + b"0]",
}


def dearest_assertions() -> list[Assertion]:
    """Return as many of the most expensive assertions as a check may have."""
    expressions = [BodyMatches("[ab]*a[ab]{30}c") for _ in range(LARGEST_PROGRAMS // 40)]
    paths = [JsonPathIs("$..*..*..x", "exists", True) for _ in range(20 - len(expressions))]
    return [*expressions, *paths]
