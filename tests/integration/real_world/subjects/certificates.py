"""Certificates: who is trusted, for which name, and for how long."""

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
    # Who is trusted
    _row("The certificate is from an authority that is trusted", GOOD, _UP, "RFC 5280 §6.1"),
    _row("The certificate signs itself", Certificate(signer="itself"), _STRANGER, "RFC 5280 §6.1"),
    _row("The certificate is from a stranger", Certificate(signer="stranger"), _STRANGER, "RFC 5280 §6.1"),
    _row("The server sends the intermediate", _WHOLE, _UP, "RFC 8446 §4.4.2"),
    _row("The server does not send the intermediate", _BY_INTERMEDIATE, _STRANGER, _CHAIN),
    _row(
        "The server does not send the intermediate, and the check knows it",
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
        "The server sends a certificate that has nothing to do with it",
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
    _row("The check trusts the intermediate alone", _WHOLE, _UP, _PYTHON, _trusting("$INTERMEDIATE")),
    _row("The check trusts the server's own certificate alone", GOOD, _UP, _PYTHON, _trusting("$LEAF")),
    _row(
        "The check trusts a certificate that signs itself",
        Certificate(signer="itself"),
        _UP,
        "curl manual, --cacert",
        _trusting("$LEAF"),
    ),
    _row(
        "The check trusts a certificate that signs itself and is an authority",
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
    _row("Nothing says which key has signed", Certificate(signer="bare root"), _UP, "llnl/certipy#23; " + _PYTHON),
    _row("The certificate says nothing of being an authority", Certificate(authority=None), _UP, "RFC 5280 §4.2.1.9"),
    _row(
        "The certificate has an extension that nobody knows and that is critical",
        Certificate(critical=True),
        down("TLS", "not valid"),
        "RFC 5280 §4.2",
    ),
    # What for
    _row("The certificate says nothing of its purpose", Certificate(usages=()), _UP, "RFC 5280 §4.2.1.12"),
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
        "The certificate is for signing code",
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
    _row("A wildcard is not for the name itself", Certificate(names=("*.shop.test",)), _OTHER, "RFC 9525 §6.3"),
    _row(
        "A wildcard is for one label only",
        Certificate(names=("*.shop.test",)),
        _OTHER,
        "RFC 9525 §6.3",
        _tls(host="a.b.shop.test"),
    ),
    _row(
        "The certificate is for the name below www only", Certificate(names=("www.shop.test",)), _OTHER, "RFC 9525 §6.3"
    ),
    _row(
        "The name is in the subject only",
        Certificate(names=(), common_name="shop.test"),
        _UP,
        "RFC 9525 §2; OpenSSL, X509_check_host",
        why="OpenSSL and curl take it, browsers refuse it",
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
        "The check asks the address for the name",
        GOOD,
        _UP,
        "RFC 6066 §3",
        _tls(host="127.0.0.1", serverName="shop.test"),
    ),
    _row(
        "The check asks for a name that the certificate does not have",
        GOOD,
        _OTHER,
        "RFC 6066 §3",
        _tls(serverName="other.test"),
    ),
    _row("The host ends in a dot", GOOD, _UP, "RFC 6066 §3", _tls(host="shop.test.")),
    # How long
    _row("The certificate has expired", Certificate(days=(-60, -1)), _EXPIRED, "RFC 5280 §4.1.2.5"),
    _row("The certificate expired an hour ago", Certificate(days=(-60, -0.05)), _EXPIRED, "RFC 5280 §4.1.2.5"),
    _row(
        "The certificate is not valid yet", Certificate(days=(1, 60)), down("TLS", "not yet valid"), "RFC 5280 §4.1.2.5"
    ),
    _row("The certificate is good for 60 days, and 14 are enough", GOOD, _UP, "TwiN/gatus#247", _tls(minDaysLeft=14)),
    _row(
        "The certificate is good for 10 days, and 14 are asked for",
        Certificate(days=(-50, 10.5)),
        down("TLS", "expires in 10 days"),
        "TwiN/gatus#247",
        _tls(minDaysLeft=14),
    ),
    _row(
        "The certificate is good for one day, and two are asked for",
        Certificate(days=(-50, 1.5)),
        down("TLS", "expires in 1 day"),
        "TwiN/gatus#247",
        _tls(minDaysLeft=2),
    ),
    _row(
        "The certificate is good for ten years",
        Certificate(days=(-10, 3650)),
        _UP,
        "CA/Browser Forum, Baseline Requirements 6.3.2",
        why="Private authorities do so",
    ),
    # Not verified
    *(
        _row(f"Nothing is verified, and the certificate {words}", certificate, verdict, source, _tls(skipVerify=True))
        for words, certificate, verdict, source in (
            ("signs itself", Certificate(signer="itself"), _UP, "curl manual, --insecure"),
            ("is for another name", Certificate(names=("other.test",)), _UP, "curl manual, --insecure"),
            ("is from a stranger", Certificate(signer="stranger"), _UP, "curl manual, --insecure"),
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
    _row("https with a good certificate", GOOD, up(200), "RFC 9110 §4.2.2", http()),
    _row(
        "https with an expired certificate", Certificate(days=(-60, -1)), _EXPIRED, "curl manual, exit code 60", http()
    ),
    _row(
        "https with a certificate for another name",
        Certificate(names=("other.test",)),
        _OTHER,
        "curl manual, exit code 60",
        http(),
    ),
    _row(
        "https with a certificate that signs itself",
        Certificate(signer="itself"),
        _STRANGER,
        "curl manual, exit code 60",
        http(),
    ),
    _row(
        "https without verification takes an expired certificate",
        Certificate(days=(-60, -1)),
        up(200),
        "curl manual, --insecure",
        http(tls={"skipVerify": True}),
    ),
    _row(
        "https, and the certificate is good for 14 days",
        GOOD,
        up(200),
        "TwiN/gatus, README, conditions",
        http(assertions=[{"certificateDaysLeft": 14}]),
    ),
    _row(
        "https, and the certificate is good for 10 days instead of 14",
        Certificate(days=(-50, 10.5)),
        down("ASSERTION", "10 days"),
        "TwiN/gatus, README, conditions",
        http(assertions=[{"certificateDaysLeft": 14}]),
    ),
    Row(
        name="A certificate is looked at, and the URL is http",
        target=Http(pages=(Page(answer=ok()),)),
        check=http(assertions=[{"certificateDaysLeft": 14}]),
        verdict=down("ASSERTION", "no certificate"),
        source="docs/checks.md",
    ),
    _row(
        "https of an address with the name in serverName",
        GOOD,
        up(200),
        "curl manual, --connect-to",
        http("https://127.0.0.1:$SECURE_PORT/", tls={"serverName": "shop.test"}),
    ),
    # What is no certificate
    *(
        Row(
            name=f"caCertificates is {words}",
            target=NOBODY,
            check={"tls": {"host": "shop.test", "port": 443, "caCertificates": pem}},
            verdict=refused("check.tls.ca_certificates", says_),
            source=_PEM,
        )
        for words, pem, says_ in (
            ("a text", "my authority", "PEM"),
            ("an empty certificate", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", "PEM"),
            ("a private key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "private key"),
            ("the path of a file", "/etc/ssl/certs/ca.pem", "PEM"),
        )
    ),
)
