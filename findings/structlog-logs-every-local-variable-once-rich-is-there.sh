#!/bin/sh
# structlog 26.1.0: ConsoleRenderer() prints a traceback with the values of all local variables of every frame as soon as
# the package rich (15.0.0) can be imported, and a plain traceback before. Nothing in the program changes: a development
# tool that depends on rich (import-linter, pip-audit, typer) is installed into the same environment, and from then on the
# log of a gRPC service holds each request that failed, its credentials included. rich itself leaves variables out unless
# it is asked for them (`rich.traceback.install(show_locals=False)` is its default); structlog's formatter asks.
#
# What helps: ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback), and a test that logs an exception
# while a local variable holds a known word.
#
# Seen, of an exception under a local variable that holds "Bearer s3cret":
#   without rich   not in the output
#   with rich      in the output
#   with rich, plain_traceback   not in the output
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/log.py" <<'PYTHON'
import sys

import structlog


def handle(metadata):
    raise ValueError("it broke")


options = {"exception_formatter": structlog.dev.plain_traceback} if sys.argv[1:] == ["plain"] else {}
structlog.configure(processors=[structlog.dev.ConsoleRenderer(colors=False, **options)])
try:
    handle("Bearer " + "s3cr" + "et")
except ValueError:
    structlog.get_logger().exception("call failed")
PYTHON
logged() {
    "$folder/venv/bin/python" "$folder/log.py" "$@" > "$folder/out" 2>&1
    grep -q "ValueError: it broke" "$folder/out"
    if grep -q "s3cret" "$folder/out"; then echo shown; else echo hidden; fi
}
"$folder/venv/bin/pip" install -q --disable-pip-version-check structlog==26.1.0
without=$(logged)
"$folder/venv/bin/pip" install -q --disable-pip-version-check rich==15.0.0
with=$(logged)
plain=$(logged plain)
echo "without rich: $without, with rich: $with, with rich and plain_traceback: $plain"
test "$without $with $plain" = "hidden shown hidden"
