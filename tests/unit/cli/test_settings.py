from pathlib import Path

import pytest

from services.platform.configuration.settings import SettingError, Settings, TlsFiles
from services.platform.security.registration import RegistrationMode


def test_without_settings_the_stack_is_embedded_on_port_8080() -> None:
    settings = Settings.of_stack({})
    assert settings.http_port == 8080
    assert settings.listen_addresses[0] == "127.0.0.1"
    assert settings.listen_addresses[1:] in {("::1",), ()}
    assert settings.tls is None
    assert settings.data_dir == Path.cwd() / ".sentinel"
    assert settings.database_url == ""
    assert settings.workers == 1
    assert settings.fast_tls is True
    assert settings.egress_allow == ""
    assert (settings.log_level, settings.log_format) == ("info", "console")
    assert (settings.quota_services, settings.quota_checks) == (5_000, 20_000)


def test_each_setting_is_read() -> None:
    settings = Settings.of_stack(
        {
            "SENTINEL_HTTP_PORT": "65535",
            "SENTINEL_DATA_DIR": "/var/lib/sentinel",
            "SENTINEL_LISTEN_ADDRESSES": "192.0.2.1, [::1],2001:DB8::1,::1",
            "SENTINEL_TLS_CERT": "/etc/tls/cert.pem",
            "SENTINEL_TLS_KEY": "/etc/tls/key.pem",
            "SENTINEL_TRUSTED_PROXIES": "192.0.2.1, 10.0.0.0/8, fd00::/8",
            "SENTINEL_DATABASE_URL": "postgresql://u:p@db/sentinel",
            "SENTINEL_WORKERS": "3",
            "SENTINEL_EGRESS_ALLOW": "10.0.0.0/8@acme,fd00::/8",
            "SENTINEL_EGRESS_DENY": "10.9.0.0/16",
            "SENTINEL_EGRESS_TRANSLATION_PREFIXES": "64:ff9b:1::/96",
            "SENTINEL_REGISTRATION": "Invite",
            "SENTINEL_DNS_SERVERS": "192.0.2.1, 192.0.2.2:5353,::1,[2001:db8::1]:54,[2001:db8::2]",
            "SENTINEL_FAST_TLS": "Off",
            "SENTINEL_LOG_LEVEL": "DEBUG",
            "SENTINEL_LOG_FORMAT": "json",
            "SENTINEL_QUOTA_SERVICES": "7",
            "SENTINEL_QUOTA_CHECKS": "8",
            "SENTINEL_RETENTION_RAW_DAYS": "7",
            "SENTINEL_RETENTION_HOURLY_DAYS": "36500",
            "SENTINEL_RETENTION_ON_DEMAND_DAYS": "1",
            "SENTINEL_SECRETS_KEY": f"{'A' * 43}=, {'B' * 43}",
        }
    )
    assert settings.http_port == 65_535
    assert settings.listen_addresses == ("192.0.2.1", "::1", "2001:db8::1")
    assert settings.tls == TlsFiles(Path("/etc/tls/cert.pem"), Path("/etc/tls/key.pem"))
    assert [str(each) for each in settings.trusted_proxies] == ["192.0.2.1/32", "10.0.0.0/8", "fd00::/8"]
    assert settings.fast_tls is False
    assert (settings.retention_raw_days, settings.retention_hourly_days) == (7, 36_500)
    assert settings.retention_on_demand_days == 1
    assert settings.data_dir == Path("/var/lib/sentinel")
    assert settings.database_url == "postgresql://u:p@db/sentinel"
    assert settings.workers == 3
    assert (settings.egress_allow, settings.egress_deny) == ("10.0.0.0/8@acme,fd00::/8", "10.9.0.0/16")
    assert settings.egress_translation_prefixes == "64:ff9b:1::/96"
    assert settings.registration is RegistrationMode.INVITE
    assert settings.dns_servers == (
        "192.0.2.1:53", "192.0.2.2:5353", "[::1]:53", "[2001:db8::1]:54", "[2001:db8::2]:53",
    )  # fmt: skip
    assert (settings.log_level, settings.log_format) == ("debug", "json")
    assert (settings.quota_services, settings.quota_checks) == (7, 8)
    assert settings.secrets_keys == (bytes(32), b"\x04\x10\x41" * 10 + b"\x04\x10")
    assert repr(settings) == "Settings()"


def test_beyond_loopback_somebody_has_to_say_who_may_register() -> None:
    beyond = {"SENTINEL_LISTEN_ADDRESSES": "127.0.0.1, ::"}

    with pytest.raises(SettingError, match=r"^SENTINEL_REGISTRATION is not set, and :: is reachable"):
        Settings.of_stack(beyond)
    assert Settings.of_stack({}).registration_mode is RegistrationMode.OPEN
    assert Settings.of_stack({"SENTINEL_LISTEN_ADDRESSES": "127.0.0.1,::1"}).registration_mode is RegistrationMode.OPEN
    for mode in RegistrationMode:
        assert Settings.of_stack({**beyond, "SENTINEL_REGISTRATION": mode.value}).registration_mode is mode


