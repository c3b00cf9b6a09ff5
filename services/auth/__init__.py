"""The auth service: tenants, users, sessions, API keys, invitations, the audit log."""
