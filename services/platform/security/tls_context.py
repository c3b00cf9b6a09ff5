"""The TLS contexts that targets are probed with. They verify alike on every Python (docs/adr/0026, 0038).

`ssl.create_default_context` and `httpx.create_ssl_context` choose verification flags that depend on the version of
Python, and leave the oldest version of TLS to its build. They are called nowhere else: the linter refuses them, and a
test looks at both.
"""

import ssl

import httpx

# Those that curl offers, with AES and ChaCha20, without Diffie-Hellman over finite fields: there a server chooses the
# numbers, and can choose such that cost a client a third of a second. Servers that have nothing better than static RSA
# or CBC are reached by curl and by browsers.
_CIPHERS = (
    "@SECLEVEL=2:ECDH+AESGCM:ECDH+CHACHA20:ECDH+AES:RSA+AESGCM:RSA+AES:!aNULL:!eNULL:!aDSS:!PSK:!SRP:!AESCCM:!AESCCM8"
)
VERIFY_FLAGS = ssl.VerifyFlags.VERIFY_X509_TRUSTED_FIRST | ssl.VerifyFlags.VERIFY_X509_PARTIAL_CHAIN
"""A chain may end at any certificate that is trusted, as with curl and Go. VERIFY_X509_STRICT stays off.

Python adds both from 3.13 on.
"""


def public_context() -> ssl.SSLContext:
    """Make a context that verifies servers against the public authorities.

    These are those of SSL_CERT_FILE or SSL_CERT_DIR, or else the ones that certifi ships.
    """
    return _alike(httpx.create_ssl_context())  # noqa: TID251 — its flags are replaced at once


def context_trusting(authorities: str) -> ssl.SSLContext:
    """Make a context that verifies servers against some authorities and no others.

    Args:
        authorities: one or more certificates in PEM.

    Raises:
        ssl.SSLError: the text holds no certificate, or a broken one.
        TypeError: the text is not ASCII.
        ValueError: the text is empty.
    """
    context = _alike(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.load_verify_locations(cadata=authorities)
    return context


def unverified_context() -> ssl.SSLContext:
    """Make a context that takes any certificate, for any name."""
    context = _alike(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _alike(context: ssl.SSLContext) -> ssl.SSLContext:
    """Set what would depend on the interpreter."""
    context.verify_flags = VERIFY_FLAGS
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    return context
