"""The SQL of auth, one file for each kind of object.

The tenant, or an actor of it, is the first argument of each tenant-owned statement, and is set for row-level security
too. Each change writes its audit entry in the same transaction.
"""

from services.auth.store.api_keys import ApiKeySql
from services.auth.store.audit import AuditSql
from services.auth.store.installation import InstallationSql
from services.auth.store.invitations import InvitationSql
from services.auth.store.sessions import SessionSql
from services.auth.store.tenants import TenantSql
from services.auth.store.users import UserSql


class AuthStore(TenantSql, UserSql, SessionSql, InvitationSql, ApiKeySql, AuditSql, InstallationSql):
    """The database of auth."""
