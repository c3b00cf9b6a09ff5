"""The responses of all services to a client whose credential may have been revoked."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from tests.support.patience import PATIENCE_S
from tests.support.stack import reason, until

# One of each service.
READS = ("/auth/me", "/services", "/results:stream")
# That it takes a second at the most is measured by bench/revocation.py.


def answer_to(client: httpx.Client, path: str) -> tuple[int, str]:
    """Return status and reason of a read; of a stream only its beginning."""
    with client.stream("GET", path) as answer:
        if answer.status_code == 200:
            return 200, ""
        answer.read()
        return answer.status_code, reason(answer)


def all_answer(client: httpx.Client, expected: tuple[int, str]) -> None:
    """Wait until every service responds as expected."""
    soon(lambda: all(answer_to(client, path) == expected for path in READS))


def soon(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    until(condition)


@contextmanager
def open_stream(client: httpx.Client) -> Iterator[Callable[[], str]]:
    """Open a results stream; yield a function that returns why it ended."""
    with client.stream("GET", "/results:stream") as answer:
        lines = answer.iter_lines()
        assert "heartbeat" in json.loads(next(lines))

        def end() -> str:
            give_up = time.monotonic() + PATIENCE_S
            for line in lines:  # of a stream that does not end, heartbeats
                event = json.loads(line)
                if "end" in event:
                    return str(event["end"]["reason"])
                if time.monotonic() > give_up:
                    break
            raise TimeoutError("the stream does not end")

        yield end
