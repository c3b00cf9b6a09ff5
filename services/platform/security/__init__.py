"""Credentials, tokens, keys, encryption, and the audit log."""
