"""TLS: versions, ciphers, client certificates, STARTTLS, and servers without TLS."""

from typing import Any

from tests.integration.real_world.identity import GOOD, Certificate
from tests.integration.real_world.row import Json, Row, Verdict, down, http, up
from tests.integration.real_world.servers import NOBODY, Http, Page, Tcp, ok

_UP = Verdict(outcome="UP")
_FAILED = down("TLS", "TLS handshake")
_RSA = Certificate(key="RSA-2048")
_OLD = "RFC 8996 §2"
_MAIL = "prometheus/blackbox_exporter#913; prometheus/blackbox_exporter#220"
_CLIENT = "seaweedfs/seaweedfs#5012"


def _server(**fields: Any) -> Http:
    return Http(pages=(Page(answer=ok()),), certificate=fields.pop("certificate", GOOD), **fields)


def _tls(**fields: Any) -> Json:
    return {"tls": fields}


def _smtp(*steps: tuple[bytes, bytes], then: Any = "tls") -> Tcp:
    return Tcp(((b"", b"220 mail.shop.test ESMTP\r\n"), *steps), then, GOOD)


_EHLO = (b"EHLO", b"")
_SMTP = _tls(startTls="START_TLS_SMTP")
_IMAP = _tls(startTls="START_TLS_IMAP")

