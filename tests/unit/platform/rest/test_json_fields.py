"""What a JSON body says that its message does not have is named by its path, in every message of the contract."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import pytest
from buf.validate import validate_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from sentinel.monitor.v1 import check_pb2, monitor_service_pb2

from services.platform.rest.contract import contract_routes
from services.platform.rest.json_fields import Inspected, inspect
from services.platform.rest.json_text import DEEPEST, Pairs, parse
from services.platform.rest.routes import WHOLE, Route

CHECK = cast("Descriptor", check_pb2.Check.DESCRIPTOR)
_TEXTS = {"google.protobuf.Duration": "1s", "google.protobuf.Timestamp": "2026-01-01T00:00:00Z"}
BODIES = {route.rpc: route for route in contract_routes().all if route.body}


@dataclass(frozen=True, slots=True)
class Place:
    """A message somewhere in a body.

    Attributes:
        route: the body's.
        fields: the fields from the body down to the message.
    """

    route: Route
    fields: tuple[FieldDescriptor, ...]

    @property
    def kind(self) -> Descriptor:
        kind = self.fields[-1].message_type if self.fields else self.route.message
        assert kind is not None
        return kind

    @property
    def at(self) -> str:
        """Return its path as violations spell it."""
        names = [] if self.route.body == WHOLE else [self.route.body]
        return ".".join([*names, *(f"{each.json_name}{'[0]' if each.is_repeated else ''}" for each in self.fields)])

    def __str__(self) -> str:
        return f"{self.route.rpc.rpartition('/')[2]} {self.at}"

    def body(self, pairs: Pairs) -> Pairs:
        """Return a body that has these members in the message, and nothing else."""
        for each in reversed(self.fields):
            pairs = Pairs([(each.json_name, [pairs] if each.is_repeated else pairs)])
        return pairs


def places(route: Route) -> Iterator[Place]:
    """Return every message that a body can have, at every depth; one inside itself once."""
    waiting: list[tuple[FieldDescriptor, ...]] = [()]
    while waiting:
        place = Place(route, waiting.pop())
        yield place
        seen = {Place(route, place.fields[:depth]).kind.full_name for depth in range(len(place.fields) + 1)}
        for field in place.kind.fields:
            inner = field.message_type
            if inner is None or inner.file.package == "google.protobuf" or inner.GetOptions().map_entry:
                continue
            if inner.full_name not in seen:
                waiting.append((*place.fields, field))


PLACES = [place for route in BODIES.values() for place in places(route)]


def value_of(field: FieldDescriptor) -> Any:
    """A value that a field can have; an empty object where it is a message."""
    inner = field.message_type
    value: Any = 1
    if inner is not None:
        value = _TEXTS.get(inner.full_name, "a" if inner.full_name == "google.protobuf.Value" else Pairs())
    elif field.type == FieldDescriptor.TYPE_BOOL:
        value = False
    elif field.type == FieldDescriptor.TYPE_STRING:
        value = ""
    elif field.enum_type is not None:
        value = field.enum_type.values[-1].name
    return [value] if field.is_repeated and not (inner and inner.GetOptions().map_entry) else value


def test_the_table_has_every_message_of_the_contract_that_has_a_body() -> None:
    assert len(BODIES) > 20
    kinds = {place.kind.name for place in PLACES}
    assert kinds >= {"Service", "User", "MaintenanceWindow", "Check", "HttpCheck", "Assertion", "JsonPathAssertion"}
    assert max(len(place.fields) for place in PLACES) >= 4


def inspected(place: Place, pairs: Pairs) -> Inspected:
    return inspect(place.body(pairs), place.route.message, "" if place.route.body == WHOLE else place.route.body)


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_everywhere_an_unknown_field_is_refused_by_its_path(place: Place) -> None:
    (violation,) = inspected(place, Pairs([("noSuchField", 1)])).violations

    assert violation.field == f"{place.at}.noSuchField".removeprefix(".")
    assert f"is not a field of {place.kind.name}" in violation.description


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_everywhere_a_misspelt_field_is_refused_with_the_one_that_was_meant(place: Place) -> None:
    for field in place.kind.fields:
        misspelt = f"{field.json_name}x"
        (violation,) = inspected(place, Pairs([(misspelt, value_of(field))])).violations

        assert violation.field == f"{place.at}.{misspelt}".removeprefix(".")
        assert violation.description.endswith(f"did you mean {field.json_name}?")


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_everywhere_a_field_given_twice_is_refused_in_any_spelling(place: Place) -> None:
    for field in place.kind.fields:
        for first, second in (
            (field.json_name, field.json_name),
            (field.name, field.name),
            (field.json_name, field.name),
        ):
            if first == second or field.json_name != field.name:
                violations = inspected(place, Pairs([(first, value_of(field)), (second, value_of(field))])).violations

                assert [each.field for each in violations] == [f"{place.at}.{second}".removeprefix(".")]


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_everywhere_what_the_contract_has_is_taken_in_both_spellings_and_named(place: Place) -> None:
    outer = [each.name for each in place.fields]
    first_list = next((number for number, each in enumerate(place.fields) if each.is_repeated), None)
    for field in place.kind.fields:
        for spelling in {field.name, field.json_name}:
            seen = inspected(place, Pairs([(spelling, value_of(field))]))
            is_object = value_of(field) == Pairs() and not field.is_repeated
            inner = ".".join([*outer, field.name]) + ("." if is_object else "")
            assert seen.violations == []
            assert seen.named == [inner if first_list is None else ".".join(outer[: first_list + 1])]


def check(text: str) -> Inspected:
    return inspect(parse(text.encode()), CHECK, "check")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{}", []),
        ('{"name": "a", "retries": 0}', ["name", "retries"]),
        ('{"http": {"tls": {"skipVerify": false}}}', ["http.tls.skip_verify"]),
        (
            '{"http": {"bodyContains": "", "assertions": [], "headers": {}}}',
            ["http.body_contains", "http.assertions", "http.headers"],
        ),
        ('{"http": {"assertions": [{"jsonPath": {"path": "$.a", "equals": null}}]}}', ["http.assertions"]),
        ('{"http": {"headers": {"a": "b"}, "expectedStatus": 200}}', ["http.headers", "http.expected_status"]),
        ('{"http": null, "interval": null, "timeout": "5s"}', ["http", "interval", "timeout"]),
        ('{"http": {"tls": {}}}', ["http.tls."]),
        ('{"tcp": {}}', ["tcp."]),
        ('{"http": null, "tcp": {"port": 1}}', ["http", "tcp.port"]),
    ],
)
def test_the_fields_that_a_body_names(text: str, named: list[str]) -> None:
    assert (check(text).named, check(text).violations) == (named, [])


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ('{"http": {"bodyContain": "a"}}', "check.http.bodyContain", "did you mean bodyContains?"),
        ('{"timeOut": "3s"}', "check.timeOut", "did you mean timeout?"),
        ('{"intervall": "3s"}', "check.intervall", "did you mean interval?"),
        ('{"http": {}, "assertions": []}', "check.assertions", "did you mean check.http.assertions?"),
        ('{"http": {"interval": "5s"}}', "check.http.interval", "did you mean check.interval?"),
        ('{"updateMask": "name"}', "check.updateMask", "as a query parameter: ?updateMask="),
        ('{"update_mask": "name"}', "check.update_mask", "as a query parameter: ?updateMask="),
        ('{"http": {"assertions": [{}, {"statuz": {}}]}}', "check.http.assertions[1].statuz", "did you mean status?"),
        ('{"http": 5}', "check.http", "must be a JSON object"),
        ('{"http": []}', "check.http", "must be a JSON object"),
        ('{"http": {"headers": []}}', "check.http.headers", "must be a JSON object"),
        ('{"http": {"headers": {"a": null}}}', "check.http.headers['a']", "must not be null"),
        ('{"http": {"headers": {"a": "1", "a": "2"}}}', "check.http.headers['a']", "more than once"),
        ('{"http": {"headers": {"a": {}}}}', "check.http.headers['a']", "must be a single value"),
        ('{"http": {"assertions": {}}}', "check.http.assertions", "must be a list"),
        ('{"http": {"assertions": [null]}}', "check.http.assertions[0]", "must not be null"),
        ('{"http": {"expectedStatus": [200, null]}}', "check.http.expectedStatus[1]", "must not be null"),
        ('{"http": {"expectedStatus": {"a": 1}}}', "check.http.expectedStatus", "must be a list"),
        ('{"http": {"followRedirects": "no"}}', "check.http.followRedirects", "must be true or false"),
        ('{"http": {"followRedirects": 0}}', "check.http.followRedirects", "must be true or false"),
        ('{"name": {}}', "check.name", "must be a single value"),
        ('{"interval": {"seconds": 5}}', "check.interval", 'must be a string such as "1.5s"'),
        ('{"interval": 5}', "check.interval", 'must be a string such as "1.5s"'),
        ('{"createTime": 5}', "check.createTime", "must be a string such as"),
        ('{"tls": {"startTls": "START_TLS_SMPT"}}', "check.tls.startTls", "did you mean START_TLS_SMTP?"),
        ('{"tls": {"startTls": "x"}}', "check.tls.startTls", "supported values: START_TLS_SMTP, START_TLS_IMAP"),
        ('{"http": {}, "tcp": {}}', "check.tcp", "cannot be combined with check.http"),
        (
            '{"http": {"assertions": [{"jsonPath": {"equals": {"a": [{"b": 1, "b": 2}]}}}]}}',
            "check.http.assertions[0].jsonPath.equals.a[0].b",
            "more than once",
        ),
        (
            '{"http": {"assertions": [{"jsonPath": {"equals": null, "exists": true}}]}}',
            "check.http.assertions[0].jsonPath.exists",
            "cannot be combined with check.http.assertions[0].jsonPath.equals",
        ),
        ('{"a b": 1}', 'check["a b"]', "is not a field of Check"),
        ('{"": 1}', 'check[""]', "is not a field of Check"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(text: str, field: str, words: str) -> None:
    (violation,) = check(text).violations

    assert violation.field == field
    assert words in violation.description


@pytest.mark.parametrize("text", ["null", "[]", '"a"', "5", "true"])
def test_a_body_that_is_no_object_is_refused(text: str) -> None:
    assert [each.description for each in check(text).violations] == ["must be a JSON object"]


def test_several_faults_are_named_at_once_and_only_so_many() -> None:
    two = check('{"nam": 1, "http": {"ur": 2}}').violations
    many = check("{" + ",".join(f'"x{number}": 1' for number in range(1_000)) + "}").violations

    assert [each.field for each in two] == ["check.nam", "check.http.ur"]
    assert len(many) == 20


def test_a_name_of_half_a_megabyte_is_cut() -> None:
    (violation,) = check('{"' + "bodyContains" * 50_000 + '": 1}').violations

    assert len(violation.field) < 100
    assert violation.field.endswith('…"]')


@pytest.mark.parametrize("deep", [DEEPEST + 1, DEEPEST * 4])
def test_a_free_value_that_is_nested_too_deep_is_refused(deep: int) -> None:
    text = '{"http": {"assertions": [{"jsonPath": {"equals": ' + "[" * deep + "]" * deep + "}}]}}"
    (violation,) = check(text).violations

    assert f"too deeply: limit {DEEPEST}" in violation.description


def test_what_a_body_can_name_fits_a_header() -> None:
    for route in BODIES.values():
        if route.takes_mask:
            longest = sum(len(path) + 1 for path in _leaves(route.message, ""))
            assert 0 < longest < 8 * 1024


def _leaves(kind: Descriptor, at: str) -> Iterator[str]:
    for field in kind.fields:
        yield f"{at}{field.name}."
        inner = field.message_type
        if inner is not None and inner.file.package != "google.protobuf" and not field.is_repeated:
            yield from _leaves(inner, f"{at}{field.name}.")


def test_no_request_of_the_contract_has_a_field_of_type_any() -> None:
    kinds = {field.message_type for place in PLACES for field in place.kind.fields if field.message_type}

    assert kinds
    assert "google.protobuf.Any" not in {kind.full_name for kind in kinds}
    assert monitor_service_pb2.UpdateCheckRequest.DESCRIPTOR in {route.request for route in BODIES.values()}


def test_a_number_of_an_enum_is_held_to_the_contracts_rules_wherever_a_client_can_set_one() -> None:
    rules: Any = validate_pb2.field  # typed as a FieldDescriptor
    enums: dict[str, bool] = {
        field.full_name: field.GetOptions().Extensions[rules].enum.defined_only
        for place in PLACES
        for field in place.kind.fields
        if field.enum_type is not None and field.name != "state"  # which the server sets
    }

    assert enums
    assert all(enums.values()), enums
