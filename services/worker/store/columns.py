"""What statements of several stores say alike."""

from services.worker.rows import RESULT_TYPES

# Channel: the payload is the transaction that recorded results.
RECORDED = "results_recorded"
ACQUIRE_S = 5.0

CHECK = """
    c.tenant_id, c.service_id, c.id, c.shard, c.kind, c.spec, c.interval_us, c.timeout_us,
    c.failure_threshold, c.recovery_threshold, c.retries, c.retry_delay_us
"""
# The address as text: the driver would make an object of it that costs more than the rest of the row.
RECORDED_RESULT = """
    recorded_xid, tenant_id, check_id, slot_time, service_id, start_time, interval_us, outcome, error_kind,
    missed_reason, slot_count, status_code, dns_us, connect_us, tls_us, ttfb_us, transfer_us, total_us,
    body_bytes, redirects, attempt, tls_not_after, tls_version, tls_warning, host(resolved_ip) AS resolved_ip,
    http_version, failed_assertions, slow, attempts, error_message, worker_id
"""


def insert_into(table: str) -> str:
    """An insert of many results, given as result_columns gives them."""
    arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(RESULT_TYPES.values(), 1))
    columns = ", ".join(RESULT_TYPES)
    values = columns.replace("resolved_ip", "resolved_ip::inet")
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM unnest({arrays}) AS r({columns})"  # noqa: S608 — our own names
