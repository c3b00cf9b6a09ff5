"""Reloads the TLS certificate: passes a replaced one to Envoy, and keeps the current one if the new one is invalid."""

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client.core import Metric

from cli.door import certificate
from cli.door.certificate import Certificate, CertificateError
from cli.output import Output
from services.platform.configuration.settings import TlsFiles
from services.platform.metrics.exposition import counter, gauge
from services.platform.security.tls_context import unverified_context

_POLL_S = 0.5
_SERVED_S = 10.0
# A fixed interval without backoff: Envoy runs on this machine and is polled for a limited time.
_ASK_S = 0.1


class CertificateReloader:
    """Reads the certificate at start and whenever one of its files changes.

    Args:
        files: the operator's files.
        secret: the file that Envoy reads.
        door: an address and a port on which Envoy serves it.
        output: where to log.

    Attributes:
        current: the certificate last passed to Envoy.

    Raises:
        CertificateError: the files are invalid.
        OSError: Envoy's file cannot be written.
    """

    def __init__(self, files: TlsFiles, secret: Path, door: tuple[str, int], output: Output) -> None:
        self._files = files
        self._secret = secret
        self._door = door
        self._output = output
        self._reloads = {"ok": 0, "failed": 0}
        self._seen = self._read = self._state()
        self.current = certificate.read(files)
        certificate.write(self.current, secret)
        self._warn_if_out_of_date()

    async def run(self) -> None:
        """Watch the files for changes until cancelled."""
        while True:
            await asyncio.sleep(_POLL_S)
            await self._reload_if_changed()

    def collect(self) -> Iterator[Metric]:
        """Return the metrics for Prometheus."""
        yield counter(
            "sentinel_tls_certificate_reloads",
            "Reloads of the TLS certificate, by result.",
            ("result",),
            {(result,): count for result, count in self._reloads.items()},
        )
        yield gauge(
            "sentinel_tls_certificate_expire_timestamp_seconds",
            "When the served TLS certificate expires.",
            (),
            {(): self.current.expire_time.timestamp()},
        )

    async def _reload_if_changed(self) -> None:
        before, self._seen = self._seen, self._state()
        # The two files are not replaced atomically: debounce, read them once they have not changed for one interval.
        if self._seen != before or self._seen == self._read:
            return
        self._read = self._seen
        try:
            new = certificate.read(self._files)
            if new == self.current:
                return
            await self._serve(new)
        except (CertificateError, OSError) as error:
            self._reloads["failed"] += 1
            self._output.say(f"TLS certificate reload failed, keeping the current certificate: {error}")
            return
        self.current = new
        self._reloads["ok"] += 1
        self._output.say(f"TLS certificate reloaded, expires at {new.expire_time:%Y-%m-%d %H:%M} UTC")
        self._warn_if_out_of_date()

    async def _serve(self, new: Certificate) -> None:
        """Pass a certificate to Envoy, and return once Envoy serves it.

        Raises:
            CertificateError: Envoy does not serve it; the previous one is restored.
            OSError: its file cannot be written.
        """
        certificate.write(new, self._secret)
        try:
            async with asyncio.timeout(_SERVED_S):
                while await self._presented() != new.der:  # noqa: ASYNC110 — Envoy gives no event to wait for
                    await asyncio.sleep(_ASK_S)
        except TimeoutError:
            certificate.write(self.current, self._secret)
            raise CertificateError(f"Envoy does not serve {self._files.certificate} after {_SERVED_S:g} s") from None

    async def _presented(self) -> bytes | None:
        with suppress(OSError):  # ssl.SSLError is one
            _, writer = await asyncio.open_connection(*self._door, ssl=unverified_context())
            try:
                tls: ssl.SSLObject = writer.get_extra_info("ssl_object")
                return tls.getpeercert(binary_form=True)
            finally:
                writer.close()
        return None

    def _state(self) -> list[tuple[int, int, int, int] | None]:
        """Return a fingerprint of the files, following symbolic links."""
        return [_state(path) for path in (self._files.certificate, self._files.key)]

    def _warn_if_out_of_date(self) -> None:
        leaf, now = self.current.leaf, datetime.now(UTC)
        if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
            period = f"from {leaf.not_valid_before_utc:%Y-%m-%d} to {leaf.not_valid_after_utc:%Y-%m-%d}"
            self._output.say(
                f"the TLS certificate in {self._files.certificate} is valid {period}: clients reject it now"
            )


def _state(path: Path) -> tuple[int, int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns
