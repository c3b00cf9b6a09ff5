"""The response of /readyz: whether a process serves, and warnings for the operator."""

import json
from collections.abc import Callable
from dataclasses import dataclass

OK, UNAVAILABLE = "200 OK", "503 Service Unavailable"


@dataclass(frozen=True, slots=True)
class Readiness:
    """The readiness of a process.

    Attributes:
        is_ready: returns whether it can serve now; called from any thread.
        warnings: returns messages about limits of the machine; they do not make the process unready.
    """

    is_ready: Callable[[], bool]
    warnings: Callable[[], list[str]]

    def answer(self) -> tuple[str, bytes]:
        """Return the HTTP status and the JSON object of /readyz."""
        ready = self.is_ready()
        body = {"ready": ready, "warnings": self.warnings()}
        return (OK if ready else UNAVAILABLE), json.dumps(body).encode() + b"\n"
