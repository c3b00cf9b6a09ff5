"""A configuration file for the OpenSSL that Python uses, in a process where `ssl` was imported before.

OpenSSL reads the file that OPENSSL_CONF names when `ssl` is imported, once.
"""

import _ssl
import ctypes
import os

_OK = 1


def load(path: str) -> bool:
    """Apply a file as well; what it says of TLS replaces what the one before said. Return whether it is in force."""
    try:
        # Searched with the libraries that it is linked to. Some builds of Python have OpenSSL inside and hide it.
        apply = ctypes.CDLL(_ssl.__file__).CONF_modules_load_file
    except (AttributeError, OSError):
        return False
    apply.argtypes, apply.restype = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong), ctypes.c_int
    return bool(apply(os.fsencode(path), None, 0) == _OK)
