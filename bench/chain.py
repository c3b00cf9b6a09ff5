"""The cost of the interceptor chain for a unary call with a cached token, without grpc's own work.

The context is a stand-in for grpc's, with what the interceptors use; everything else is set up as in a process.
"""

import asyncio
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import grpc
from sentinel.auth.v1 import auth_service_pb2

from bench.report import Line, at_most
from services.auth.model import User
from services.auth.signing import Keyring
from services.platform import logs
from services.platform.clock import MINUTE_US, now_us
from services.platform.ids import new_id
from services.platform.metrics.process_metrics import Calls
from services.platform.postgres.common_store import CommonStore
from services.platform.rpc.interceptors.chain import Chain, interceptors
from services.platform.security.api_keys import ApiKeyVerifier, KeyFormat
from services.platform.security.credentials import Credentials
from services.platform.security.principal import Role
from services.platform.security.revocations import Revocation, Revocations
from services.platform.security.tokens import TokenVerifier

_METHOD = "/sentinel.auth.v1.AuthService/GetMe"
_CALLS = 20_000


class _Published(CommonStore):
    """The published keys, without a database; there are no API keys and no revocations, and no use is recorded."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys

    async def public_keys(self) -> dict[str, bytes]:
        return self._keys

    async def find_api_key(self, _key_hash: bytes) -> None:
        return None

    async def revoked_since(self, _moment: datetime) -> Sequence[Revocation]:
        return ()

    async def record_key_use(self, credentials: Sequence[tuple[UUID, UUID]]) -> None:
        pass


class _Context:
    """What the interceptors use of grpc's context."""

    def __init__(self, metadata: tuple[tuple[str, str], ...]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return self._metadata

    def set_trailing_metadata(self, metadata: object) -> None:
        pass

    def peer(self) -> str:
        return "unix:"

    def code(self) -> None:
        return None


async def _answer(_request: object, _context: object) -> auth_service_pb2.GetMeResponse:
    return _RESPONSE


_RESPONSE = auth_service_pb2.GetMeResponse()


def measure(folder: Path) -> list[Line]:
    """Measure the chain."""
    logs.configure("bench", "info", "json")
    return [at_most("interceptor chain, known token", asyncio.run(_measure(folder)), "us", 60)]


async def _measure(folder: Path) -> float:
    key = Keyring(folder / "keys").newest
    store = _Published({key.kid: key.public})
    credentials = Credentials(TokenVerifier(store), ApiKeyVerifier(store, KeyFormat(b"key")), Revocations(store), store)
    chain = Chain([auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]], interceptors(credentials, (), Calls()))
    handler = await _handler(chain)
    now = now_us()
    user = User(
        tenant_id=new_id(),
        id=new_id(),
        email="a@acme.test",
        display_name="",
        role=Role.ADMIN,
        create_us=now,
        update_us=now,
    )
    token = key.sign(user, new_id(), now, now + MINUTE_US)
    metadata = (
        (":authority", "localhost"),
        ("user-agent", "grpc-python/1.76.0"),
        ("authorization", f"Bearer {token}"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-request-id", str(UUID(int=7))),
        ("x-envoy-expected-rq-timeout-ms", "15000"),
    )
    request = auth_service_pb2.GetMeRequest().SerializeToString()
    best = float("inf")
    for _ in range(5):
        begun = time.perf_counter()
        for _ in range(_CALLS):
            await handler(request, _Context(metadata))
        best = min(best, (time.perf_counter() - begun) / _CALLS)
    return best * 1e6


async def _handler(chain: Chain) -> Any:  # noqa: ANN401 — typed by grpc as what its other, synchronous server calls
    """Return GetMe wrapped in the chain."""
    bare: Any = grpc.unary_unary_rpc_method_handler(_answer)

    async def continuation(_details: object) -> Any:  # noqa: ANN401 — as above
        return bare

    details: Any = type("Details", (), {"method": _METHOD})()
    return (await chain.intercept_service(continuation, details)).unary_unary
