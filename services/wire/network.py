"""The way to a target for every kind of check: resolve the name, vet the addresses, dial one of them."""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from services.checks.outcome import ErrorKind
from services.checks.specs.tls_options import TlsOptions
from services.platform.egress.policy import EgressPolicy, refusal_reason
from services.wire.connection import Connection
from services.wire.dial import dial
from services.wire.internal_error import InternalProbeError
from services.wire.name_servers import NameServers
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure, Undecided
from services.wire.resolver import NoNameServer, ResolutionError, Resolver
from services.wire.tls import TlsContexts
from services.wire.tls_connection import Engine, TlsConnection
from services.wire.tls_library_cache import TlsLibrary
from services.wire.watched_tls import OpenSsl


class TlsTarget(NamedTuple):
    """A server to connect to with TLS.

    Attributes:
        host: a host name in ASCII, or an address.
        literal: the host itself if it is an address.
        port: the port to connect to.
        options: the TLS options.
        protocol: the protocol to request: HTTP, HTTP_2 or ANY.
    """

    host: str
    literal: str | None
    port: int
    options: TlsOptions
    protocol: str


class Network:
    """Connects to targets; needs a running event loop.

    Args:
        resolver: resolves host names.
        egress: vets addresses.
        tls: the TLS contexts.
        tenant: the slug of the checks' tenant; only needed if the policy names tenants.

    Attributes:
        tls: as given.
    """

    def __init__(
        self, resolver: Resolver, egress: EgressPolicy, tls: TlsContexts | None = None, tenant: str = ""
    ) -> None:
        self._resolver = resolver
        self._egress = egress
        self._tenant = tenant
        self.tls = tls or TlsContexts()

    def of(self, tenant: str) -> "Network":
        """Return the network for the checks of a tenant."""
        return self if tenant == self._tenant else Network(self._resolver, self._egress, self.tls, tenant)

    @property
    def name_servers(self) -> NameServers:
        """The monitor's own name servers, which checks may query, too."""
        return self._resolver.names

    async def connect(
        self, host: str, literal: str | None, seen: Observation, connection_to: Callable[[str], Connection]
    ) -> Connection:
        """Connect to a host; return the connection, on which the handler has started.

        Args:
            host: a host name in ASCII, or an address.
            literal: the host itself if it is an address.
            seen: receives the progress, also of a failed or cancelled attempt.
            connection_to: creates a connection to a literal address; several may race.

        Raises:
            ProbeFailure: there is no connection.
            InternalProbeError: the target is blocked, or the monitor itself failed.
        """
        return await dial([connection_to(address) for address in await self.addresses(host, literal, seen)])

    async def over_tls(
        self, server: TlsTarget, seen: Observation, connection_to: Callable[[str, Engine], TlsConnection]
    ) -> Connection:
        """Connect to a server with TLS and wait until the handler has received enough; return the closed connection.

        The fastest library is tried first. If it is undecided, OpenSSL judges over another connection, and is tried
        first for the next hour.

        Args:
            server: the server.
            seen: receives the progress, also of a failed or cancelled attempt.
            connection_to: creates a connection to a literal address.

        Raises:
            ProbeFailure: there is no connection, or the handler failed.
            InternalProbeError: the target is blocked, or the monitor itself failed.
        """
        tls = self.tls
        addresses = await self.addresses(server.host, server.literal, seen)
        key = hash((server.host, server.port, server.options, server.protocol))
        judge = tls.libraries.library_for(key)
        context = tls.of(server.options, server.protocol)
        fast = tls.fast(server.options, server.protocol) if judge is TlsLibrary.FASTEST else None
        if judge is not TlsLibrary.WATCHED:
            first = fast or OpenSsl(context, is_watched=False)
            connection = await dial([connection_to(address, first) for address in addresses])
            try:
                await connection.wait_closed()
            except Undecided:
                seen.next_connection()
            except asyncio.CancelledError:
                if seen.tls_us is None:
                    connection.report_connected()  # there will be no other connection
                raise
            else:
                return connection
        connection = await dial([connection_to(address, OpenSsl(context)) for address in addresses])
        try:
            await connection.wait_closed()
        finally:
            if judge is not TlsLibrary.WATCHED:
                is_for_openssl = fast is not None and connection.is_explained
                tls.libraries.remember(key, TlsLibrary.OPENSSL if is_for_openssl else TlsLibrary.WATCHED)
        return connection

    async def addresses(self, host: str, literal: str | None, seen: Observation) -> list[str]:
        """Return the admitted addresses of a host in the order to try them; at least one (semantics.md §22).

        Raises:
            ProbeFailure: DNS.
            InternalProbeError: BLOCKED_TARGET, or the monitor itself failed.
        """
        found = (literal,) if literal is not None else await self._resolve(host, seen)
        admitted, refusing = [], ""
        for address in found:
            setting = self._egress.refused_by(address, self._tenant)
            if setting is None:
                admitted.append(address)
            else:
                refusing = setting
        if not admitted:
            # The address would reveal the internal network. ERROR, because a target that was not dialled has not
            # failed.
            sentence = f"target address is blocked by the egress policy ({refusal_reason(refusing)})"
            raise InternalProbeError(sentence, ErrorKind.BLOCKED_TARGET)
        return admitted

    async def _resolve(self, host: str, seen: Observation) -> tuple[str, ...]:
        start = time.perf_counter_ns()
        begun_s = self._resolver.names.now_s()
        try:
            # The addresses that an earlier attempt used may be the reason of its failure.
            found = await self._resolver.resolve(host, anew=seen.attempt > 1)
        except asyncio.CancelledError:
            seen.resolver_unresponsive = self._resolver.names.are_unresponsive(begun_s)
            raise
        except NoNameServer as error:
            raise InternalProbeError(str(error)) from error
        except ResolutionError as error:
            raise ProbeFailure(ErrorKind.DNS, str(error)) from error
        seen.dns_us = (time.perf_counter_ns() - start) // 1000
        if seen.on_phase is not None:
            seen.on_phase("dns", seen.dns_us)
        return found
