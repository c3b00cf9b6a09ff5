"""Whatever a request of the contract holds, refusing it is cheap: a small status, little memory."""

from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from services.platform.rpc.interceptors.chain import Chain
from services.platform.rpc.interceptors.decoding import decode_request
from services.platform.rpc.interceptors.errors import answer_errors
from services.platform.rpc.interceptors.request_id import give_request_id
from services.platform.rpc.interceptors.validation import Validation
from tests.support.walk import methods
from tests.support.worst_messages import worst_messages

METHODS = {f"/{method.containing_service.full_name}/{method.name}": method for method in methods()}
LINKS = (give_request_id, answer_errors, decode_request, Validation())
MOST_GROWTH = 20_000_000


class Context:
    """What the interceptors use of grpc's context; keeps what a call was aborted with."""

    def __init__(self) -> None:
        self.message = ""
        self.trailers: dict[str, Any] = {}

    def invocation_metadata(self) -> tuple[tuple[str, str], ...]:
        return ()

    def set_trailing_metadata(self, metadata: object) -> None:
        pass

    async def abort(self, _code: grpc.StatusCode, message: str, metadata: Any) -> None:
        self.message, self.trailers = message, dict(metadata)
        raise grpc.aio.AbortError


async def _reached(_request: object, _context: object) -> None:
    """A servicer: some of the messages break no rule."""


def _memory(which: str) -> int:
    """Of this process, in bytes: VmRSS now, VmHWM at its peak."""
    status = Path("/proc/self/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith(which)]
    return int(line.split()[1]) * 1024


def _reset_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


async def _refused(method: str, encoded: bytes) -> Context:
    chain = Chain([METHODS[method].containing_service], LINKS)

    async def continuation(_details: object) -> Any:
        made: Any = grpc.unary_unary_rpc_method_handler(_reached)
        return made

    details: Any = type("Details", (), {"method": method})()
    handler: Any = await chain.intercept_service(continuation, details)
    context = Context()
    with suppress(grpc.aio.AbortError):
        await handler.unary_unary(encoded, context)
    return context


@pytest.mark.parametrize("method", METHODS)
async def test_refusing_the_worst_message_of_a_method_takes_little(method: str) -> None:
    refused = 0
    for name, encoded in worst_messages(METHODS[method]):
        _reset_peak()
        before = _memory("VmRSS")
        context = await _refused(method, encoded)
        assert _memory("VmHWM") - before <= MOST_GROWTH, name
        if not context.trailers:
            continue
        refused += 1
        details = context.trailers["grpc-status-details-bin"]
        status = status_pb2.Status.FromString(details)
        kinds = [detail.type_url.rpartition(".")[2] for detail in status.details]
        info = error_details_pb2.ErrorInfo()
        assert len(details) <= 4096, name
        assert status.message == context.message
        assert kinds[:2] == ["ErrorInfo", "RequestInfo"], name
        assert status.details[0].Unpack(info)
        assert info.reason in {"FIELD_INVALID", "REQUEST_MALFORMED", "REQUEST_TOO_LARGE"}, name
    assert refused
