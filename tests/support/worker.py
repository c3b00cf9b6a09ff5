"""Checks of workers, for tests that need no database."""

from typing import Any
from uuid import UUID

from services.checks.check_settings import SETTING_COLUMNS, CheckSettings
from services.checks.specs.http import HttpSpec
from services.checks.specs.spec import Spec
from services.platform.clock import SECOND_US
from services.worker.schedule import ScheduledCheck

_ID = UUID(int=3)
PLENTY_S = 30.0


def a_scheduled_check(check_id: UUID = _ID, interval_us: int = 10 * SECOND_US, **rest: Any) -> ScheduledCheck:
    """Return a check that is on since the epoch, unless other fields are given."""
    given = {name: rest.pop(name) for name in SETTING_COLUMNS if name in rest}
    settings = {"interval_us": interval_us, "timeout_us": interval_us // 2, "retry_delay_us": 0, **given}
    figures: dict[str, Any] = {
        "tenant_id": UUID(int=1),
        "service_id": UUID(int=2),
        "shard": 0,
        "spec": HttpSpec(url="http://target.test/"),
        "target": "target.test",
        "since_us": 0,
    }
    return ScheduledCheck(id=check_id, settings=CheckSettings(**settings), **{**figures, **rest})


def a_check_of(spec: Spec, timeout_s: float = PLENTY_S, **rest: Any) -> ScheduledCheck:
    """Return a check of a spec, for runs without a schedule."""
    return a_scheduled_check(spec=spec, target=spec.target, timeout_us=round(timeout_s * SECOND_US), **rest)
