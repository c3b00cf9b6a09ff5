"""Mail servers with enough SMTP and IMAP for STARTTLS, over real sockets."""

import asyncio
import ssl
from collections.abc import Sequence

from tests.support.targets import Handler

Script = Sequence[tuple[bytes, bytes]]
"""What is waited for, a line's begin, nothing when empty; and what is said then."""

SMTP: Script = (
    (b"", b"220-mail.acme.test ESMTP\r\n220 no spam\r\n"),
    (b"EHLO ", b"250-mail.acme.test greets you\r\n250-SIZE 1000\r\n250-starttls\r\n250 HELP\r\n"),
    (b"STARTTLS\r\n", b"220 go ahead\r\n"),
)
IMAP: Script = (
    (b"", b"* OK [CAPABILITY IMAP4rev2 STARTTLS] ready\r\n"),
    (b"s1 STARTTLS\r\n", b"* CAPABILITY IMAP4rev2\r\ns1 OK begin\r\n"),
)


def following(script: Script, tls: ssl.SSLContext | None = None, *, in_bytes: bool = False) -> Handler:
    """Return a handler that follows a script, then shakes hands if it can; `in_bytes` sends byte by byte."""

    async def handler(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for awaited, said in script:
            if awaited:
                heard = await reader.readline()
                assert heard.startswith(awaited), heard
            for piece in (said[at : at + 1] for at in range(len(said))) if in_bytes else (said,):
                writer.write(piece)
                await writer.drain()
        if tls is not None:
            await writer.start_tls(tls)

    return handler
