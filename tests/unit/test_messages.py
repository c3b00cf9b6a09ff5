"""What users and operators read: reviewed when it changes, in one convention for each kind, in standard English."""

import re
from collections.abc import Callable, Iterable
from difflib import unified_diff
from functools import cache

import pytest

from tools.messages import (
    FILE,
    LOG,
    METRIC,
    OTHER,
    PLACES,
    PROBE,
    REASON,
    ROOT,
    START,
    STATUS,
    VIOLATION,
    messages,
    messages_in,
    text_of,
)

# One process finds the messages, once: it parses all of the source.
pytestmark = pytest.mark.xdist_group("messages")
found_messages = cache(messages)
# Words that leave open what is meant, and what to write instead.
UNCLEAR = {
    r"tell|tells|told": "report, send",
    r"whoever|whom|whose": "name the user, the operator or the resource",
    r"nobody|somebody": "name the user, the operator or the resource",
    r"meanwhile": "since it was read",
    r"goes on|go on|going on": "continue",
    r"behind": "after",
    r"beside|stand|stands": "be combined with",
    r"(is|are) away": "unavailable",
    r"none that|no such|of ours|as it is|in vain": "not found, not a",
    r"broke off|breaks off|break off": "closed, incomplete",
    r"answers|answered": "respond, return",
    r"anew": "again",
    r"says|say|said": "report, contain",
    r"looked at|look at": "inspect",
    r"set aside|left alone": "quarantined",
    r"have it raised|at the most": "at most",
    r"unforeseen": "unhandled",
}
# Names and acronyms that a phrase may begin with.
NAMES = frozenset({"Content-Length", "Envoy", "PostgreSQL"})


def begins_with_a_capital(text: str) -> bool:
    word = text.split(" ", 1)[0]
    return re.match(r"[A-Z][a-z]", word) is not None and word not in NAMES


def offenders(kinds: Iterable[str], offends: Callable[[str], object]) -> list[str]:
    """Return the messages of some kinds that break a rule."""
    texts = {kind: found_messages()[kind] for kind in kinds}
    assert all(texts.values())
    return [text for each in texts.values() for text in each if offends(text)]


def test_a_change_of_a_message_is_a_change_of_the_file_that_lists_them() -> None:
    now, listed = text_of(found_messages()), FILE.read_text()
    differs = list(unified_diff(listed.splitlines(), now.splitlines(), "listed", "in the source", n=0, lineterm=""))

    assert differs == [], "run `.venv/bin/python -m tools.messages` and review what it changes"
    assert now == listed


def test_status_messages_and_metrics_are_sentences() -> None:
    assert offenders([STATUS, METRIC], lambda text: not re.match(r"[A-Z0-9{]", text)) == []
    assert offenders([STATUS, METRIC], lambda text: not text.endswith((".", "}"))) == []


def test_other_messages_are_phrases_in_lower_case_without_a_full_stop() -> None:
    phrases = [VIOLATION, PROBE, REASON, LOG, START]

    assert offenders(phrases, begins_with_a_capital) == []
    assert offenders(phrases, lambda text: text.endswith(".")) == []


def test_a_violation_reads_well_after_the_name_of_its_field() -> None:
    pronouns = re.compile(r"(it|its|names|says|their|they|this|your)\b")

    assert offenders([VIOLATION], pronouns.match) == []


@pytest.mark.parametrize("words", UNCLEAR)
def test_messages_use_the_terms_of_the_field(words: str) -> None:
    pattern = re.compile(rf"\b(?:{words})\b", re.IGNORECASE)

    assert offenders(found_messages(), lambda text: pattern.search(re.sub(r"\{\w*\}", "", text))) == [], UNCLEAR[words]


def test_each_place_that_is_searched_for_messages_exists() -> None:
    assert [place for place in PLACES if not (ROOT / place).exists()] == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ('raise NotFound(reasons.A, "Gone.")', (STATUS, "Gone.")),
        ('raise InvalidArgument.field("a.b", f"must have {most} bytes")', (VIOLATION, "must have {most} bytes")),
        ('def f():\n    text = "at the end"\n    raise ProbeFailure(KIND, text)', (PROBE, "at the end")),
        ('_WHY = {1: "it failed"}\nraise ProbeFailure(KIND, _WHY.get(code) or "other")', (PROBE, "it failed")),
        ('_log.error("lease lost" if a else "lease kept", shard=1)', (LOG, "lease kept")),
        ('yield gauge("a_b", "Open files.", (), {})', (METRIC, "Open files.")),
        ('raise SettingError(f"{name} is " + "wrong")', (START, "{name} is wrong")),
    ],
)
def test_a_new_message_is_found_by_the_call_that_carries_it(source: str, found: tuple[str, str]) -> None:
    assert found in list(messages_in(source, "services/worker/new.py"))


def test_what_only_a_later_line_carries_is_found_where_all_texts_are_shown() -> None:
    source = '"""What it is."""\nWORDS = "the server is closed"\n'

    assert list(messages_in(source, "services/wire/new.py")) == [(OTHER, "the server is closed")]
    assert list(messages_in(source, "services/worker/new.py")) == []
