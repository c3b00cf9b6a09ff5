"""Status codes: accepted by default, and expected by the check."""

from tests.integration.real_world.row import Json, Row, down, http, refused, up
from tests.integration.real_world.servers import NOBODY, answer, says

_CLASSES = "RFC 9110 §15"


def _status(status: int) -> bytes:
    return b"HTTP/1.1 %d Reason\r\nContent-Length: 0\r\n\r\n" % status


def _asserted(**status: object) -> Json:
    return http(assertions=[{"status": status}])


ROWS = (
    *(
        Row(
            name=f"The status is {status} {words}",
            target=says(_status(status)),
            verdict=up(status),
            source="RFC 9110 §15.3",
        )
        for status, words in (
            (200, "OK"),
            (201, "Created"),
            (202, "Accepted"),
            (203, "Non-Authoritative Information"),
            (204, "No Content"),
            (205, "Reset Content"),
            (206, "Partial Content"),
            (207, "Multi-Status"),
            (226, "IM Used"),
            (299, "(unassigned)"),
        )
    ),
    *(
        Row(
            name=f"The status is {status} {words}",
            target=says(_status(status)),
            verdict=down("STATUS", f"status {status}, expected 200 to 299", status=status),
            source=source,
        )
        for status, words, source in (
            (300, "Multiple Choices", "RFC 9110 §15.4.1"),
            (304, "Not Modified", "RFC 9110 §15.4.5"),
            (400, "Bad Request", "RFC 9110 §15.5.1; prometheus/blackbox_exporter#279"),
            (401, "Unauthorized", "RFC 9110 §15.5.2"),
            (402, "Payment Required", "RFC 9110 §15.5.3"),
            (403, "Forbidden", "RFC 9110 §15.5.4; prometheus/blackbox_exporter#526"),
            (404, "Not Found", "RFC 9110 §15.5.5"),
            (405, "Method Not Allowed", "RFC 9110 §15.5.6"),
            (407, "Proxy Authentication Required", "RFC 9110 §15.5.8"),
            (410, "Gone", "RFC 9110 §15.5.11"),
            (418, "I'm a teapot", "RFC 9110 §15.5.19"),
            (429, "Too Many Requests", "RFC 6585 §4"),
            (451, "Unavailable For Legal Reasons", "RFC 7725 §3"),
            (500, "Internal Server Error", "RFC 9110 §15.6.1"),
            (502, "Bad Gateway", "RFC 9110 §15.6.3"),
            (503, "Service Unavailable", "RFC 9110 §15.6.4"),
            (504, "Gateway Timeout", "RFC 9110 §15.6.5"),
            (520, "(defined by a CDN)", "RFC 9110 §15"),
            (599, "(defined by a proxy)", "RFC 9110 §15"),
            (600, "(outside all classes)", "RFC 9110 §15"),
            (999, "(bot protection)", "RFC 9110 §15"),
        )
    ),
    *(
        Row(
            name=f"{status} is expected and returned",
            target=says(_status(status)),
            check=http(expectedStatus=[status], followRedirects=False),
            verdict=up(status),
            source=source,
        )
        for status, source in (
            (301, "prometheus/blackbox_exporter#246"),
            (302, "prometheus/blackbox_exporter#246"),
            (401, "RFC 9110 §15.5.2"),
            (403, "prometheus/blackbox_exporter#526"),
            (404, "RFC 9110 §15.5.5"),
            (418, "RFC 9110 §15.5.19"),
            (503, "RFC 9110 §15.6.4"),
            (600, "curl's result"),
            (700, "curl's result"),
            (999, "curl's result"),
        )
    ),
    Row(
        name="A WebSocket server switches protocols as expected",
        target=says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        check=http(expectedStatus=[101]),
        verdict=up(101),
        source="RFC 9110 §15.2.2",
    ),
    Row(
        name="A server switches protocols without a request to do so",
        target=says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
        verdict=down("STATUS", "status 101, expected 200 to 299", status=101),
        source="RFC 9110 §15.2.2",
    ),
    Row(
        name="200 is returned, and 503 is expected",
        target=says(_status(200)),
        check=http(expectedStatus=[503]),
        verdict=down("STATUS", "status 200, expected 503", status=200),
        source=_CLASSES,
    ),
    Row(
        name="A redirect is expected and not followed",
        target=says(answer(301, b"", b"Location: http://127.0.0.1:$CLOSED_PORT/")),
        check=http(expectedStatus=[301], followRedirects=False),
        verdict=up(301, redirects=0),
        source="prometheus/blackbox_exporter#246",
    ),
    Row(
        name="A redirect is neither followed nor expected",
        target=says(answer(301, b"", b"Location: /")),
        check=http(followRedirects=False),
        verdict=down("STATUS", "status 301", status=301),
        source="prometheus/blackbox_exporter#246",
    ),
    Row(
        name="An assertion accepts a range",
        target=says(_status(404)),
        check=_asserted(ranges=["200-299", "400-499"]),
        verdict=up(404),
        source=_CLASSES,
    ),
    Row(
        name="An assertion accepts codes and a range",
        target=says(_status(304)),
        check=_asserted(ranges=["200-299"], codes=[304]),
        verdict=up(304),
        source="RFC 9110 §15.4.5",
    ),
    Row(
        name="The range of an assertion does not contain the status",
        target=says(_status(500)),
        check=_asserted(ranges=["200-499"]),
        verdict=down("STATUS", "status 500, expected 200 to 499", status=500),
        source=_CLASSES,
    ),
    Row(
        name="A status of 99 is expected",
        target=NOBODY,
        check=http(expectedStatus=[99]),
        verdict=refused("check.http.expected_status[0]"),
        source=_CLASSES,
        why="The status code is invalid",
    ),
    Row(
        name="100 Continue is expected",
        target=NOBODY,
        check=http(expectedStatus=[100]),
        verdict=refused("check.http.expected_status[0]"),
        source="RFC 9110 §15.2.1",
        why="It is never the status of a final response",
    ),
    Row(
        name="103 Early Hints is expected",
        target=NOBODY,
        check=http(expectedStatus=[103]),
        verdict=refused("check.http.expected_status[0]"),
        source="RFC 8297 §2",
        why="It is never the status of a final response",
    ),
    Row(
        name="A status of 1000 is expected",
        target=NOBODY,
        check=http(expectedStatus=[1000]),
        verdict=refused("check.http.expected_status[0]"),
        source=_CLASSES,
        why="The status code is invalid",
    ),
    Row(
        name="expectedStatus is combined with an assertion on the status",
        target=NOBODY,
        check=http(expectedStatus=[200], assertions=[{"status": {"codes": [404]}}]),
        verdict=refused("check.http.expected_status", "cannot be combined"),
        source="docs/checks.md",
    ),
)
