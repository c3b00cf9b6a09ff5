"""Beyond loopback, somebody has to say who may register."""

import pytest

from services.platform.security.registration import RegistrationMode, refusal_of_silence


@pytest.mark.parametrize(
    "addresses",
    [[], [""], ["127.0.0.1"], ["127.0.0.2", " ::1 "], ["[::1]"], ["::ffff:127.0.0.1"], ["localhost"]],
)
def test_on_loopback_nobody_has_to(addresses: list[str]) -> None:
    assert refusal_of_silence(addresses, None) is None


@pytest.mark.parametrize(
    "address",
    ["0.0.0.0", "::", "192.0.2.1", "[2001:db8::1]", "10.0.0.1", "::ffff:10.0.0.1", "sentinel.internal"],  # noqa: S104 — nothing is bound
)
def test_beyond_loopback_the_start_is_refused_with_the_setting_the_address_and_the_choices(address: str) -> None:
    sentence = refusal_of_silence(["127.0.0.1", address], None)

    assert sentence is not None
    assert sentence.startswith("SENTINEL_REGISTRATION is not set")
    assert address in sentence
    assert "open, invite, closed" in sentence
    assert [refusal_of_silence([address], mode) for mode in RegistrationMode] == [None] * 3
