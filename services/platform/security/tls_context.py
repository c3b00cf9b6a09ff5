"""The TLS contexts of probes, with the same verification on every version of Python (docs/adr/0026, 0038).

`ssl.create_default_context` and `httpx.create_ssl_context` choose verification flags that depend on the version of
Python, and leave the minimum version of TLS to its build. The linter forbids them elsewhere, and a test checks both.
"""

import ssl

import httpx

# The cipher suites that curl offers with AES and ChaCha20, without Diffie-Hellman over finite fields, whose parameters
# the server chooses: some cost a client a third of a second. Servers that support only static RSA or CBC are reachable,
# as from curl and browsers.
_CIPHERS = (
    "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!aDSS:!PSK:!SRP:!AESCCM:!AESCCM8"
)
VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
"""A chain may end at any trusted certificate, as in curl and Go. VERIFY_X509_STRICT stays off.

Python adds both from 3.13 on.
"""


def public_context() -> ssl.SSLContext:
    """Return a context that verifies servers against the public authorities.

    They come from SSL_CERT_FILE or SSL_CERT_DIR, or else from certifi.
    """
    return _alike(httpx.create_ssl_context())  # noqa: TID251 — its flags are replaced at once


def context_trusting(authorities: str) -> ssl.SSLContext:
    """Return a context that verifies servers against the given authorities only.

    Args:
        authorities: one or more certificates in PEM.

    Raises:
        ssl.SSLError: the text contains no certificate, or an invalid one.
        TypeError: the text is not ASCII.
        ValueError: the text is empty.
    """
    context = _alike(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.load_verify_locations(cadata=authorities)
    return context


def unverified_context() -> ssl.SSLContext:
    """Return a context that accepts any certificate for any name."""
    context = _alike(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _alike(context: ssl.SSLContext) -> ssl.SSLContext:
    """Set all options that would otherwise depend on the interpreter."""
    context.verify_flags = VERIFY_FLAGS
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    return context
