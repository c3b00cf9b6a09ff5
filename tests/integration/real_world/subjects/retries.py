"""Retries: failures that a further attempt recovers from, and failures that are not retried."""

from tests.integration.real_world.row import Row, down, error, http, up
from tests.integration.real_world.servers import NOBODY, Http, NameServer, Page, answer, moved, ok, says, site

_RETRIED = "curl manual, --retry; louislam/uptime-kuma#1162"


def _recovers(after: int, first: Page) -> Http:
    """A server that is well after so many requests."""
    return site(Page(after=after, answer=ok()), first)


ROWS = (
    *(
        Row(
            name=f"The first response is {status}, and one retry is allowed",
            target=_recovers(1, Page(answer=answer(status))),
            check={**http(), "retries": 1},
            verdict=up(200, attempt=2),
            source=_RETRIED,
        )
        for status in (404, 429, 500, 502, 503, 504)
    ),
    Row(
        name="The server returns 503 three times, and three retries are allowed",
        target=_recovers(3, Page(answer=answer(503))),
        check={**http(), "retries": 3, "retryDelay": "0.05s"},
        verdict=up(200, attempt=4),
        source="upptime/upptime#1083",
    ),
    Row(
        name="The server returns 503 four times, and three retries are allowed",
        target=_recovers(4, Page(answer=answer(503))),
        check={**http(), "retries": 3, "retryDelay": "0.05s"},
        verdict=down("STATUS", "503", status=503, attempt=4),
        source=_RETRIED,
    ),
    Row(
        name="The first response is 503, and no retry is allowed",
        target=_recovers(1, Page(answer=answer(503))),
        verdict=down("STATUS", "503", status=503, attempt=1),
        source=_RETRIED,
    ),
    Row(
        name="The first connection is reset",
        target=_recovers(1, Page(answer=b"", then="reset")),
        check={**http(), "retries": 1},
        verdict=up(200, attempt=2),
        source=_RETRIED,
    ),
    Row(
        name="The first connection is closed without a response",
        target=_recovers(1, Page(answer=b"")),
        check={**http(), "retries": 1},
        verdict=up(200, attempt=2),
        source=_RETRIED,
    ),
    Row(
        name="The first body does not contain the text",
        target=_recovers(1, Page(answer=answer(200, b"starting"))),
        check={**http(bodyContains="ok"), "retries": 1},
        verdict=up(200, attempt=2),
        source=_RETRIED,
    ),
    Row(
        name="The first response redirects to itself endlessly",
        target=site(Page(after=6, answer=ok()), Page(answer=moved(b"/"))),
        check={**http(), "retries": 1},
        verdict=up(200, attempt=2),
        source=_RETRIED,
    ),
    Row(
        name="The first response is accepted, and retries are allowed",
        target=says(ok()),
        check={**http(), "retries": 3},
        verdict=up(200, attempt=1),
        source=_RETRIED,
    ),
    Row(
        name="The timeout ends before a second attempt could begin",
        target=_recovers(1, Page(answer=answer(503))),
        check={**http(), "retries": 1, "retryDelay": "10s", "timeout": "2s"},
        verdict=down("STATUS", "503", status=503, attempt=1),
        source="curl manual, --retry-max-time",
        why="The result has one attempt",
    ),
    Row(
        name="The port stays closed",
        target=NOBODY,
        check={**http("http://127.0.0.1:$CLOSED_PORT/"), "retries": 1},
        verdict=down("CONNECT_REFUSED", "refused", attempt=2),
        source=_RETRIED,
    ),
    Row(
        name="The egress policy blocks the address",
        target=NOBODY,
        check={**http("http://10.0.0.1/"), "retries": 3},
        verdict=error("BLOCKED_TARGET", "blocked by the egress policy"),
        source="docs/checks.md",
        why="A blocked target is not retried",
    ),
    Row(
        name="The name server fails at first and then resolves the name",
        target=says(ok()),
        names=(NameServer(fails_for=2),),
        check={**http("http://shop.test:$PORT/"), "retries": 1},
        verdict=up(200),
        source="prometheus/blackbox_exporter#1436",
        why="Each attempt resolves the name again",
    ),
)
