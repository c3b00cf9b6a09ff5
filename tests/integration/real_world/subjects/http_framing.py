"""Where an answer begins and ends: status lines, lengths, chunks."""

from tests.integration.real_world.row import UP, Row, down
from tests.integration.real_world.servers import ok, says

ROWS = (
    Row(
        name="The body has the length that the answer says",
        target=says(ok()),
        verdict=UP,
        source="RFC 9112 §6.2",
    ),
    Row(
        name="The server closes the connection without an answer",
        target=says(b""),
        verdict=down("PROTOCOL", "closed the connection without an answer"),
        source="curl manual, exit code 52",
    ),
)
