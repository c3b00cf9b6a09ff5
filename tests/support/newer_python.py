"""Verification of certificates as Python chooses it by default from 3.13 on, on any Python."""

import ssl
from typing import Any

import pytest


def verify_as_python_3_13(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make `ssl.create_default_context` set the flags that it sets from Python 3.13 on."""
    make = ssl.create_default_context  # noqa: TID251 — this is what the test is about

    def strict(*args: Any, **kwargs: Any) -> ssl.SSLContext:
        context = make(*args, **kwargs)
        context.verify_flags |= ssl.VerifyFlags.VERIFY_X509_STRICT | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
