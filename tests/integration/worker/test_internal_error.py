"""Internal errors that the kernel really returns, in a separate process: ERROR, never DOWN (semantics.md §9)."""

import subprocess
import sys

import pytest

_RUN = """
import asyncio, resource, socket, sys, uvloop
from services.checks.specs.http import HttpSpec
from services.platform.egress.policy import EgressPolicy
from services.worker.probe import Prober
from services.wire.resolver import Resolver
from services.wire.network import Network
from tests.support.worker import a_check_of

from tests.support.public_tls import public_tls

async def main():
    server = await asyncio.get_running_loop().create_server(asyncio.Protocol, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    resolver = Resolver(("127.0.0.1:1",))
    prober = Prober(Network(resolver, EgressPolicy.parse("127.0.0.0/8"), public_tls()), worker_id="worker-1")
    {trouble}
    seen = await prober.run(a_check_of(HttpSpec(url={url}), 3, retries=1), 0, 0)
    {relief}
    sys.stdout.write(f"{{seen.outcome.name}} {{seen.error_kind.name}} {{seen.error_message}} {{seen.attempt}}")
    await resolver.close()

uvloop.run(main())
"""
_NO_FILES = """
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    held = []
    try:
        while True:
            held.append(socket.socket())
    except OSError:
        pass
"""


@pytest.mark.parametrize(
    ("url", "said"), [('f"http://127.0.0.1:{port}/"', "EMFILE"), ('"http://shop.test/"', "DNS resolver")]
)
def test_no_file_left_to_open_is_our_own_trouble(url: str, said: str) -> None:
    script = _RUN.format(trouble=_NO_FILES.strip(), relief="held.clear()", url=url)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)

    outcome, kind, message = done.stdout.split(" ", 2)
    assert (outcome, kind) == ("ERROR", "INTERNAL")
    assert said in message
