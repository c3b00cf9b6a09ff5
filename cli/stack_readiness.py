"""The readiness of the whole stack (/readyz): the state of each process, and warnings about Envoy."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.platform.rpc.readiness import OK, UNAVAILABLE

_ASK_S = 1.0
_FRESH_S = 1.0
_PATH = "/readyz"


class StackReadiness:
    """Queries each process, at most once a second regardless of the number of callers.

    Args:
        processes: the address (host:port) on which each process serves /readyz, by name.
        warnings: warnings about Envoy.
        clock_s: a monotonic clock.
    """

    def __init__(
        self,
        processes: Mapping[str, str],
        warnings: Sequence[str],
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._processes = processes
        self._warnings = list(warnings)
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._asked_s = -_FRESH_S
        self._answer = (UNAVAILABLE, b"")

    def answer(self) -> tuple[str, bytes]:
        """Return the HTTP status and the JSON object; 200 if auth, monitor and at least one worker are ready."""
        with self._lock:
            if self._clock_s() - self._asked_s >= _FRESH_S:
                self._answer = self._ask()
                self._asked_s = self._clock_s()
            return self._answer

    def _ask(self) -> tuple[str, bytes]:
        said = {name: _fetch_readiness(address) for name, address in self._processes.items()}
        ready_kinds = {name.partition("-")[0] for name, each in said.items() if each["ready"]}
        ready = ready_kinds >= {name.partition("-")[0] for name in self._processes}
        processes = {**said, "envoy": {"ready": True, "warnings": self._warnings}}
        return (OK if ready else UNAVAILABLE), json.dumps({"ready": ready, "processes": processes}).encode() + b"\n"


def _fetch_readiness(address: str) -> dict[str, Any]:
    """Return the readiness of a process; not ready if it does not respond in time."""
    connection = http.client.HTTPConnection(address, timeout=_ASK_S)
    try:
        connection.request("GET", _PATH)
        body = json.loads(connection.getresponse().read())
        return {"ready": bool(body["ready"]), "warnings": [str(each) for each in body["warnings"]]}
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return {"ready": False, "warnings": []}
    finally:
        connection.close()
