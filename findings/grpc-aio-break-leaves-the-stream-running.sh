#!/bin/sh
# grpcio 1.85.1: `async for message in stub.Stream(request): … break` of grpc.aio does not end the call, and neither does an
# exception inside the loop. The server sends on until flow control stops it, and then waits, until the channel is closed: also
# when the client's program has no reference to the call any more, and the garbage collector has run. In the blocking client the
# same loop ends the call at once. A client that waits for one event of a stream leaves a stream behind each time.
#
# What helps: keep the call, and `finally: call.cancel()`.
#
# Seen, with a server that sends 100 messages a second until the call ends:
#   blocking, break: ended
#   grpc.aio, break: still running 200 messages later
#   grpc.aio, break and cancel(): ended
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check grpcio==1.85.1
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio, gc, time
from concurrent import futures

import grpc

MORE = 200
outcomes = {}


def stream(name, context):
    """Send messages until the call ends, or until the client has had plenty of time to end it."""
    decided = outcomes[name.decode()] = futures.Future()
    context.add_callback(lambda: decided.done() or decided.set_result("ended"))
    for number in range(10 * MORE):
        if not context.is_active():
            return
        yield b""
        time.sleep(0.01)
        if number == MORE:
            decided.done() or decided.set_result(f"still running {MORE} messages later")


server = grpc.server(futures.ThreadPoolExecutor(4))
handler = grpc.unary_stream_rpc_method_handler(stream)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("a.A", {"Stream": handler}),))
target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
server.start()


def blocking(channel, name):
    for _ in channel.unary_stream("/a.A/Stream")(name):
        break


async def breaking(channel, name):
    async for _ in channel.unary_stream("/a.A/Stream")(name):
        break


async def cancelling(channel, name):
    call = channel.unary_stream("/a.A/Stream")(name)
    try:
        async for _ in call:
            break
    finally:
        call.cancel()


async def main():
    async with grpc.aio.insecure_channel(target) as channel:
        for name, read in (("aio", breaking), ("cancelled", cancelling)):
            await read(channel, name.encode())
            gc.collect()
            await asyncio.to_thread(outcomes[name].result, 60)


with grpc.insecure_channel(target) as channel:
    blocking(channel, b"blocking")
    outcomes["blocking"].result(60)
    asyncio.run(main())
seen = {name: decided.result() for name, decided in outcomes.items()}
print(seen)
assert seen == {"blocking": "ended", "aio": f"still running {MORE} messages later", "cancelled": "ended"}
server.stop(None).wait()
PYTHON
