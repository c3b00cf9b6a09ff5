"""All SQL of auth, a file for each thing that is stored.

The tenant, or the actor who belongs to one, is the first argument of whatever is tenant-owned, and is set for the
policies too. Whatever changes something writes its entry into the audit log in the same transaction.
"""

from services.auth.store.api_keys import ApiKeySql
from services.auth.store.audit import AuditSql
from services.auth.store.installation import InstallationSql
from services.auth.store.invitations import InvitationSql
from services.auth.store.sessions import SessionSql
from services.auth.store.tenants import TenantSql
from services.auth.store.users import UserSql


class AuthStore(TenantSql, UserSql, SessionSql, InvitationSql, ApiKeySql, AuditSql, InstallationSql):
    """Everything that auth keeps in PostgreSQL."""
