"""Heartbeats: reported successes and failures, and overdue signals."""

from tests.integration.real_world.row import UP, Json, Row, Verdict, down, error, refused
from tests.integration.real_world.servers import NOBODY, Job

_DAY = 86_400.0
_HOUR = 3_600.0
_CODES = "healthchecks/healthchecks#151"


def _every(interval_s: float, grace_s: float = 0.0) -> Json:
    return {"interval": f"{interval_s:g}s", "heartbeat": {"grace": f"{grace_s:g}s"}}


def _row(name: str, job: Job, check: Json, verdict: Verdict, source: str, why: str = "") -> Row:
    return Row(name=name, target=job, check=check, verdict=verdict, source=source, why=why)


def _succeeded(ago: float, **more: float) -> Job:
    return Job(signal=ago, success=ago, exit_code=0, **more)  # type: ignore[arg-type] # as Job has them


def _failed(code: int | None, *, ago: float = 10.0, success: float | None = None, on: float = _DAY) -> Job:
    return Job(on=on, signal=ago, success=success, exit_code=code)


_DAILY = _every(_DAY, _HOUR)
_MINUTELY = _every(60)

ROWS = (
    _row("The job ran within the interval", _succeeded(_HOUR), _DAILY, UP, "louislam/uptime-kuma#3599"),
    _row("The job ran one moment ago", _succeeded(0), _MINUTELY, UP, "louislam/uptime-kuma#1747"),
    _row(
        "The job is as late as the grace allows",
        _succeeded(_DAY + _HOUR, on=9 * _DAY),
        _DAILY,
        UP,
        "louislam/uptime-kuma#2445",
    ),
    _row(
        "The job is later than the grace allows",
        _succeeded(_DAY + _HOUR + 60, on=9 * _DAY),
        _DAILY,
        down("HEARTBEAT_OVERDUE", "no signal for 1 d 1 h"),
        "louislam/uptime-kuma#2445",
    ),
    _row("The job is exactly due, without grace", _succeeded(60), _MINUTELY, UP, "louislam/uptime-kuma#1747"),
    _row(
        "The job is a second late, without grace",
        _succeeded(61),
        _MINUTELY,
        down("HEARTBEAT_OVERDUE", "no signal for 1 min 1 s"),
        "louislam/uptime-kuma#2045",
    ),
    _row(
        "The job has sent no signal for a week",
        _succeeded(7 * _DAY, on=30 * _DAY),
        _DAILY,
        down("HEARTBEAT_OVERDUE", "no signal for"),
        "louislam/uptime-kuma#6069",
    ),
    _row(
        "A weekly job ran six days ago",
        _succeeded(6 * _DAY, on=30 * _DAY),
        _every(7 * _DAY),
        UP,
        "louislam/uptime-kuma#3590",
    ),
    _row(
        "The check is new, and the job has not run yet",
        Job(on=10),
        _DAILY,
        error("NO_SIGNAL_YET", "no signal yet"),
        "rajnandan1/kener#450",
        "Nothing is overdue",
    ),
    _row(
        "The job has not run since the check was enabled",
        Job(on=3 * _DAY),
        _DAILY,
        down("HEARTBEAT_OVERDUE", "no signal for"),
        "louislam/uptime-kuma#6069",
    ),
    *(
        _row(
            f"The job ended with exit code {code}".replace("-", "minus "),
            _failed(code),
            _DAILY,
            down("HEARTBEAT_FAILED", f"exit code {code}"),
            source,
        )
        for code, source in (
            (1, _CODES),
            (2, _CODES),
            (127, "bash manual, exit status"),
            (137, "bash manual, exit status"),
            (255, _CODES),
            (-2, "Windows, exit codes of 32 bits"),
            (-1073741819, "Windows, exit codes of 32 bits"),
            (3221225477, "Windows, exit codes of 32 bits"),
        )
    ),
    _row(
        "The job reports a failure without an exit code",
        _failed(None),
        _DAILY,
        down("HEARTBEAT_FAILED", "reported a failure"),
        "louislam/uptime-kuma#5639",
    ),
    _row(
        "The job failed after a success",
        _failed(1, ago=10, success=_HOUR),
        _DAILY,
        down("HEARTBEAT_FAILED", "exit code 1"),
        "louislam/uptime-kuma#6586",
        "A reported failure persists until the next success",
    ),
    _row(
        "The job failed, ran again and succeeded before the slot",
        Job(signal=5, success=5, exit_code=0, failure=10, failure_code=3),
        _MINUTELY,
        down("HEARTBEAT_FAILED", "exit code 3, followed by a success"),
        "louislam/uptime-kuma#5639",
        "This slot reports the failure, the next one the success",
    ),
    _row(
        "The job failed before the last slot and has succeeded since",
        Job(signal=5, success=5, exit_code=0, failure=90, failure_code=3),
        _MINUTELY,
        UP,
        "louislam/uptime-kuma#5639",
    ),
    _row(
        "The job succeeded after a failure",
        Job(signal=10, success=10, exit_code=0),
        _DAILY,
        UP,
        "louislam/uptime-kuma#5639",
    ),
    _row(
        "The job failed long ago and has sent no signal since",
        _failed(1, ago=3 * _DAY, success=4 * _DAY, on=9 * _DAY),
        _DAILY,
        down("HEARTBEAT_FAILED", "exit code 1"),
        "louislam/uptime-kuma#6586",
    ),
    _row(
        "Signals could not be received when one was due",
        Job(on=10 * _DAY, signal=_DAY + 2 * _HOUR, success=_DAY + 2 * _HOUR, exit_code=0, outage=(3 * _HOUR, 600)),
        _DAILY,
        error("NO_SIGNAL_YET", "the monitor could not receive signals"),
        "louislam/uptime-kuma#2045",
        "The monitor may have caused the missing signal",
    ),
    *(
        Row(
            name=f"A heartbeat with {words} is refused",
            target=NOBODY,
            check=check,
            verdict=refused(at, says_),
            source="docs/checks.md",
        )
        for words, check, at, says_ in (
            ("a timeout", {"heartbeat": {}, "timeout": "5s"}, "check.timeout", "cannot be combined with heartbeat"),
            ("retries", {"heartbeat": {}, "retries": 1}, "check.retries", "cannot be combined with heartbeat"),
            ("a grace of 40 days", {"heartbeat": {"grace": "3456000s"}}, "check.heartbeat.grace", "2678400s"),
            ("a negative grace", {"heartbeat": {"grace": "-1s"}}, "check.heartbeat.grace", "0s"),
            ("an interval of a second", {"heartbeat": {}, "interval": "1s"}, "check.interval", "5s"),
            ("an interval of 40 days", {"heartbeat": {}, "interval": "3456000s"}, "check.interval", "2678400s"),
        )
    ),
)
