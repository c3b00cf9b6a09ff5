"""Certificates: chains of trust, purposes, names, validity and keys."""

from typing import Any

from tests.integration.real_world.identity import GOOD, Certificate
from tests.integration.real_world.row import Json, Row, Verdict, down, http, refused, up
from tests.integration.real_world.servers import NOBODY, Http, Page, ok

_STRANGER = down("TLS", "signed by an unknown authority")
_OTHER = down("TLS", "host name mismatch")
_EXPIRED = down("TLS", "expired")
_CHAIN = "louislam/uptime-kuma#4544; louislam/uptime-kuma#90"
_PYTHON = "python/cpython#107361; urllib3/urllib3#3665"
_PEM = "prometheus/blackbox_exporter, tls_config"


def _tls(**fields: Any) -> Json:
    return {"tls": fields}


def _row(
    name: str,
    certificate: Certificate,
    verdict: Verdict,
    source: str,
    check: Json | None = None,
    *,
    why: str = "",
    **server: Any,
) -> Row:
    target = Http(pages=(Page(answer=ok()),), certificate=certificate, **server)
    return Row(name=name, target=target, check=check or _tls(), verdict=verdict, source=source, why=why)


def _trusting(pem: str, **fields: Any) -> Json:
    return _tls(caCertificates=pem, **fields)


_UP = Verdict(outcome="UP")
_BY_INTERMEDIATE = Certificate(signer="intermediate")
_WHOLE = Certificate(signer="intermediate", sends=("intermediate",))

