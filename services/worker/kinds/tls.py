"""The TLS probe: performs a handshake, verifies the server, and tests how long its certificate remains valid."""

from datetime import UTC, datetime, timedelta

from services.checks.outcome import ErrorKind
from services.checks.specs.hosts import ascii_host, literal
from services.checks.specs.tls import StartTls, TlsSpec
from services.wire.connection import Connection
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.wire.start_tls import DIALOGUES
from services.wire.starttls_connection import StartTlsConnection
from services.wire.tls import ANY
from services.wire.tls_connection import Engine, TlsConnection
from services.wire.watched_tls import OpenSsl

_DAY = timedelta(days=1)


class TlsProbe:
    """Makes attempts of a TLS check.

    Args:
        spec: host and port, the options of verification and the least validity.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: TlsSpec) -> None:
        self._spec = spec

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Connect, start TLS by STARTTLS if the check requires it, complete the handshake, and test the certificate.

        Raises:
            ProbeFailure: the connection, the handshake or the verification fails, or the certificate expires too soon;
                the kind is the reason.
            InternalProbeError: an internal error occurs.
        """
        spec = self._spec
        host = ascii_host(spec.host)
        # SNI has no trailing dot (RFC 6066 §3).
        name = spec.server_name or host.removesuffix(".")

        if spec.start_tls is None:

            def connection_to(address: str, engine: Engine) -> TlsConnection:
                return TlsConnection(address, spec.port, seen, _HandshakeAlone(), engine, name)

            server = TlsTarget(host=host, literal=literal(host), port=spec.port, options=spec.options, protocol=ANY)
            await network.over_tls(server, seen, connection_to)
        else:
            await _after_plain(spec, spec.start_tls, network, seen, name)
        refuse_short_lived(seen.tls_not_after, datetime.now(UTC), spec.min_days_left)


async def _after_plain(spec: TlsSpec, start_tls: StartTls, network: Network, seen: Observation, name: str) -> None:
    # One connection by OpenSSL, without a first try by the fast TLS library: mail servers limit connections.
    host, engine = ascii_host(spec.host), OpenSsl(network.tls.of(spec.options, ANY))

    def connection_to(address: str) -> Connection:
        dialogue = DIALOGUES[start_tls]()
        return StartTlsConnection(address, spec.port, seen, _HandshakeAlone(), engine, name, dialogue=dialogue)

    connection = await network.connect(host, literal(host), seen, connection_to)
    await connection.wait_closed()


class _HandshakeAlone:
    """Completes after the handshake, without sending or reading application data."""

    def on_connected(self, connection: Connection) -> None:
        """Complete once the server cannot reject the client any more."""
        if isinstance(connection, TlsConnection):
            connection.complete_when_admitted()

    def on_data(self, data: bytes) -> None:
        """Ignore the data."""

    def on_eof(self, error: Exception | None) -> None:
        """Ignore the end of the connection."""

    def on_closed(self) -> None:
        """Do nothing: there is nothing to release."""


def refuse_short_lived(not_after: datetime | None, now: datetime, min_days_left: int) -> None:
    """Fail if a certificate expires too soon. Pure.

    Args:
        not_after: when the certificate expires; None if the certificate cannot be parsed.
        now: the present time.
        min_days_left: the least number of full days left; with 0 only an expired certificate fails.

    Raises:
        ProbeFailure: TLS; the message has the number of days left and the minimum.
    """
    if not_after is None:
        raise ProbeFailure(ErrorKind.TLS, "certificate cannot be parsed")
    days = (not_after - now) // _DAY
    if days < 0:
        raise ProbeFailure(ErrorKind.TLS, f"certificate has expired: it was valid until {not_after:%Y-%m-%d}")
    if days < min_days_left:
        left = "1 day" if days == 1 else f"{days} days"
        raise ProbeFailure(
            ErrorKind.TLS,
            f"certificate expires in {left}, on {not_after:%Y-%m-%d}; minimum {min_days_left} days",
        )
