"""One DNS question out, its answer in: by UDP, and by TCP when it is too long for that. Nothing is cached."""

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
    """Ask a check's own name server, at one of its addresses; cancelling leaves nothing open.

    Args:
        question: what to ask.
        servers: its addresses, in the order to try them.
        seen: told the phases, and which address it was.

    Raises:
        ProbeFailure: there was no usable answer; its kind says why.
        OwnTrouble: for a reason of our own.
    """
    return (await _asked(question, servers, seen, seen))[0]


async def ask_ours(question: Question, names: NameServers, seen: Observation) -> Reply:
    """Ask our own name servers: that they cannot be reached is our trouble, and where they are nobody's business.

    Args:
        question: what to ask.
        names: our name servers.
        seen: told the phases, and when none of them was heard until the run was cut off.

    Raises:
        ProbeFailure: there was no usable answer; its kind says why.
        OwnTrouble: for a reason of our own.
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
    """The answer and who gave it; `seen` is told its phases, `reached` who gave it."""
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
