"""A DNS query over UDP, repeated over TCP if the response is truncated. Nothing is cached."""

import asyncio
from collections.abc import Sequence

from services.checks.outcome import ErrorKind
from services.wire.connection import Connection
from services.wire.dial import dial
from services.wire.dns_datagrams import UdpQuery
from services.wire.dns_question import Question, Reply
from services.wire.dns_tcp_handler import DnsTcpHandler
from services.wire.internal_error import InternalProbeError
from services.wire.name_servers import HEALTH_CHECK_AFTER_S, NameServers, Server
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

_MOST_SERVERS = 4
_UNREACHABLE = frozenset({ErrorKind.CONNECT_REFUSED, ErrorKind.CONNECT_TIMEOUT})


async def query(question: Question, servers: Sequence[Server], seen: Observation) -> Reply:
    """Query a check's own name server at one of its addresses. Cancelling closes all sockets.

    Args:
        question: the question.
        servers: the addresses of the server, in the order to try them.
        seen: receives the phases and the address.

    Raises:
        ProbeFailure: there is no usable response; `kind` is the reason.
        InternalProbeError: the monitor itself failed.
    """
    return (await _query(question, servers, seen, seen))[0]


async def query_own_servers(question: Question, names: NameServers, seen: Observation) -> Reply:
    """Query the monitor's own name servers. Their addresses are not recorded in results.

    Args:
        question: the question.
        names: the name servers.
        seen: receives the phases, and whether no name server had responded when the run was cancelled.

    Raises:
        ProbeFailure: there is no usable response; `kind` is the reason.
        InternalProbeError: no name server is reachable, or the monitor itself failed otherwise.
    """
    servers = names.in_order()[:_MOST_SERVERS]
    begun_s = names.now_s()
    health_check = asyncio.get_running_loop().call_later(HEALTH_CHECK_AFTER_S, names.check_health, servers, begun_s)
    try:
        reply, server = await _query(question, servers, seen, Observation())
    except ProbeFailure as failure:
        if failure.kind in _UNREACHABLE:
            raise InternalProbeError("the monitor could not reach a DNS resolver") from failure
        raise
    except asyncio.CancelledError:
        seen.resolver_unresponsive = names.are_unresponsive(begun_s)
        raise
    finally:
        health_check.cancel()
    names.mark_responsive(server)
    return reply


async def _query(
    question: Question, servers: Sequence[Server], seen: Observation, reached: Observation
) -> tuple[Reply, Server]:
    """Return the reply and its server; `seen` receives the phases, `reached` the address of the server."""
    udp_query = UdpQuery(question, servers[:_MOST_SERVERS])
    reached.resolved_ip, reached.is_querying = servers[0].address, True
    try:
        answered = await udp_query.answer()
    finally:
        udp_query.close()
    server = answered.server
    reached.resolved_ip = server.address
    if not answered.reply.is_truncated:
        seen.record_phase("ttfb", answered.elapsed_us)
        return answered.reply, server
    reached.is_querying = False
    handler = DnsTcpHandler(question, question.answered_by, seen, edns=answered.edns)
    connection = await dial([Connection(server.address, server.port, reached, handler)])
    await connection.wait_closed()
    if handler.reply is None:
        raise RuntimeError("the DNS exchange ended without a reply")
    return handler.reply, server
