"""Envoy's configuration, derived from the contract and the settings."""
