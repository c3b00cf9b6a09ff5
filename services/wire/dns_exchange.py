"""A DNS query over UDP, repeated over TCP if the response is truncated. Nothing is cached."""

import asyncio
from collections.abc import Sequence

from services.checks.outcome import ErrorKind
from services.wire.dial import dial
from services.wire.dns_datagrams import Inquiry
from services.wire.dns_question import Question, Reply
from services.wire.dns_talk import DnsTalk
from services.wire.link import Link
from services.wire.name_servers import KNOCK_AFTER_S, NameServers, Server
from services.wire.observation import Observation
from services.wire.own_trouble import OwnTrouble
from services.wire.probe_failure import ProbeFailure

_MOST_SERVERS = 4
_UNREACHABLE = frozenset({ErrorKind.CONNECT_REFUSED, ErrorKind.CONNECT_TIMEOUT})


async def ask(question: Question, servers: Sequence[Server], seen: Observation) -> Reply:
    """Query a check's own name server at one of its addresses. Cancelling closes all sockets.

    Args:
        question: the question.
        servers: the addresses of the server, in the order to try them.
        seen: receives the phases and the address.

    Raises:
        ProbeFailure: there is no usable response; `kind` is the reason.
        OwnTrouble: the monitor itself failed.
    """
    return (await _asked(question, servers, seen, seen))[0]


async def ask_ours(question: Question, names: NameServers, seen: Observation) -> Reply:
    """Query the monitor's own name servers. Their addresses are not recorded in results.

    Args:
        question: the question.
        names: the name servers.
        seen: receives the phases, and whether no name server had responded when the run was cancelled.

    Raises:
        ProbeFailure: there is no usable response; `kind` is the reason.
        OwnTrouble: no name server is reachable, or the monitor itself failed otherwise.
    """
    servers = names.in_order()[:_MOST_SERVERS]
    begun_s = names.now_s()
    knocking = asyncio.get_running_loop().call_later(KNOCK_AFTER_S, names.knock, servers, begun_s)
    try:
        reply, server = await _asked(question, servers, seen, Observation())
    except ProbeFailure as failure:
        if failure.kind in _UNREACHABLE:
            raise OwnTrouble("the monitor could not reach a DNS resolver") from failure
        raise
    except asyncio.CancelledError:
        seen.names_were_silent = names.were_silent(begun_s)
        raise
    finally:
        knocking.cancel()
    names.heard(server)
    return reply


async def _asked(
    question: Question, servers: Sequence[Server], seen: Observation, reached: Observation
) -> tuple[Reply, Server]:
    """Return the reply and its server; `seen` receives the phases, `reached` the address of the server."""
    inquiry = Inquiry(question, servers[:_MOST_SERVERS])
    reached.resolved_ip, reached.asks = servers[0].address, True
    try:
        answered = await inquiry.answer()
    finally:
        inquiry.close()
    server = answered.server
    reached.resolved_ip = server.address
    if not answered.reply.is_truncated:
        seen.tell("ttfb", answered.elapsed_us)
        return answered.reply, server
    reached.asks = False
    talk = DnsTalk(question, question.answered_by, seen, edns=answered.edns)
    link = await dial([Link(server.address, server.port, reached, talk)])
    await link.ended()
    if talk.reply is None:
        raise RuntimeError("the DNS exchange ended without a reply")
    return talk.reply, server
