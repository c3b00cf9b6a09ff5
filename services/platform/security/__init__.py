"""Credentials, tokens and keys: who calls, what may be encrypted with what, what is written to the audit log."""
