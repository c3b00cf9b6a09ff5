"""Holds a REST call to what the client wrote: its query is read strictly, its body was, and names what it updates.

Envoy has turned the request into a gRPC call. Its own headers, which no client can send, say what it was before.
"""

from services.platform import logs
from services.platform.errors import Internal
from services.platform.rest.contract import contract_routes
from services.platform.rest.door_check import HEADER
from services.platform.rest.named_fields import set_named_fields
from services.platform.rest.query import refuse_query, take_spaces
from services.platform.rest.routes import Match
from services.platform.rpc.interceptors.call import Call, Step

_METHOD, _PATH = "x-envoy-original-method", "x-envoy-original-path"
_log = logs.get("rest")


async def read_rest(call: Call, following: Step) -> None:
    """Read the query of a REST call, and what the check of its body has found; a call by gRPC passes.

    Raises:
        InvalidArgument: REQUEST_MALFORMED: the query.
        Internal: the body was not inspected.
    """
    path = call.metadata.get(_PATH)
    if path is not None:
        found = contract_routes().match(call.metadata.get(_METHOD, ""), path)
        if found is not None:
            query = path.partition("?")[2]
            refuse_query(found, query)
            take_spaces(found.route, query, call.request)
        _take_named(call, found)
    await following(call)


def _take_named(call: Call, found: Match | None) -> None:
    rpc, _, named = call.metadata.get(HEADER, "").partition(" ")
    takes_body = found is None or bool(found.route.body)
    if takes_body and rpc != call.rule.method:
        # The door and we would read the path differently: a body that nobody inspected must not count.
        _log.error("request body was not inspected", method=call.rule.method, inspected=rpc)
        raise Internal
    if found is not None and found.route.takes_mask:
        set_named_fields(named.split(",") if named else ())