ROWS = (
    *(
        Row(
            name=f"The server speaks {words}",
            target=_server(lowest=lowest, highest=highest),
            check=check,
            verdict=verdict,
            source=source,
            why=why,
        )
        for words, lowest, highest, check, verdict, source, why in (
            ("TLS 1.3 only", "TLSv1_3", "TLSv1_3", _tls(), _UP, "RFC 8446 §4.2.1", ""),
            ("TLS 1.2 only", "TLSv1_2", "TLSv1_2", _tls(), _UP, "RFC 5246", ""),
            ("TLS 1.2 and 1.3", "TLSv1_2", "TLSv1_3", _tls(), _UP, "RFC 8446 §4.2.1", ""),
            ("TLS 1.1 only", "TLSv1_1", "TLSv1_1", _tls(), _FAILED, _OLD, "TLS below 1.2 is not offered"),
            ("TLS 1.0 only", "TLSv1", "TLSv1", _tls(), _FAILED, _OLD, "TLS below 1.2 is not offered"),
            (
                "TLS 1.0 only, and verification is off",
                "TLSv1",
                "TLSv1",
                _tls(skipVerify=True),
                _FAILED,
                _OLD,
                "TLS below 1.2 is not offered",
            ),
            ("TLS 1.2 only, over https", "TLSv1_2", "TLSv1_2", http(), up(200), "RFC 5246", ""),
            ("TLS 1.1 only, over https", "TLSv1_1", "TLSv1_1", http(), _FAILED, _OLD, "TLS below 1.2 is not offered"),
        )
    ),
    *(
        Row(
            name=f"The server accepts only {words} under TLS 1.2",
            target=_server(highest="TLSv1_2", ciphers=ciphers, certificate=certificate),
            check=_tls(),
            verdict=verdict,
            source=source,
            why=why,
        )
        for words, ciphers, certificate, verdict, source, why in (
            ("ECDHE with AES-GCM", "ECDHE-ECDSA-AES128-GCM-SHA256", GOOD, _UP, "RFC 5289", ""),
            ("ECDHE with ChaCha20", "ECDHE-ECDSA-CHACHA20-POLY1305", GOOD, _UP, "RFC 7905", ""),
            ("ECDHE-RSA with AES-GCM", "ECDHE-RSA-AES256-GCM-SHA384", _RSA, _UP, "RFC 5289", ""),
            ("ECDHE with AES-CBC and SHA-256", "ECDHE-ECDSA-AES128-SHA256", GOOD, _UP, "RFC 5289", ""),
            ("ECDHE with AES-CBC and SHA-1", "ECDHE-ECDSA-AES128-SHA", GOOD, _UP, "RFC 8422", ""),
            ("RSA key exchange and AES-GCM", "AES128-GCM-SHA256", _RSA, _UP, "RFC 5288", ""),
            ("RSA key exchange and AES-CBC", "AES128-SHA", _RSA, _UP, "RFC 5246 §9", ""),
            ("AES-CCM", "ECDHE-ECDSA-AES128-CCM", GOOD, _FAILED, "RFC 7251", "The cipher is not offered"),
            (
                "Diffie-Hellman over finite fields",
                "DHE-RSA-AES128-GCM-SHA256",
                _RSA,
                _FAILED,
                "RFC 9325 §4.1",
                "Only key exchange over elliptic curves is offered",
            ),
        )
    ),
    # Client certificates
    *(
        Row(
            name=f"The server requires a client certificate under {words}",
            target=_server(lowest=version, highest=version, asks=True),
            check=check,
            verdict=down("TLS", ""),
            source=_CLIENT,
            why="The server rejects clients without a certificate",
        )
        for words, version, check in (
            ("TLS 1.2", "TLSv1_2", http()),
            ("TLS 1.3", "TLSv1_3", http()),
            ("TLS 1.2 in a TLS check", "TLSv1_2", _tls()),
            ("TLS 1.3 in a TLS check", "TLSv1_3", _tls()),
        )
    ),
    # No TLS
    Row(
        name="The server speaks plain HTTP",
        target=Tcp(((b"\x16", b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),), "close"),
        check=_tls(),
        verdict=down("TLS"),
        source="curl manual, exit code 35",
        why="The response is not TLS",
    ),
    Row(
        name="The server speaks SSH",
        target=Tcp(((b"", b"SSH-2.0-OpenSSH_9.2\r\n"),)),
        check=_tls(),
        verdict=down("TLS"),
        source="curl manual, exit code 35",
        why="The response is not TLS",
    ),
    Row(
        name="The server closes the connection during the handshake",
        target=Tcp(((b"\x16", b""),), "close"),
        check=_tls(),
        verdict=down("TLS", "closed the connection during the TLS handshake"),
        source="curl manual, exit code 35",
    ),
    Row(
        name="The server resets the connection during the handshake",
        target=Tcp(((b"\x16", b""),), "reset"),
        check=_tls(),
        verdict=down("TLS", "closed the connection during the TLS handshake"),
        source="curl manual, exit code 35",
    ),
    Row(
        name="The server rejects the name in SNI",
        target=Tcp(((b"\x16", b"\x15\x03\x03\x00\x02\x02\x70"),), "close"),
        check=_tls(),
        verdict=_FAILED,
        source="RFC 6066 §3",
        why="The server ends the handshake with the alert unrecognized_name",
    ),
    Row(
        name="The server does not respond during the handshake",
        target=Tcp(then="stall"),
        check={**_tls(), "timeout": "2s"},
        verdict=down("TIMEOUT", "during the TLS handshake"),
        source="curl manual, exit code 28",
    ),
    Row(
        name="The port is closed",
        target=NOBODY,
        check=_tls(port="$CLOSED_PORT"),
        verdict=down("CONNECT_REFUSED", "refused"),
        source="curl manual, exit code 7",
    ),
    Row(
        name="The target is https, and the server speaks plain HTTP",
        target=Http(pages=(Page(answer=ok()),)),
        check={**http("https://127.0.0.1:$PORT/"), "timeout": "2s"},
        verdict=down("TIMEOUT", "during the TLS handshake"),
        source="curl manual, exit code 35",
        why="The server waits for the end of a request",
    ),
    # STARTTLS
    Row(
        name="The SMTP server offers STARTTLS",
        target=_smtp(
            (b"EHLO", b"250-mail.shop.test\r\n250-SIZE 1000\r\n250 STARTTLS\r\n"),
            (b"STARTTLS\r\n", b"220 go ahead\r\n"),
        ),
        check=_SMTP,
        verdict=_UP,
        source=_MAIL,
    ),
    Row(
        name="The greeting of the SMTP server has several lines",
        target=Tcp(
            (
                (b"", b"220-mail.shop.test\r\n220 ESMTP\r\n"),
                (b"EHLO", b"250-mail.shop.test\r\n250 STARTTLS\r\n"),
                (b"STARTTLS\r\n", b"220 go ahead\r\n"),
            ),
            "tls",
            GOOD,
        ),
        check=_SMTP,
        verdict=_UP,
        source="RFC 5321 §4.2.1",
    ),
    Row(
        name="The SMTP server offers starttls in lower case",
        target=_smtp((b"EHLO", b"250-mail.shop.test\r\n250 starttls\r\n"), (b"STARTTLS\r\n", b"220 go ahead\r\n")),
        check=_SMTP,
        verdict=_UP,
        source="RFC 5321 §2.4",
    ),
    Row(
        name="The SMTP server does not offer STARTTLS",
        target=_smtp((b"EHLO", b"250-mail.shop.test\r\n250 SIZE 1000\r\n"), then="keep"),
        check=_SMTP,
        verdict=down("TLS", "does not offer STARTTLS"),
        source=_MAIL,
    ),
    Row(
        name="The SMTP server refuses STARTTLS",
        target=_smtp((b"EHLO", b"250-a\r\n250 STARTTLS\r\n"), (b"STARTTLS\r\n", b"454 not now\r\n"), then="keep"),
        check=_SMTP,
        verdict=down("TLS", "rejected STARTTLS with 454"),
        source="RFC 3207 §4",
    ),
    Row(
        name="The SMTP server rejects the client",
        target=Tcp(((b"", b"554 no service for you\r\n"),)),
        check=_SMTP,
        verdict=down("PROTOCOL", "rejected the connection with 554"),
        source="RFC 5321 §3.1; prometheus/blackbox_exporter#1527",
    ),
    Row(
        name="The SMTP server is too busy",
        target=Tcp(((b"", b"421 too busy\r\n"),), "close"),
        check=_SMTP,
        verdict=down("PROTOCOL", "rejected the connection with 421"),
        source="RFC 5321 §3.8",
    ),
    Row(
        name="STARTTLS for SMTP is used with an SSH server",
        target=Tcp(((b"", b"SSH-2.0-OpenSSH_9.2\r\n"),)),
        check=_SMTP,
        verdict=down("PROTOCOL", "does not speak SMTP"),
        source=_MAIL,
    ),
    Row(
        name="Plain text follows the response to STARTTLS",
        target=_smtp(
            (b"EHLO", b"250-a\r\n250 STARTTLS\r\n"), (b"STARTTLS\r\n", b"220 go ahead\r\n250 injected\r\n"), then="keep"
        ),
        check=_SMTP,
        verdict=down("PROTOCOL", "plaintext data"),
        source="RFC 3207 §5",
        why="An attacker on the network may have injected it",
    ),
    Row(
        name="The IMAP server offers STARTTLS",
        target=Tcp(((b"", b"* OK ready\r\n"), (b"STARTTLS\r\n", b"s1 OK begin\r\n")), "tls", GOOD),
        check=_IMAP,
        verdict=_UP,
        source="RFC 9051 §6.2.1; prometheus/blackbox_exporter#760",
    ),
    Row(
        name="The IMAP server refuses STARTTLS",
        target=Tcp(((b"", b"* OK ready\r\n"), (b"STARTTLS\r\n", b"s1 BAD unknown\r\n"))),
        check=_IMAP,
        verdict=down("TLS", "STARTTLS"),
        source="RFC 9051 §6.2.1",
    ),
    Row(
        name="The IMAP server rejects the client",
        target=Tcp(((b"", b"* BYE too many\r\n"),), "close"),
        check=_IMAP,
        verdict=down("PROTOCOL", "rejected the connection"),
        source="RFC 9051 §7.1.5",
    ),
)