ROWS = (
    # Chains of trust
    _row("The certificate is from a trusted authority", GOOD, _UP, "RFC 5280 §6.1"),
    _row("The certificate is self-signed", Certificate(signer="itself"), _STRANGER, "RFC 5280 §6.1"),
    _row("The certificate is from an unknown authority", Certificate(signer="stranger"), _STRANGER, "RFC 5280 §6.1"),
    _row("The server sends the intermediate", _WHOLE, _UP, "RFC 8446 §4.4.2"),
    _row("The server does not send the intermediate", _BY_INTERMEDIATE, _STRANGER, _CHAIN),
    _row(
        "The server does not send the intermediate, and the check provides it",
        _BY_INTERMEDIATE,
        _UP,
        "dirsigler/uptime-kuma-helm#238; " + _PYTHON,
        _trusting("$ROOT$INTERMEDIATE"),
    ),
    _row(
        "The server sends the root too",
        Certificate(signer="intermediate", sends=("intermediate", "root")),
        _UP,
        "RFC 8446 §4.4.2",
    ),
    _row(
        "The server sends the chain in the wrong order",
        Certificate(signer="intermediate", sends=("root", "intermediate")),
        _UP,
        "RFC 8446 §4.4.2",
    ),
    _row(
        "The server sends an unrelated certificate",
        Certificate(signer="intermediate", sends=("stranger", "intermediate")),
        _UP,
        "RFC 8446 §4.4.2",
    ),
    _row(
        "The intermediate has expired",
        Certificate(signer="expired intermediate", sends=("expired intermediate",)),
        _EXPIRED,
        "RFC 5280 §6.1.3",
    ),
    _row("The check trusts only the intermediate", _WHOLE, _UP, _PYTHON, _trusting("$INTERMEDIATE")),
    _row("The check trusts only the server's certificate", GOOD, _UP, _PYTHON, _trusting("$LEAF")),
    _row(
        "The check trusts a self-signed certificate",
        Certificate(signer="itself"),
        _UP,
        "curl manual, --cacert",
        _trusting("$LEAF"),
    ),
    _row(
        "The check trusts a self-signed certificate of an authority",
        Certificate(signer="itself", authority=True),
        _UP,
        "curl manual, --cacert",
        _trusting("$LEAF"),
    ),
    _row(
        "The check trusts another authority",
        Certificate(signer="stranger"),
        _STRANGER,
        "curl manual, --cacert",
        _trusting("$ROOT"),
    ),
    _row(
        "The certificate has no authority key identifier",
        Certificate(signer="bare root"),
        _UP,
        "llnl/certipy#23; " + _PYTHON,
    ),
    _row("The certificate has no basic constraints", Certificate(authority=None), _UP, "RFC 5280 §4.2.1.9"),
    _row(
        "The certificate has an unknown critical extension",
        Certificate(critical=True),
        down("TLS", "not valid"),
        "RFC 5280 §4.2",
    ),
    # Purposes
    _row("The certificate has no extended key usage", Certificate(usages=()), _UP, "RFC 5280 §4.2.1.12"),
    _row(
        "The certificate is for servers and clients",
        Certificate(usages=("server", "client")),
        _UP,
        "RFC 5280 §4.2.1.12",
    ),
    _row(
        "The certificate is for clients only",
        Certificate(usages=("client",)),
        down("TLS", "not valid"),
        "RFC 5280 §4.2.1.12",
    ),
    _row(
        "The certificate is for code signing",
        Certificate(usages=("code",)),
        down("TLS", "not valid"),
        "RFC 5280 §4.2.1.12",
    ),
    # Names
    _row("The certificate is for another name", Certificate(names=("other.test",)), _OTHER, "RFC 9525 §6.3"),
    _row(
        "The certificate has the name among others",
        Certificate(names=("a.test", "b.test", "shop.test")),
        _UP,
        "RFC 9525 §6.3",
    ),
    _row("The certificate's name is in upper case", Certificate(names=("SHOP.test",)), _UP, "RFC 9525 §6.3"),
    _row(
        "The certificate has a wildcard for the name",
        Certificate(names=("*.shop.test",)),
        _UP,
        "RFC 9525 §6.3; louislam/uptime-kuma#3939",
        _tls(host="www.shop.test"),
    ),
    _row("A wildcard does not match the parent domain", Certificate(names=("*.shop.test",)), _OTHER, "RFC 9525 §6.3"),
    _row(
        "A wildcard matches one label only",
        Certificate(names=("*.shop.test",)),
        _OTHER,
        "RFC 9525 §6.3",
        _tls(host="a.b.shop.test"),
    ),
    _row(
        "The certificate is for the www subdomain only", Certificate(names=("www.shop.test",)), _OTHER, "RFC 9525 §6.3"
    ),
    _row(
        "The name is in the subject only",
        Certificate(names=(), common_name="shop.test"),
        _UP,
        "RFC 9525 §2; OpenSSL, X509_check_host",
        why="OpenSSL and curl accept it, browsers refuse it",
    ),
    _row(
        "The name is in the subject, and others in subjectAltName",
        Certificate(names=("other.test",), common_name="shop.test"),
        _OTHER,
        "RFC 9525 §6.3",
    ),
    _row(
        "The certificate is for the address",
        Certificate(names=("127.0.0.1",)),
        _UP,
        "RFC 9525 §6.5",
        _tls(host="127.0.0.1"),
    ),
    _row(
        "The certificate is for another address",
        Certificate(names=("127.0.0.2",)),
        _OTHER,
        "RFC 9525 §6.5",
        _tls(host="127.0.0.1"),
    ),
    _row(
        "The host is an address, and the certificate is for a name",
        GOOD,
        _OTHER,
        "RFC 9525 §6.5",
        _tls(host="127.0.0.1"),
    ),
    _row(
        "The host is an address, and serverName is in the certificate",
        GOOD,
        _UP,
        "RFC 6066 §3",
        _tls(host="127.0.0.1", serverName="shop.test"),
    ),
    _row(
        "serverName is not in the certificate",
        GOOD,
        _OTHER,
        "RFC 6066 §3",
        _tls(serverName="other.test"),
    ),
    _row("The host ends in a dot", GOOD, _UP, "RFC 6066 §3", _tls(host="shop.test.")),
    # Validity
    _row("The certificate has expired", Certificate(days=(-60, -1)), _EXPIRED, "RFC 5280 §4.1.2.5"),
    _row("The certificate expired an hour ago", Certificate(days=(-60, -0.05)), _EXPIRED, "RFC 5280 §4.1.2.5"),
    _row(
        "The certificate is not valid yet", Certificate(days=(1, 60)), down("TLS", "not yet valid"), "RFC 5280 §4.1.2.5"
    ),
    _row(
        "The certificate is valid for 60 days, and the minimum is 14", GOOD, _UP, "TwiN/gatus#247", _tls(minDaysLeft=14)
    ),
    _row(
        "The certificate is valid for 10 days, and the minimum is 14",
        Certificate(days=(-50, 10.5)),
        down("TLS", "expires in 10 days"),
        "TwiN/gatus#247",
        _tls(minDaysLeft=14),
    ),
    _row(
        "The certificate is valid for one day, and the minimum is two",
        Certificate(days=(-50, 1.5)),
        down("TLS", "expires in 1 day"),
        "TwiN/gatus#247",
        _tls(minDaysLeft=2),
    ),
    _row(
        "The certificate is valid for ten years",
        Certificate(days=(-10, 3650)),
        _UP,
        "CA/Browser Forum, Baseline Requirements 6.3.2",
        why="Private authorities issue such certificates",
    ),
    # Verification is off
    *(
        _row(f"Verification is off, and the certificate {words}", certificate, verdict, source, _tls(skipVerify=True))
        for words, certificate, verdict, source in (
            ("is self-signed", Certificate(signer="itself"), _UP, "curl manual, --insecure"),
            ("is for another name", Certificate(names=("other.test",)), _UP, "curl manual, --insecure"),
            ("is from an unknown authority", Certificate(signer="stranger"), _UP, "curl manual, --insecure"),
            (
                "has expired",
                Certificate(days=(-60, -1)),
                _EXPIRED,
                "louislam/uptime-kuma#2768; louislam/uptime-kuma#4923",
            ),
        )
    ),
    # Kinds of keys
    *(
        _row(f"The certificate's key is {key}", Certificate(key=key), verdict, source)
        for key, verdict, source in (
            ("P-256", _UP, "RFC 8446 §4.2.3"),
            ("P-384", _UP, "RFC 8446 §4.2.3"),
            ("P-521", _UP, "RFC 8446 §4.2.3"),
            ("RSA-2048", _UP, "RFC 8446 §4.2.3"),
            ("Ed25519", _UP, "RFC 8410 §3"),
        )
    ),
    _row(
        "The certificate's key is RSA-1024",
        Certificate(key="RSA-1024"),
        down("TLS", "not valid"),
        "OpenSSL, SSL_CTX_set_security_level",
    ),
    # https
    _row("The target is https with a valid certificate", GOOD, up(200), "RFC 9110 §4.2.2", http()),
    _row(
        "The target is https with an expired certificate",
        Certificate(days=(-60, -1)),
        _EXPIRED,
        "curl manual, exit code 60",
        http(),
    ),
    _row(
        "The target is https with a certificate for another name",
        Certificate(names=("other.test",)),
        _OTHER,
        "curl manual, exit code 60",
        http(),
    ),
    _row(
        "The target is https with a self-signed certificate",
        Certificate(signer="itself"),
        _STRANGER,
        "curl manual, exit code 60",
        http(),
    ),
    _row(
        "The target is https with an expired certificate, and verification is off",
        Certificate(days=(-60, -1)),
        up(200),
        "curl manual, --insecure",
        http(tls={"skipVerify": True}),
    ),
    _row(
        "The target is https, the certificate is valid for at least 14 days, and the minimum is 14",
        GOOD,
        up(200),
        "TwiN/gatus, README, conditions",
        http(assertions=[{"certificateDaysLeft": 14}]),
    ),
    _row(
        "The target is https, the certificate is valid for 10 days, and the minimum is 14",
        Certificate(days=(-50, 10.5)),
        down("ASSERTION", "10 days"),
        "TwiN/gatus, README, conditions",
        http(assertions=[{"certificateDaysLeft": 14}]),
    ),
    Row(
        name="A certificate assertion is combined with an http URL",
        target=Http(pages=(Page(answer=ok()),)),
        check=http(assertions=[{"certificateDaysLeft": 14}]),
        verdict=down("ASSERTION", "no certificate"),
        source="docs/checks.md",
    ),
    _row(
        "The target is https on an address, and serverName is in the certificate",
        GOOD,
        up(200),
        "curl manual, --connect-to",
        http("https://127.0.0.1:$SECURE_PORT/", tls={"serverName": "shop.test"}),
    ),
    # Invalid PEM
    *(
        Row(
            name=f"caCertificates is {words}",
            target=NOBODY,
            check={"tls": {"host": "shop.test", "port": 443, "caCertificates": pem}},
            verdict=refused("check.tls.ca_certificates", says_),
            source=_PEM,
        )
        for words, pem, says_ in (
            ("not PEM", "my authority", "PEM"),
            ("an empty certificate", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "PEM"),
            ("a private key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"),
            ("the path of a file", "/etc/ssl/certs/ca.pem", "PEM"),
        )
    ),
)
