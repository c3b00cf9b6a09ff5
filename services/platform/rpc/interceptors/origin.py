"""Where the call came from, for whoever writes it down."""

from collections.abc import Sequence

from services.platform.rpc.interceptors.call import Call, Step
from services.platform.security.origin import Network, origin_of, set_origin


class Origins:
    """Puts the sender on the call.

    Args:
        proxies: networks whose word on a client's address is believed.
    """

    def __init__(self, proxies: Sequence[Network]) -> None:
        self._proxies = proxies

    async def __call__(self, call: Call, following: Step) -> None:
        """Find out where the call came from; whether that is allowed is not decided here."""
        call.origin = origin_of(call.context.peer(), call.metadata, call.request_id, self._proxies)
        set_origin(call.origin)
        await following(call)