def test_an_empty_setting_is_one_that_is_not_set() -> None:
    names = (
        "HTTP_PORT",
        "LISTEN_ADDRESSES",
        "TLS_CERT",
        "TLS_KEY",
        "DATA_DIR",
        "DATABASE_URL",
        "WORKERS",
        "EGRESS_ALLOW",
        "EGRESS_DENY",
        "EGRESS_TRANSLATION_PREFIXES",
        "REGISTRATION",
        "LISTEN_ADDRESSES",
        "DNS_SERVERS",
        "CANARIES",
        "LOG_LEVEL",
        "LOG_FORMAT",
        "QUOTA_SERVICES",
        "QUOTA_CHECKS",
        "SECRETS_KEY",
        "FAST_TLS",
    )
    assert Settings.of_stack({f"SENTINEL_{name}": "" for name in names}) == Settings.of_stack({})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENTINEL_RETENTION_RAW_DAYS", "6"),
        ("SENTINEL_RETENTION_HOURLY_DAYS", "34"),
        ("SENTINEL_RETENTION_ON_DEMAND_DAYS", "0"),
        ("SENTINEL_HTTP_PORT", "0"),
        ("SENTINEL_HTTP_PORT", "65536"),
        ("SENTINEL_HTTP_PORT", "-1"),
        ("SENTINEL_HTTP_PORT", "8080 "),
        ("SENTINEL_HTTP_PORT", "٨٠٨٠"),
        ("SENTINEL_HTTP_PORT", "9" * 5_000),
        ("SENTINEL_LISTEN_ADDRESSES", "localhost"),
        ("SENTINEL_LISTEN_ADDRESSES", "127.0.0.1 ::1"),
        ("SENTINEL_LISTEN_ADDRESSES", "10.0.0.0/8"),
        ("SENTINEL_TRUSTED_PROXIES", "1"),
        ("SENTINEL_TRUSTED_PROXIES", "10.0.0.1/8"),
        ("SENTINEL_WORKERS", "0"),
        ("SENTINEL_WORKERS", "two"),
        ("SENTINEL_DATA_DIR", "~no-such-user/data"),
        ("SENTINEL_DATABASE_URL", "mysql://db/sentinel"),
        ("SENTINEL_EGRESS_ALLOW", "10.0.0.0/33"),
        ("SENTINEL_EGRESS_DENY", "10.0.0.0/8@acme"),
        ("SENTINEL_EGRESS_TRANSLATION_PREFIXES", "64:ff9b:1::/95"),
        ("SENTINEL_REGISTRATION", "maybe"),
        ("SENTINEL_DNS_SERVERS", "dns.example"),
        ("SENTINEL_DNS_SERVERS", "192.0.2.1:0"),
        ("SENTINEL_DNS_SERVERS", "192.0.2.1:65536"),
        ("SENTINEL_DNS_SERVERS", "[::1]:dns"),
        ("SENTINEL_CANARIES", "outside.test:443"),
        ("SENTINEL_CANARIES", "192.0.2.1"),
        ("SENTINEL_CANARIES", "192.0.2.1:0"),
        ("SENTINEL_FAST_TLS", "maybe"),
        ("SENTINEL_LOG_LEVEL", "loud"),
        ("SENTINEL_LOG_FORMAT", "xml"),
        ("SENTINEL_QUOTA_SERVICES", "0"),
        ("SENTINEL_QUOTA_CHECKS", "1000001"),
        ("SENTINEL_SECRETS_KEY", "A" * 42),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(name: str, value: str) -> None:
    with pytest.raises(SettingError, match=f"^{name}"):
        Settings.of_stack({name: value})


@pytest.mark.parametrize("name", ["SENTINEL_TLS_CERT", "SENTINEL_TLS_KEY"])
def test_half_a_certificate_is_refused(name: str) -> None:
    with pytest.raises(SettingError, match=r"is not set but .* is; set both to serve TLS, or neither"):
        Settings.of_stack({name: "/etc/tls/file.pem"})


def test_a_link_to_a_certificate_is_kept_as_a_link(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").symlink_to(tmp_path / "first.pem")
    tls = Settings.of_stack({"SENTINEL_TLS_CERT": str(tmp_path / "cert.pem"), "SENTINEL_TLS_KEY": "key.pem"}).tls

    assert tls == TlsFiles(tmp_path / "cert.pem", Path.cwd() / "key.pem")
