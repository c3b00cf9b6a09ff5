"""TLS: a handshake, whether the server is who it says, and how long its certificate is good for."""

from datetime import UTC, datetime, timedelta

from services.checks.outcome import ErrorKind
from services.checks.specs.hosts import ascii_host, literal
from services.checks.specs.tls import StartTls, TlsSpec
from services.wire.link import Link
from services.wire.network import Network, TlsTarget
from services.wire.observation import Observation
from services.wire.plain_first import PlainFirstLink
from services.wire.probe_failure import ProbeFailure
from services.wire.secure import Engine, SecureLink
from services.wire.start_tls import DIALOGUES
from services.wire.tls import ANY
from services.wire.watched_tls import OpenSsl

_DAY = timedelta(days=1)


class TlsProbe:
    """Makes attempts of a TLS check.

    Args:
        spec: what to probe, and what to expect.
    """

    __slots__ = ("_spec",)

    def __init__(self, spec: TlsSpec) -> None:
        self._spec = spec

    async def attempt(self, network: Network, seen: Observation) -> None:
        """Connect, speak what comes before TLS, shake hands, and look at the certificate.

        Raises:
            ProbeFailure: the server is not to be trusted, or not for long enough; its kind says why.
            OwnTrouble: for a reason of our own.
        """
        spec = self._spec
        host = ascii_host(spec.host)
        # A name is asked for without the dot that ends it (RFC 6066 §3).
        name = spec.server_name or host.removesuffix(".")

        if spec.start_tls is None:

            def link_to(address: str, engine: Engine) -> SecureLink:
                return SecureLink(address, spec.port, seen, _HandshakeAlone(), engine, name)

            server = TlsTarget(host=host, literal=literal(host), port=spec.port, options=spec.options, protocol=ANY)
            await network.over_tls(server, seen, link_to)
        else:
            await _after_plain(spec, spec.start_tls, network, seen, name)
        refuse_short_lived(seen.tls_not_after, datetime.now(UTC), spec.min_days_left)


async def _after_plain(spec: TlsSpec, start_tls: StartTls, network: Network, seen: Observation, name: str) -> None:
    # OpenSSL alone: mail servers count connections, and none of these checks is made often.
    host, engine = ascii_host(spec.host), OpenSsl(network.tls.of(spec.options, ANY))

    def link_to(address: str) -> Link:
        dialogue = DIALOGUES[start_tls]()
        return PlainFirstLink(address, spec.port, seen, _HandshakeAlone(), engine, name, dialogue=dialogue)

    link = await network.connect(host, literal(host), seen, link_to)
    await link.ended()


class _HandshakeAlone:
    """Says nothing: once hands are shaken, all is known."""

    def begin(self, link: Link) -> None:
        """That was all, unless the server may still refuse us."""
        if isinstance(link, SecureLink):
            link.complete_when_admitted()

    def hear(self, data: bytes) -> None:
        """Nobody listens any more."""

    def hang_up(self, error: Exception | None) -> None:
        """Nor waits."""

    def close(self) -> None:
        """Nothing is held."""


def refuse_short_lived(not_after: datetime | None, now: datetime, min_days_left: int) -> None:
    """Refuse a certificate that is not good for as many full days. Pure.

    Args:
        not_after: when it expires; None when nobody could read that.
        now: the time.
        min_days_left: 0 asks only that it has not expired.

    Raises:
        ProbeFailure: TLS; its sentence says how many are left.
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
