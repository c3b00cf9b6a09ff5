#!/bin/sh
# dnspython 2.9.2: `Resolver.resolve(name, lifetime=20)` fails after 20 s with a server that responds to each query after 2.5 s.
# `Resolver.timeout`, 2 s unless it is set, is how long one attempt waits. The next attempt has another socket and another
# number, so the response to the one before finds nobody, and so on: no lifetime is long enough. glibc repeats a
# query with the same number from the same socket, and takes the response to any of them. So a name that a forwarder has
# resolved after 2.5 s is an error here, after 20 s and seven queries, and a result for other programs of the same machine.
#
# What helps: set `timeout` together with `lifetime`, to the longest that a response may take.
#
# Seen, with a name server on loopback that responds after 2.5 s:
#   timeout 2.0, lifetime 20: LifetimeTimeout, 7 queries
#   timeout 5.0, lifetime 20: 127.0.0.1, 1 query
# Fails if that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check dnspython==2.9.2
"$folder/venv/bin/python" - <<'PYTHON'
import socket, struct, threading

import dns.resolver

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 0))
port = server.getsockname()[1]
queries = []


def respond(query, client):
    question = query[12 : query.index(b"\0", 12) + 5]
    record = struct.pack("!HHHIH4B", 0xC00C, 1, 1, 0, 4, 127, 0, 0, 1)
    server.sendto(query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0) + question + record, client)


def serve():
    while True:
        query, client = server.recvfrom(4096)
        queries.append(query)
        threading.Timer(2.5, respond, (query, client)).start()


def resolve(**settings):
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], port
    for name, value in settings.items():
        setattr(resolver, name, value)
    queries.clear()
    try:
        outcome = resolver.resolve("a.test", "A", lifetime=20)[0].address
    except dns.resolver.LifetimeTimeout as error:
        outcome = type(error).__name__
    sent = len(queries)
    print(f"timeout {resolver.timeout}, lifetime 20: {outcome}, {sent} quer{'y' if sent == 1 else 'ies'}")
    return outcome, sent


threading.Thread(target=serve, daemon=True).start()
failed, sent = resolve()
assert failed == "LifetimeTimeout" and sent > 3
assert resolve(timeout=5.0) == ("127.0.0.1", 1)
PYTHON
