"""Parts of statements that several stores share."""

from services.checks.check_settings import SETTING_COLUMNS
from services.checks.result import RESULT_COLUMNS

# The channel of recorded results; the payload is the transaction that recorded them.
RECORDED = "results_recorded"
ACQUIRE_S = 5.0

CHECK = ", ".join(
    f"c.{column}" for column in ("tenant_id", "service_id", "id", "shard", "kind", "spec_message", *SETTING_COLUMNS)
)
# The address as text: the driver would create an object that costs more than the rest of the row.
RECORDED_RESULT = "recorded_xid, " + ", ".join(
    f"host({each.name}) AS {each.name}" if each.sql == "inet" else each.name for each in RESULT_COLUMNS
)


def insert_into(table: str) -> str:
    """Return an insert of many results, with the arguments of result_columns."""
    types = ("text" if each.sql == "inet" else each.sql for each in RESULT_COLUMNS)
    arrays = ", ".join(f"${number}::{name}[]" for number, name in enumerate(types, 1))
    columns = ", ".join(each.name for each in RESULT_COLUMNS)
    values = ", ".join(f"{each.name}::inet" if each.sql == "inet" else each.name for each in RESULT_COLUMNS)
    return f"INSERT INTO {table} ({columns}) SELECT {values} FROM unnest({arrays}) AS r({columns})"  # noqa: S608 — our own names
