"""Which attempts count together."""

from services.auth.limits import Limits


class NoStore:
    """Never asked."""


LIMITS = Limits(NoStore(), per_minute=60, burst=30)  # type: ignore[arg-type] # keys need no store


def test_one_ipv6_client_with_many_addresses_is_one_source() -> None:
    assert LIMITS.source("login", "2001:db8::1") == LIMITS.source("login", "2001:db8::ffff:2")
    assert LIMITS.source("login", "2001:db8::1") != LIMITS.source("login", "2001:db8:0:1::1")
    assert LIMITS.source("login", "192.0.2.1") != LIMITS.source("login", "192.0.2.2")


def test_methods_and_accounts_do_not_share_a_bucket() -> None:
    assert LIMITS.source("login", "192.0.2.1").key != LIMITS.source("refresh", "192.0.2.1").key
    assert LIMITS.account("acme", "a@acme.test") != LIMITS.account("acme", "b@acme.test")
    assert LIMITS.account("acm", "ea@acme.test") != LIMITS.account("acme", "a@acme.test")


def test_the_account_has_a_bucket_of_its_own_at_a_known_address() -> None:
    anywhere = LIMITS.account("acme", "a@acme.test")
    at_home = LIMITS.account("acme", "a@acme.test", known_address="192.0.2.1")

    assert anywhere != at_home


def test_nothing_of_a_person_is_in_a_key() -> None:
    key = LIMITS.account("acme", "a@acme.test").key

    assert len(key) == 32
    assert b"acme" not in key


def test_the_settings_say_how_fast_attempts_come_back() -> None:
    bucket = LIMITS.source("login", "192.0.2.1")

    assert (bucket.every_us, bucket.burst) == (1_000_000, 30)
