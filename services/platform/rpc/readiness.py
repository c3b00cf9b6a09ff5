"""What /readyz says of a process: whether it serves, and what an operator should change about its machine."""

import json
from collections.abc import Callable
from dataclasses import dataclass

OK, UNAVAILABLE = "200 OK", "503 Service Unavailable"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The state of a process.

    Attributes:
        is_ready: whether it can do its work now; may be asked from any thread.
        warnings: sentences about what limits it; they do not make it unready.
    """

    is_ready: Callable[[], bool]
    warnings: Callable[[], list[str]]

    def answer(self) -> tuple[str, bytes]:
        """Return the HTTP status and the JSON object of /readyz."""
        ready = self.is_ready()
        body = {"ready": ready, "warnings": self.warnings()}
        return (OK if ready else UNAVAILABLE), json.dumps(body).encode() + b"\n"
