"""SQL of the last failing result of an incident."""

from services.checks.outcome import Outcome


def last_failure(until: str) -> str:
    """Return a query for error kind, message and status code of the last failing result of an incident `i`.

    Args:
        until: an SQL expression for the end of the incident.
    """
    return f"""
        SELECT r.error_kind, r.error_message, r.status_code FROM results r
        WHERE r.tenant_id = i.tenant_id AND r.check_id = i.check_id
          AND r.slot_time >= i.start_time AND r.slot_time < {until} AND r.outcome = {int(Outcome.DOWN)}
        ORDER BY r.slot_time DESC LIMIT 1
    """  # noqa: S608 — our own text
