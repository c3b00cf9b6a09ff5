"""One list of settings serves the documentation and the check of names, and is what the code reads."""

import pickle
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from services.platform.configuration.setting import SERVICES
from services.platform.configuration.setting_names import unknown_settings
from services.platform.configuration.settings import SETTINGS, SettingError, Settings

_DOCS = Path(__file__).parents[3] / "docs" / "settings.md"
_ROW = re.compile(r"^\| `(SENTINEL_\w+)` \| (.*?) \| ", re.MULTILINE)


class Noting(Mapping[str, str]):
    """An environment that notes which names are asked for."""

    def __init__(self, **values: str) -> None:
        self._values = values
        self.asked: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.asked.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)


def names(*processes: str) -> set[str]:
    """The settings that some processes read."""
    return {each.name for each in SETTINGS if each.process in processes}


def test_the_documentation_has_each_setting_with_its_default_and_no_other() -> None:
    of_up, of_single = _DOCS.read_text().split("A single process (")

    assert _ROW.findall(of_up) == [(each.name, each.shown) for each in SETTINGS if each.process != "single"]
    assert _ROW.findall(of_single) == [(each.name, each.shown) for each in SETTINGS if each.process == "single"]


def test_the_list_is_what_up_reads() -> None:
    environment = Noting()
    Settings.of_stack(environment)

    assert environment.asked == names("up", "both")


def test_the_list_is_what_a_single_process_reads() -> None:
    environment = Noting(SENTINEL_DATABASE_URL="postgresql://db/sentinel", SENTINEL_LISTEN="127.0.0.1:1")
    Settings.of_service(environment)

    assert environment.asked == names("single", "both")


@pytest.mark.parametrize("service", SERVICES)
def test_what_up_passes_on_is_all_that_both_read_as_it_was_set_but_no_key_of_secrets_for_auth(service: str) -> None:
    environment = {each.name: each.default for each in SETTINGS} | {
        "SENTINEL_DATABASE_URL": "postgresql://db/sentinel",
        "SENTINEL_EGRESS_ALLOW": "10.0.0.0/8@acme",
        "SENTINEL_CANARIES": "192.0.2.1:53, [2001:db8::1]:53",
        "SENTINEL_QUOTA_CHECKS": "8",
        "SENTINEL_SECRETS_KEY": f"{'A' * 43}=",
    }
    settings = Settings.of_stack(environment)
    passed = settings.passed_on(service)

    withheld = {"SENTINEL_SECRETS_KEY"} if service == "auth" else set()
    assert set(passed) == names("both") - withheld
    assert passed == {name: environment[name] for name in passed}
    read = Settings.of_service({**passed, "SENTINEL_LISTEN": "unix:/run/x.sock"})
    assert {name: read.values[name] for name in passed} == {name: settings.values[name] for name in passed}


@pytest.mark.parametrize("process", [Settings.of_stack, Settings.of_service])
def test_what_a_process_does_not_read_has_no_value_in_it(process: Callable[[Mapping[str, str]], Settings]) -> None:
    environment = {"SENTINEL_DATABASE_URL": "postgresql://db/sentinel", "SENTINEL_LISTEN": "127.0.0.1:1"}
    settings = process(environment)
    with pytest.raises(KeyError, match="SENTINEL_"):
        _ = (settings.http_port, settings.listen)


def test_settings_show_no_value_when_they_are_printed_and_survive_the_way_between_processes() -> None:
    settings = Settings.of_stack({"SENTINEL_DATABASE_URL": "postgresql://u:hunter2@db/sentinel"})

    assert "hunter2" not in f"{settings!r} {settings}"
    assert pickle.loads(pickle.dumps(settings)) == settings  # noqa: S301 — our own bytes


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SENTINEL_HTPP_PORT", "SENTINEL_HTTP_PORT"),
        ("SENTINEL_PORT", ""),
        ("SENTINEL_EGRESS_ALOW", "SENTINEL_EGRESS_ALLOW"),
        ("SENTINEL_RETENTION_RAW_DAY", "SENTINEL_RETENTION_RAW_DAYS"),
        ("SENTINEL_TRUSTED_PROXY", "SENTINEL_TRUSTED_PROXIES"),
        ("SENTINEL_COLOUR_OF_THE_SKY", ""),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_setting(name: str, nearest: str) -> None:
    (sentence,) = unknown_settings({name: "80", "PATH": "/bin"})

    assert sentence.startswith(f"{name} is not a known setting; ")
    assert sentence.endswith(f"did you mean {nearest}?") if nearest else "docs/settings.md" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((each.name, "") for each in SETTINGS),
        ("SENTINEL_API_KEY", "sst_x"),
        ("SENTINEL_URL", "http://localhost:8080"),
        ("SENTINEL_TOKEN", "x"),
        ("SENTINEL_SERVICE_HOST", "10.0.0.1"),
        ("SENTINEL_SERVICE_PORT", "8080"),
        ("SENTINEL_SERVICE_PORT_HTTP", "8080"),
        ("SENTINEL_DOOR_SERVICE_HOST", "10.0.0.1"),
        ("SENTINEL_PORT", "tcp://10.0.0.1:8080"),
        ("SENTINEL_DOOR_PORT", "tcp://10.0.0.1:8080"),
        ("SENTINEL_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("SENTINEL_DOOR_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("SENTINEL_DOOR_PORT_53_UDP_PROTO", "udp"),
    ],
)
def test_settings_and_names_of_clients_and_of_kubernetes_are_known(name: str, value: str) -> None:
    assert unknown_settings({name: value}) == []


def test_a_setting_that_kubernetes_overwrites_says_so() -> None:
    with pytest.raises(SettingError, match="which Kubernetes sets for a Service of that name"):
        Settings.http_port.read({"SENTINEL_HTTP_PORT": "tcp://10.0.0.1:80"})


def test_each_setting_is_listed_once() -> None:
    assert len({each.name for each in SETTINGS}) == len(SETTINGS)
