"""The worst gRPC requests through Envoy get small errors that every client can read."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from tests.support.patience import PATIENCE_S
from tests.support.stack import Stack, Team, grpc_channel
from tests.support.walk import methods
from tests.support.worst_messages import worst_messages

_METHODS = {method.name: method for method in methods()}
_EACH = 12
"""Of so many worst messages one is sent; tests/unit/platform/test_worst_messages.py looks at all."""


@pytest.mark.parametrize("name", ["CreateCheck", "TryCheck", "EvaluateAssertions"])
def test_the_worst_messages_are_refused_with_a_status_that_a_client_can_read(
    stack: Stack, lasting_team: Team, name: str
) -> None:
    method = _METHODS[name]
    sent = 0
    with grpc_channel(stack) as channel:
        make: Any = channel.unary_stream if method.server_streaming else channel.unary_unary
        call = make(f"/{method.containing_service.full_name}/{name}")
        for worst, encoded in list(worst_messages(method))[::_EACH]:
            try:
                answer = call(encoded, metadata=lasting_team.metadata, timeout=PATIENCE_S)
                for _ in answer if method.server_streaming else ():
                    pass
            except grpc.RpcError as refused:
                error: Any = refused
            else:
                continue  # the field is not looked at
            sent += 1
            details = dict(error.trailing_metadata())["grpc-status-details-bin"]
            status = status_pb2.Status.FromString(details)
            info = error_details_pb2.ErrorInfo()
            assert status.details[0].Unpack(info), worst
            assert len(details) <= 4096
            # What google.rpc's own reader of trailers asks for.
            assert (status.code, status.message) == (error.code().value[0], error.details()), worst
            assert info.reason in {"FIELD_INVALID", "REQUEST_TOO_LARGE", "CHECK_NOT_FOUND", "SERVICE_NOT_FOUND"}, worst
    assert sent > 5
    assert lasting_team.client.get("/auth/me").status_code == 200
