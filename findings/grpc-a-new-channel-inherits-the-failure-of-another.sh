#!/bin/sh
# grpcio 1.85.1: a new channel need not try to connect. Channels of one process to the same address, with the same options, share
# their connections, and also the pause after a failed attempt (1 s at first, up to 2 min by default). While one channel is in its
# pause, a call over one that was made only now fails at once, with the error of the earlier attempt: "Connection refused", though
# somebody listens by now and no connection was tried. A probe that makes a channel of its own, to see the target as it is, tells
# what somebody else in the process saw before.
#
# What helps: the option grpc.use_local_subchannel_pool=1. To close the other channels first does not always help, since what they
# share is let go some time after close().
#
# Seen, pause set to 30 s so that slow machines show the same:
#   before the server starts: UNAVAILABLE, Connection refused
#   somebody listens; a new channel: UNAVAILABLE, Connection refused
#   a new channel with a pool of its own: SERVING
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check grpcio==1.85.1 grpcio-health-checking==1.85.1
"$folder/venv/bin/python" - <<'PYTHON'
import socket
from concurrent import futures

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    target = "127.0.0.1:{1}".format(*free.getsockname())
channels = []


def probe(when, **options):
    pause = {"initial_reconnect_backoff_ms": 30_000, "max_reconnect_backoff_ms": 30_000, "min_reconnect_backoff_ms": 30_000}
    channels.append(grpc.insecure_channel(target, [(f"grpc.{name}", value) for name, value in {**pause, **options}.items()]))
    call = health_pb2_grpc.HealthStub(channels[-1]).Check.future(health_pb2.HealthCheckRequest(), timeout=20)
    if call.code() is grpc.StatusCode.OK:
        seen = health_pb2.HealthCheckResponse.ServingStatus.Name(call.result().status)
    else:
        seen = f"{call.code().name}, {call.details()}"
    print(f"{when}: {seen}")
    return seen


refused = probe("before the server starts")
assert refused.startswith("UNAVAILABLE") and refused.endswith("Connection refused")

server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
server.add_insecure_port(target)
server.start()
with socket.create_connection(("127.0.0.1", int(target.split(":")[1]))):
    print("somebody listens")

assert probe("a new channel") == refused
assert probe("a new channel with a pool of its own", use_local_subchannel_pool=1) == "SERVING"
for channel in channels:
    channel.close()
server.stop(None).wait()
PYTHON
