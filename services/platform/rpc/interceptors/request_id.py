"""Request ids: each call has one, in its response and in the log."""

import re
from collections.abc import Mapping

import structlog

from services.platform.ids import new_id
from services.platform.rpc.interceptors.call import Call, CallNext

KEY = "x-request-id"
# An id from Envoy or a caller is kept if it is plain; others could forge log lines.
_PLAIN = re.compile(r"[A-Za-z0-9._-]{8,64}")


def id_of(metadata: Mapping[str, object]) -> str:
    """Return the id in a call's metadata, or a new one."""
    sent = metadata.get(KEY)
    return sent if isinstance(sent, str) and _PLAIN.fullmatch(sent) else str(new_id())


async def give_request_id(call: Call, call_next: CallNext) -> None:
    """Set the id of the call, from its metadata or new; return it in the trailing metadata."""
    call.request_id = id_of(call.metadata)
    call.context.set_trailing_metadata(((KEY, call.request_id),))
    structlog.contextvars.bind_contextvars(request_id=call.request_id)
    await call_next(call)
