#!/bin/sh
# Apprise 2.2.0: the parameter optional=yes of a service's URL makes notify() report SUCCESS though the service refused the
# message. The result is truthy and its status is SUCCESS, so a sender that looks at the result, as the documentation says,
# takes a message that nobody received for delivered: no retry, no escalation. Whoever supplies the URL decides that, for
# example the user of a product that stores URLs of users.
#
# What helps: refuse the parameter in URLs from users, or remove it before the URL is added.
#
# Seen, with a server that answers 500 to each message:
#   without the parameter  FAILURE, falsy
#   with optional=yes      SUCCESS, truthy
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check apprise==2.2.0
"$folder/venv/bin/python" - <<'PYTHON'
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import apprise


class Failing(BaseHTTPRequestHandler):
    received = 0

    def do_POST(self):
        Failing.received += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(500)
        self.end_headers()

    def log_message(self, *arguments):
        pass


server = HTTPServer(("127.0.0.1", 0), Failing)
threading.Thread(target=server.serve_forever, daemon=True).start()


def result(query):
    sender = apprise.Apprise()
    assert sender.add(f"json://127.0.0.1:{server.server_port}/{query}")
    found = sender.notify(body="disk full")
    print(f"{query or 'without':16}", found)
    return bool(found)


assert result("") is False
assert result("?optional=yes") is True
assert Failing.received == 2
PYTHON
