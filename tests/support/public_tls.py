"""Contexts that trust the public authorities, made once in each test process.

Reading the public authorities takes 60 ms of CPU, and hardly a test shows a certificate of one.
"""

from functools import cache

from services.wire.tls import TlsContexts
from services.wire.tls_library_cache import TlsLibraryCache

_made = cache(TlsContexts)


def public_tls() -> TlsContexts:
    """Return contexts that trust the public authorities and remember no server."""
    contexts = _made()
    contexts.libraries = TlsLibraryCache()
    return contexts
