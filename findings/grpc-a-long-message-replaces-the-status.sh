#!/bin/sh
# grpcio 1.85.1, server and client at their defaults: the length of an error's message decides which status the client sees.
# The message travels in a header. A client takes 8 KiB of headers; it refuses more at random, the longer the likelier, and 16 KiB
# always. NOT_FOUND is RESOURCE_EXHAUSTED then, which some clients retry, and nothing of the server's message is left. The
# server is not told: it has sent NOT_FOUND. A message that quotes a request or somebody else's error easily gets there.
#
# What helps: cut messages and details to a few KiB where they are written. Or, at each client, grpc.max_metadata_size.
#
# Seen: 50 calls each, server says NOT_FOUND:
#   4000 bytes of message: {'NOT_FOUND': 50}
#   12000 bytes of message: {'NOT_FOUND': 28, 'RESOURCE_EXHAUSTED': 22}
#   20000 bytes of message: {'RESOURCE_EXHAUSTED': 50}, Stream removed (received metadata size exceeds hard limit …)
#   20000 bytes of message, grpc.max_metadata_size 65536: {'NOT_FOUND': 50}
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check grpcio==1.85.1
"$folder/venv/bin/python" - <<'PYTHON'
from collections import Counter
from concurrent import futures

import grpc


def refuse(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "x" * int(request))


server = grpc.server(futures.ThreadPoolExecutor(2))
handler = grpc.unary_unary_rpc_method_handler(refuse)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.A", {"Refuse": handler}),))
port = server.add_insecure_port("127.0.0.1:0")
server.start()


def statuses(size, **options):
    seen = Counter()
    with grpc.insecure_channel(f"127.0.0.1:{port}", [(f"grpc.{name}", value) for name, value in options.items()]) as channel:
        for _ in range(50):
            call = channel.unary_unary("/a.A/Refuse").future(str(size).encode())
            seen[call.code().name] += 1
    print(f"{size} bytes of message, {options}: {dict(seen)}, {call.details()[:70]}")
    return dict(seen)


assert statuses(4000) == {"NOT_FOUND": 50}
assert set(statuses(12000)) == {"NOT_FOUND", "RESOURCE_EXHAUSTED"}
assert statuses(20000) == {"RESOURCE_EXHAUSTED": 50}
assert statuses(20000, max_metadata_size=65536) == {"NOT_FOUND": 50}
server.stop(None).wait()
PYTHON
