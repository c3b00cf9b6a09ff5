"""What statements of several stores say alike."""

from services.checks.check_settings import SETTING_COLUMNS
from services.checks.result import RESULT_COLUMNS

# Channel: the payload is the transaction that recorded results.
RECORDED = "results_recorded"
ACQUIRE_S = 5.0

CHECK = ", ".join(
    f"c.{column}" for column in ("tenant_id", "service_id", "id", "shard", "kind", "spec_message", *SETTING_COLUMNS)
)
# The address as text: the driver would make an object of it that costs more than the rest of the row.
RECORDED_RESULT = "recorded_xid, " + ", ".join(
    f"host({each.name}) AS {each.name}" if each.sql == "inet" else each.name for each in RESULT_COLUMNS
)


def insert_into(table: str) -> str:
    """Return an insert of many results, given as result_columns gives them."""
    types = ("text" if each.sql == "inet" else each.sql for each in RESULT_COLUMNS)
    arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, 1))
    columns = ", ".join(each.name for each in RESULT_COLUMNS)
    values = ", ".join(f"{each.name}::inet" if each.sql == "inet" else each.name for each in RESULT_COLUMNS)
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM unnest({arrays}) AS r({columns})"  # noqa: S608 — our own names
