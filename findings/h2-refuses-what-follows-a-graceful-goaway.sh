#!/bin/sh
# h2 4.4.1 closes a connection when it receives GOAWAY, and raises ProtocolError at the next frame. RFC 9113 section 6.8: GOAWAY with
# NO_ERROR announces that no new stream is accepted; those up to its stream id still complete. Servers shut down that way. grpcio 1.85.1
# sends GOAWAY and, at once, PING, then completes the calls under way. So a client built on h2 loses every call that is under
# way when a server is deployed anew, although the server completes it, and cannot even acknowledge the PING.
#
# What helps: keep GOAWAY frames from h2 (feed it frame by frame), or repeat what fails, if it may be repeated.
#
# Seen, of a call under way when the server begins to stop:
#   grpcio  SERVING
#   h2      ProtocolError: Invalid input ConnectionInputs.RECV_PING in state ConnectionState.CLOSED
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check h2==4.4.1 hpack==4.2.0 hyperframe==6.1.0 grpcio==1.85.1 grpcio-health-checking==1.85.1
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from h2.connection import H2Connection
from h2.events import ConnectionTerminated
from h2.exceptions import ProtocolError

REQUEST = [(":method", "POST"), (":scheme", "http"), (":path", "/grpc.health.v1.Health/Check"), (":authority", "a"),
           ("te", "trailers"), ("content-type", "application/grpc")]


class Slow(health_pb2_grpc.HealthServicer):
    def __init__(self):
        self.called, self.may_respond = asyncio.Event(), asyncio.Event()

    async def Check(self, request, context):
        self.called.set()
        await self.may_respond.wait()
        return health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)


async def by_grpcio(port, slow, stop):
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
        await slow.called.wait()
        stopping = stop()
        await asyncio.sleep(0.5)  # GOAWAY arrives before the response
        slow.may_respond.set()
        response = await call
        await stopping
        return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


async def by_h2(port, slow, stop):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    connection = H2Connection()
    connection.initiate_connection()
    connection.send_headers(1, REQUEST)
    connection.send_data(1, bytes(5), end_stream=True)
    writer.write(connection.data_to_send())
    await slow.called.wait()
    stopping = stop()
    goaway, outcome = None, "closed"
    try:
        while data := await reader.read(65_536):
            for event in connection.receive_data(data):
                goaway = event if isinstance(event, ConnectionTerminated) else goaway
            writer.write(connection.data_to_send())
    except ProtocolError as error:
        outcome = f"ProtocolError: {error}"
    # Unless both came in one read, in which case the event is lost as well.
    assert goaway is None or (goaway.error_code, goaway.last_stream_id >= 1) == (0, True)
    slow.may_respond.set()
    writer.close()
    await stopping
    return outcome


async def outcome_of(client):
    server, slow = grpc.aio.server(), Slow()
    health_pb2_grpc.add_HealthServicer_to_server(slow, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    return await asyncio.wait_for(client(port, slow, lambda: asyncio.ensure_future(server.stop(20))), 60)


async def main():
    served, refused = await outcome_of(by_grpcio), await outcome_of(by_h2)
    print("grpcio ", served)
    print("h2     ", refused)
    assert served == "SERVING"
    assert refused == "ProtocolError: Invalid input ConnectionInputs.RECV_PING in state ConnectionState.CLOSED"


asyncio.run(main())
PYTHON
