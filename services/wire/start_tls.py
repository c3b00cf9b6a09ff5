"""The plaintext dialogues before STARTTLS: SMTP (RFC 3207) and IMAP (RFC 9051 §6.2.1). Pure.

A dialogue is a generator: it yields what to send, empty to continue waiting, and is sent one line at a time, without
the line break. It returns when the server has confirmed STARTTLS. No received data is used after that, because an
attacker may have injected it.
"""

import re
from collections.abc import Callable, Generator, Mapping

from services.checks.outcome import ErrorKind
from services.checks.specs.tls import StartTls
from services.wire.probe_failure import ProbeFailure

Dialogue = Generator[bytes, bytes, None]

_REPLY = re.compile(rb"([2-5][0-9]{2})(?:[ -](.*))?", re.DOTALL)
_TAG = b"s1"


def _smtp() -> Dialogue:
    yield from _reply("the connection", b"", b"220")
    # An address literal is accepted by servers that would resolve a name (RFC 5321 §4.1.3); this one reveals nothing.
    offers = yield from _reply("EHLO", b"EHLO [127.0.0.1]\r\n", b"250")
    if b"STARTTLS" not in offers:
        raise ProbeFailure(ErrorKind.TLS, "server does not offer STARTTLS")
    yield from _reply("STARTTLS", b"STARTTLS\r\n", b"220")


def _reply(to: str, command: bytes, wanted: bytes) -> Generator[bytes, bytes, list[bytes]]:
    """Send a command, and receive the whole reply (RFC 5321 §4.2.1); return its lines' texts in upper case."""
    texts = []
    say = command
    while True:
        line = yield say
        say = b""
        reply = _REPLY.fullmatch(line)
        if reply is None:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server does not speak SMTP")
        texts.append((reply[2] or b"").strip().upper())
        if line[3:4] != b"-":
            break
    if reply[1] != wanted:
        kind = ErrorKind.TLS if to == "STARTTLS" else ErrorKind.PROTOCOL
        raise ProbeFailure(kind, f"server rejected {to} with {reply[1].decode()}")
    return texts


def _imap() -> Dialogue:
    greeting = yield b""
    match greeting.upper().split(maxsplit=2)[:2]:
        case [b"*", b"OK"]:
            pass
        case [b"*", b"BYE"]:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server rejected the connection (BYE)")
        case [b"*", b"PREAUTH"]:
            raise ProbeFailure(
                ErrorKind.TLS, "server does not offer STARTTLS: the connection is already authenticated (PREAUTH)"
            )
        case _:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server does not speak IMAP")
    line = yield _TAG + b" STARTTLS\r\n"
    while line.startswith(b"* "):
        line = yield b""
    match line.upper().split(maxsplit=2)[:2]:
        case [tag, b"OK"] if tag == _TAG.upper():
            return
        case [tag, b"NO" | b"BAD"] if tag == _TAG.upper():
            raise ProbeFailure(ErrorKind.TLS, "server rejected STARTTLS")
        case _:
            raise ProbeFailure(ErrorKind.PROTOCOL, "server does not speak IMAP")


DIALOGUES: Mapping[StartTls, Callable[[], Dialogue]] = {StartTls.SMTP: _smtp, StartTls.IMAP: _imap}
