"""AIP-134, AIP-161: a mask takes what it names, and nothing else."""

import contextvars

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from sentinel.monitor.v1.check_pb2 import BasicAuth, Check, HttpCheck, TlsOptions

from services.platform import field_mask
from services.platform.errors import InvalidArgument
from services.platform.rest.named_fields import set_named_fields

CHANGEABLE = {"name", "http", "interval", "retries"}


def current() -> Check:
    return Check(
        id="1",
        name="home",
        http=HttpCheck(
            url="http://a/", headers={"a": "1", "b": "2"}, expected_status=[200, 201], follow_redirects=False
        ),
        interval=Duration(seconds=60),
        retries=2,
    )


def updated(wished: Check, *paths: str) -> Check:
    check = current()
    field_mask.update(check, wished, FieldMask(paths=paths), CHANGEABLE)
    return check


def updated_by_json(wished: Check, *named: str) -> Check:
    """Update as a PATCH without a mask does."""

    def update() -> Check:
        set_named_fields(named)
        return updated(wished)

    return contextvars.Context().run(update)


def test_without_a_mask_what_the_json_names_is_taken_empty_or_not() -> None:
    wished = Check(name="new", retries=0, http=HttpCheck(follow_redirects=True))
    check = updated_by_json(wished, "name", "retries", "http.headers", "http.expected_status", "http.follow_redirects")

    expected = current()
    expected.name, expected.retries, expected.http.follow_redirects = "new", 0, True
    expected.http.ClearField("headers")
    expected.http.ClearField("expected_status")
    assert check == expected


def test_what_the_json_does_not_name_stays_although_it_is_there() -> None:
    assert updated_by_json(Check(name="new", retries=1), "retries").name == "home"


def test_what_the_json_names_and_the_server_sets_is_left_alone() -> None:
    assert updated_by_json(Check(id="2", name="new"), "id", "name").id == "1"


def test_an_empty_object_in_json_makes_a_message_and_changes_none() -> None:
    made = updated_by_json(Check(http=HttpCheck(tls=TlsOptions())), "http.tls.")

    assert made.http.HasField("tls")
    assert updated_by_json(Check(http=HttpCheck()), "http.") == current()


def test_an_empty_value_in_a_message_that_is_not_there_makes_the_message() -> None:
    made = updated_by_json(Check(http=HttpCheck(basic_auth=BasicAuth(username=""))), "http.basic_auth.username")

    assert made.http.HasField("basic_auth")


def test_null_in_json_clears_a_whole_message() -> None:
    assert not updated_by_json(Check(), "http").HasField("http")


def test_a_mask_wins_over_json() -> None:
    def update() -> Check:
        set_named_fields(["name"])
        return updated(Check(name="new"), "retries")

    check = contextvars.Context().run(update)
    assert (check.name, check.retries) == ("home", 0)


def test_without_a_mask_what_is_there_is_taken_down_to_the_innermost() -> None:
    check = updated(Check(id="2", name="new", http=HttpCheck(url="http://b/", headers={"c": "3"}), failure_threshold=9))

    expected = current()
    expected.name, expected.http.url = "new", "http://b/"
    del expected.http.headers["a"], expected.http.headers["b"]
    expected.http.headers["c"] = "3"
    assert check == expected


def test_an_explicit_false_is_there() -> None:
    changed = current()
    changed.http.follow_redirects = True
    field_mask.update(changed, Check(http=HttpCheck(follow_redirects=False)), FieldMask(), CHANGEABLE)

    assert not changed.http.follow_redirects


def test_what_is_named_and_absent_becomes_absent() -> None:
    check = updated(Check(), "interval", "retries", "http.headers", "http.follow_redirects", "http.expected_status")

    assert not check.HasField("interval")
    assert not check.http.HasField("follow_redirects")
    assert (check.retries, dict(check.http.headers), list(check.http.expected_status)) == (0, {}, [])
    assert (check.name, check.http.url) == ("home", "http://a/")


def test_a_whole_message_replaces_the_one_that_is_there() -> None:
    assert updated(Check(http=HttpCheck(url="http://b/")), "http").http == HttpCheck(url="http://b/")
    assert updated(Check(http=HttpCheck()), "http").HasField("http")
    assert not updated(Check(), "http").HasField("http")


def test_a_star_replaces_all_that_can_be_changed_and_nothing_else() -> None:
    assert updated(Check(id="2", name="new", failure_threshold=9), "*") == Check(id="1", name="new")


def test_an_inner_path_takes_the_inner_field_only() -> None:
    check = updated(Check(name="new", http=HttpCheck(url="http://b/", method="PUT")), "http.url")

    expected = current()
    expected.http.url = "http://b/"
    assert check == expected


@pytest.mark.parametrize(
    "path",
    ["id", "nothing", "http.nothing", "http.url.x", "http.headers.a", "name.x", "", ".", "http.", ".http", "http..url"],
)
def test_a_path_that_names_nothing_changeable_is_refused(path: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        updated(Check(), "name", path)
    assert [violation.field for violation in refused.value.violations] == ["update_mask"]
