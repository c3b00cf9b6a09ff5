"""Tables of tenants, credentials and the audit log, for SQLAlchemy Core.

The migrations create them; a test compares the two.
"""

from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, SmallInteger, Table, Text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

metadata = MetaData()


def moment(name: str, *, nullable: bool = False) -> "Column[object]":
    """Return a timestamp column."""
    return Column(name, TIMESTAMP(timezone=True), nullable=nullable)


tenants = Table(
    "tenants",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("slug", Text, nullable=False),
    Column("name", Text, nullable=False),
    moment("create_time"),
)

users = Table(
    "users",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("password_hash", Text, nullable=False),
    moment("create_time"),
    moment("disable_time", nullable=True),
    moment("update_time"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("user_id", UUID, nullable=False),
    moment("create_time"),
    moment("expire_time"),
    moment("end_time", nullable=True),
    moment("last_use_time"),
    Column("client", Text, nullable=False),
    Column("address", Text, nullable=False),
)

refresh_tokens = Table(
    "refresh_tokens",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, primary_key=True),
    Column("session_id", UUID, nullable=False),
    moment("create_time"),
    moment("spend_time", nullable=True),
)

signing_keys = Table(
    "signing_keys",
    metadata,
    Column("kid", Text, primary_key=True),
    Column("public_key", LargeBinary, nullable=False),
    moment("create_time"),
    moment("retire_time", nullable=True),
)

invitations = Table(
    "invitations",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("email", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("token_hash", LargeBinary, nullable=False),
    moment("create_time"),
    moment("expire_time"),
)

tenant_invitations = Table(
    "tenant_invitations",
    metadata,
    Column("id", UUID, primary_key=True),
    Column("token_hash", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
    moment("create_time"),
    moment("expire_time"),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", SmallInteger, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("key_hash", LargeBinary, nullable=False),
    moment("create_time"),
    moment("expire_time", nullable=True),
    moment("last_use_time", nullable=True),
)

revocations = Table(
    "revocations",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    Column("kind", SmallInteger, nullable=False),
    Column("subject", UUID, nullable=False),
    Column("role", SmallInteger),
    Column("reason", Text, nullable=False),
    moment("create_time"),
)

tenant_suspensions = Table(
    "tenant_suspensions",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("start_time", TIMESTAMP(timezone=True), primary_key=True),
    moment("end_time", nullable=True),
    Column("reason", Text, nullable=False),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("tenant_id", UUID, primary_key=True),
    Column("id", UUID, primary_key=True),
    moment("create_time"),
    Column("actor_kind", SmallInteger, nullable=False),
    Column("actor_id", UUID),
    Column("actor_name", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("resource_id", UUID, nullable=False),
    Column("before", JSONB(none_as_null=True)),
    Column("after", JSONB(none_as_null=True)),
)

rate_limits = Table(
    "rate_limits",
    metadata,
    Column("key", LargeBinary, primary_key=True),
    moment("empty_time"),
)

clusters = Table(
    "clusters",
    metadata,
    Column("number", SmallInteger, primary_key=True),
    Column("system_identifier", BigInteger, nullable=False),
    moment("enter_time"),
)

secrets = Table(
    "secrets",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
