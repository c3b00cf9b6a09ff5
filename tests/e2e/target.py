"""A target in a process of its own, so that it can be stopped and started while probes run."""

import subprocess
import sys
from typing import Self

from tests.support.ports import free_port

_CODE = """
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
print("ready", flush=True)
server.serve_forever()
"""


class Target:
    """Answers 200 on a port."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"http://localhost:{self.port}/"
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Answer from now on."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CODE, str(self.port)], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == "ready\n"

    def stop(self) -> None:
        """Refuse from now on."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
