"""The heartbeat probe: evaluates the signals that were received, without a request to any target."""

from services.checks.outcome import Outcome
from services.checks.specs.heartbeat import HeartbeatSpec
from services.platform.errors import Unavailable
from services.wire.internal_error import InternalProbeError
from services.wire.network import Network
from services.wire.observation import Observation
from services.wire.probe_failure import ProbeFailure
from services.worker.heartbeats.heartbeat import verdict_on
from services.worker.heartbeats.signals import Signals


class HeartbeatProbe:
    """Evaluates the signals of a heartbeat check.

    Args:
        spec: the period and the grace.
        signals: reads the signals.
    """

    __slots__ = ("_signals", "_spec")

    def __init__(self, spec: HeartbeatSpec, signals: Signals) -> None:
        self._spec = spec
        self._signals = signals

    async def attempt(self, _network: Network, _seen: Observation) -> None:
        """Require that the last signal reported success and that no signal is overdue.

        Raises:
            ProbeFailure: HEARTBEAT_FAILED or HEARTBEAT_OVERDUE.
            InternalProbeError: NO_SIGNAL_YET; or the signals cannot be read; or the check was deleted.
        """
        spec = self._spec
        try:
            reported = await self._signals.of(spec.of_check) if spec.of_check else None
        except Unavailable as error:
            raise InternalProbeError("database unavailable: the reported signals could not be read") from error
        if reported is None:
            raise InternalProbeError("the heartbeat was deleted")
        verdict = verdict_on(spec, reported)
        if verdict.error_kind is None:
            return
        if verdict.outcome is Outcome.ERROR:
            raise InternalProbeError(verdict.message, verdict.error_kind)
        raise ProbeFailure(verdict.error_kind, verdict.message)
