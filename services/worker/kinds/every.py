"""How each kind of check is probed."""

from collections.abc import Mapping
from typing import Any

from services.common.specs.heartbeat import HeartbeatSpec
from services.common.specs.http import HttpSpec
from services.common.specs.spec import Spec
from services.worker.kinds.heartbeat import Heartbeat
from services.worker.kinds.http import Http
from services.worker.kinds.kind import Kind
from services.worker.signals import Signals


def every_kind(signals: Signals | None) -> Mapping[type[Spec], Kind[Any]]:
    """All kinds, by what they probe.

    Args:
        signals: what jobs have reported; without it heartbeats are left out.
    """
    kinds: dict[type[Spec], Kind[Any]] = {
        HttpSpec: Http(),
    }
    if signals is not None:
        kinds[HeartbeatSpec] = Heartbeat(signals)
    return kinds
