"""REST calls: strict reading of the query, and proof that the body was inspected.

Envoy has transcoded the request. Its own headers, which clients cannot send, contain the original method and path.
"""

from services.platform import logs
from services.platform.errors import Internal
from services.platform.rest.body_check_server import HEADER
from services.platform.rest.contract import contract_routes
from services.platform.rest.named_fields import set_named_fields
from services.platform.rest.query import decode_plus_signs, validate_query
from services.platform.rest.routes import Match
from services.platform.rpc.interceptors.call import Call, CallNext

_METHOD, _PATH = "x-envoy-original-method", "x-envoy-original-path"
_log = logs.get("rest")


async def read_rest(call: Call, call_next: CallNext) -> None:
    """Apply the query of a REST call and the result of inspecting its body; let gRPC calls pass.

    Raises:
        InvalidArgument: REQUEST_MALFORMED: the query is invalid.
        Internal: the body was not inspected.
    """
    path = call.metadata.get(_PATH)
    if path is not None:
        found = contract_routes().match(call.metadata.get(_METHOD, ""), path)
        if found is not None:
            query = path.partition("?")[2]
            validate_query(found, query)
            decode_plus_signs(found.route, query, call.request)
        _take_named(call, found)
    await call_next(call)


def _take_named(call: Call, found: Match | None) -> None:
    rpc, _, named = call.metadata.get(HEADER, "").partition(" ")
    takes_body = found is None or bool(found.route.body)
    if takes_body and rpc != call.rule.method:
        # Envoy and this process have matched the path differently: refuse an uninspected body.
        _log.error("request body was not inspected", method=call.rule.method, inspected=rpc)
        raise Internal
    if found is not None and found.route.takes_mask:
        set_named_fields(named.split(",") if named else ())
