"""TCP: connections, banners and responses."""

from typing import Any

from tests.integration.real_world.row import UP, Json, Row, down, refused
from tests.integration.real_world.servers import NOBODY, Tcp

_BANNERS = "prometheus/blackbox_exporter, example.yml"
_LINES = "prometheus/blackbox_exporter#1441"


def _tcp(**fields: Any) -> Json:
    return {"tcp": fields}


ROWS = (
    Row(name="The port accepts connections", target=Tcp(), check=_tcp(), verdict=UP, source="RFC 9293 §3.5"),
    Row(
        name="The server accepts a connection and closes it immediately",
        target=Tcp(then="close"),
        check=_tcp(),
        verdict=UP,
        source="louislam/uptime-kuma#5912",
    ),
    Row(
        name="The port is closed",
        target=NOBODY,
        check=_tcp(port="$CLOSED_PORT"),
        verdict=down("CONNECT_REFUSED", "refused"),
        source="RFC 9293 §3.5.2",
    ),
    *(
        Row(
            name=f"The server sends a banner: {words}",
            target=Tcp(((b"", banner),)),
            check=_tcp(expect=expected),
            verdict=UP,
            source=source,
        )
        for words, banner, expected, source in (
            ("SSH", b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH-2.0-", _BANNERS),
            ("SMTP", b"220 mail.shop.test ESMTP Postfix\r\n", "220 ", "prometheus/blackbox_exporter#1007"),
            ("POP3", b"+OK POP3 ready <1.2@shop.test>\r\n", "+OK", _BANNERS),
            ("IMAP", b"* OK [CAPABILITY IMAP4rev1] ready\r\n", "* OK", "RFC 9051 §7.1"),
            ("FTP", b"220-Welcome\r\n220 ready\r\n", "220 ready", "RFC 959 §4.2"),
            ("MySQL, binary data with text", b"\x4a\x00\x00\x00\x0a8.0.36\x00\x08\x00", "8.0.36", _LINES),
            ("text in UTF-8", "готов\n".encode(), "готов", _LINES),
            ("without a line break", b"READY", "READY", "prometheus/blackbox_exporter#1441"),
        )
    ),
    Row(
        name="A banner arrives byte by byte",
        target=Tcp(tuple((b"", bytes([each])) for each in b"220 ready\r\n")),
        check=_tcp(expect="220 ready"),
        verdict=UP,
        source=_LINES,
    ),
    Row(
        name="A banner follows other lines",
        target=Tcp(((b"", b"hello\r\n" * 100 + b"220 ready\r\n"),)),
        check=_tcp(expect="220 ready"),
        verdict=UP,
        source="RFC 959 §4.2",
    ),
    Row(
        name="Redis responds to PING",
        target=Tcp(((b"PING\r\n", b"+PONG\r\n"),)),
        check=_tcp(send="PING\r\n", expect="+PONG"),
        verdict=UP,
        source="Redis serialization protocol",
    ),
    Row(
        name="Redis requires a password",
        target=Tcp(((b"PING\r\n", b"-NOAUTH Authentication required.\r\n"),), then="close"),
        check=_tcp(send="PING\r\n", expect="+PONG"),
        verdict=down("ASSERTION", "does not contain the expected text"),
        source="Redis serialization protocol",
    ),
    Row(
        name="ZooKeeper responds to ruok and closes the connection",
        target=Tcp(((b"ruok", b"imok"),), then="close"),
        check=_tcp(send="ruok", expect="imok"),
        verdict=UP,
        source="ZooKeeper, the four letter words",
    ),
    Row(
        name="A server responds only to LF, and the check sends CRLF",
        target=Tcp(((b"STATUS\n", b"fine\n"),)),
        check={**_tcp(send="STATUS\r\n", expect="fine"), "timeout": "2s"},
        verdict=down("TIMEOUT", "timed out"),
        source=_LINES,
        why="The text is sent verbatim",
    ),
    Row(
        name="The server sends nothing",
        target=Tcp(then="stall"),
        check={**_tcp(expect="220"), "timeout": "2s"},
        verdict=down("TIMEOUT", "timed out after 2 s"),
        source="prometheus/blackbox_exporter#1007",
    ),
    Row(
        name="The connection is closed without a banner",
        target=Tcp(then="close"),
        check=_tcp(expect="220"),
        verdict=down("ASSERTION", "closed"),
        source="prometheus/blackbox_exporter#1007",
    ),
    Row(
        name="The connection is reset before the banner",
        target=Tcp(((b"hello", b""),), then="reset"),
        check=_tcp(send="hello", expect="220"),
        verdict=down("PROTOCOL", "connection lost"),
        source="RFC 9293 §3.5.2",
    ),
    Row(
        name="The server sends another banner",
        target=Tcp(((b"", b"554 no service\r\n"),), then="close"),
        check=_tcp(expect="220"),
        verdict=down("ASSERTION", "does not contain the expected text"),
        source="prometheus/blackbox_exporter#1527",
    ),
    Row(
        name="A banner is truncated",
        target=Tcp(((b"", b"22"),), then="close"),
        check=_tcp(expect="220"),
        verdict=down("ASSERTION", "does not contain the expected text"),
        source=_LINES,
    ),
    Row(
        name="The first 64 KiB do not contain the text",
        target=Tcp(((b"", b"x" * 70_000),)),
        check=_tcp(expect="220"),
        verdict=down("ASSERTION", "64 KiB"),
        source="docs/checks.md",
    ),
    Row(
        name="The text is within the first 64 KiB",
        target=Tcp(((b"", b"x" * 60_000 + b"220"),)),
        check=_tcp(expect="220"),
        verdict=UP,
        source="docs/checks.md",
    ),
    *(
        Row(
            name=f"The host is {words}",
            target=NOBODY,
            check={"tcp": {"host": host, "port": 22}},
            verdict=refused("check.tcp.host", says_),
            source="docs/checks.md",
        )
        for words, host, says_ in (
            ("a URL", "tcp://shop.test", "host name or an IP address"),
            ("followed by a port", "shop.test:22", "host name or an IP address"),
            ("in brackets", "[::1]", "host name or an IP address"),
            ("an address of two numbers", "127.1", "host name or an IP address"),
            ("preceded by a space", " shop.test", "host name or an IP address"),
        )
    ),
    *(
        Row(
            name=f"The port is {port}",
            target=NOBODY,
            check={"tcp": {"host": "shop.test", "port": port}},
            verdict=refused("check.tcp.port", "less than or equal to 65535"),
            source="RFC 6335 §6",
        )
        for port in (0, 65_536, -1)
    ),
)
