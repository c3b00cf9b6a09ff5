"""Load a configuration file into Python's OpenSSL after `ssl` was imported.

OpenSSL itself reads the file in OPENSSL_CONF only once, when `ssl` is imported.
"""

import _ssl
import ctypes
import os

_OK = 1


def load(path: str) -> bool:
    """Apply a further file, whose TLS settings replace those of the previous file; return whether it was applied."""
    try:
        # The symbol is found in a linked library. Some builds of Python link OpenSSL statically and hide it.
        apply = ctypes.CDLL(_ssl.__file__).CONF_modules_load_file
    except (AttributeError, OSError):
        return False
    apply.argtypes, apply.restype = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong), ctypes.c_int
    return bool(apply(os.fsencode(path), None, 0) == _OK)
