"""The DNS probe: sends one query and compares the records in the response with the expected ones."""

from collections.abc import Sequence
from typing import NamedTuple

import dns.rcode
import dns.rdata
import dns.rdatatype

from services.checks.outcome import ErrorKind
from services.checks.specs.dns import DNS_PORT, DnsSpec
from services.checks.specs.dns_records import Canonical, canonical, expected_record, name_of, shown
from services.checks.specs.endpoints import Endpoint, parse_endpoint
from services.wire.dns_exchange import query, query_own_servers
from services.wire.dns_question import Question, Reply
from services.wire.name_servers import Server
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure

_FAILURES = {
    dns.rcode.NXDOMAIN: "name does not exist (NXDOMAIN)",
    dns.rcode.REFUSED: "DNS server refused the query (REFUSED)",
    dns.rcode.SERVFAIL: "DNS server failed (SERVFAIL)",
}
# The longest text of each of the two lists of records in an error message, in characters.
_LONGEST_LIST = 100


class DnsQuery(NamedTuple):
    """The query of a check, parsed.

    Attributes:
        question: name and type.
        expected: the expected records; empty if any record is accepted.
        server: the name server; None for the worker's own resolvers.
    """

    question: Question
    expected: frozenset[Canonical]
    server: Endpoint | None


class DnsProbe:
    """Makes attempts of a DNS check.

    Args:
        spec: the query, the name server and the expected records.
    """

    __slots__ = ("_query", "_spec")

    def __init__(self, spec: DnsSpec) -> None:
        self._spec = spec
        self._query: DnsQuery | None = None

    @property
    def query(self) -> DnsQuery:
        """The query of the check, parsed on first access."""
        if self._query is None:
            self._query = _query_of(self._spec)
        return self._query

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Send the query and compare the records.

        Raises:
            ProbeFailure: DNS if the name has no such records, ASSERTION if the records differ from the expected ones,
                another kind if there is no valid response.
            InternalProbeError: the monitor's own resolvers do not respond, or another internal error occurs.
        """
        spec, asked = self._spec, self.query
        server = asked.server
        if server is None:
            reply = await query_own_servers(asked.question, network.name_servers, seen)
        else:
            addresses = await network.addresses(server.host, server.address, seen)
            reply = await query(asked.question, [Server(address, server.port) for address in addresses], seen)
        if reply.rcode or not reply.records:
            raise ProbeFailure(ErrorKind.DNS, _no_records_reason(reply, spec.type))
        if asked.expected and asked.expected != set(map(canonical, reply.records)):
            raise ProbeFailure(ErrorKind.ASSERTION, _mismatch(spec.expected, reply.records))


def _query_of(spec: DnsSpec) -> DnsQuery:
    return DnsQuery(
        Question(name_of(spec.name, spec.type).to_digestable(), dns.rdatatype.from_text(spec.type)),
        frozenset(expected_record(text, spec.type) for text in spec.expected),
        parse_endpoint(spec.server, DNS_PORT) if spec.server else None,
    )


def _no_records_reason(reply: Reply, type_: str) -> str:
    """Return the reason why the response has no records."""
    if reply.rcode:
        return _FAILURES.get(reply.rcode) or f"DNS server responded with {dns.rcode.to_text(reply.rcode)}"
    if reply.alias:
        return f"name is an alias for {reply.alias}, which has no {type_} record"
    return f"name has no {type_} record"


def _mismatch(expected: Sequence[str], records: Sequence[dns.rdata.Rdata]) -> str:
    return f"expected {_listed(expected)}, got {_listed(sorted(map(shown, records)))}"


def _listed(texts: Sequence[str]) -> str:
    """Return a list of texts, truncated to 100 characters."""
    whole = ", ".join(texts)
    return whole if len(whole) <= _LONGEST_LIST else f"{whole[: _LONGEST_LIST - 2]} …"
