"""The origin of the call."""

from collections.abc import Sequence

from services.platform.rpc.interceptors.call import Call, CallNext
from services.platform.security.origin import Network, origin_of, set_origin


class Origins:
    """The interceptor that sets the origin of a call.

    Args:
        proxies: the networks whose x-forwarded-for is trusted.
    """

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies

    async def __call__(self, call: Call, call_next: CallNext) -> None:
        """Set the origin of the call; it refuses nothing."""
        call.origin = origin_of(call.context.peer(), call.metadata, call.request_id, self._proxies)
        set_origin(call.origin)
        await call_next(call)
