"""What is said in plain until TLS may begin: STARTTLS of SMTP (RFC 3207) and of IMAP (RFC 9051 §6.2.1). Pure.

A dialogue is a generator: it yields what to send, nothing while it waits on, and is sent one line after the other,
without its end. It returns when the server has said that TLS may begin. Nothing that it hears is believed any further:
all of it came over a line that anybody may have written on.
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
    # An address literal is taken by servers that would look a name up (RFC 5321 §4.1.3); this one tells nothing of us.
    offers = yield from _reply("EHLO", b"EHLO [127.0.0.1]\r\n", b"250")
    if b"STARTTLS" not in offers:
        raise ProbeFailure(ErrorKind.TLS, "server does not offer STARTTLS")
    yield from _reply("STARTTLS", b"STARTTLS\r\n", b"220")


def _reply(to: str, command: bytes, wanted: bytes) -> Generator[bytes, bytes, list[bytes]]:
    """Say something, and hear the whole reply (RFC 5321 §4.2.1); answers its lines' texts in upper case."""
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
