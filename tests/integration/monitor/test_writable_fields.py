"""Every field of Check and Service that can be written survives create, get and update, and workers read the same.

Fields come from the descriptors: a new one needs a pair of values here. The two of a pair differ, so that a field
that is lost on its way is seen, whatever its default is. That each can be emptied is tested in tests/e2e/test_patch.py.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

import pytest
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from sentinel.monitor.v1 import check_pb2, monitor_service_pb2, service_pb2
from sentinel.options.v1 import secret_pb2

from services.checks.specs.kinds import spec_of
from services.checks.specs.secrets import HIDDEN
from services.monitor.messages import check_draft, check_message, service_draft, service_message
from services.monitor.store import MonitorStore
from services.monitor.updates import Updates
from services.platform.postgres.database import create_pool
from services.platform.security.secret_box import SecretBox
from services.platform.security.secret_keys import SecretKeys
from services.worker.store import EngineStore
from tests.integration.monitor.conftest import Admin, Monitor, a_monitor
from tests.support.contract import at, writable_leaves
from tests.support.database import patient_database
from tests.support.targets import Authority

CHECK = cast("Descriptor", check_pb2.Check.DESCRIPTOR)
SERVICE = cast("Descriptor", service_pb2.Service.DESCRIPTOR)
BOX = SecretBox(SecretKeys((b"k" * 32,)))
Leaf = tuple[FieldDescriptor, ...]
Pair = tuple[dict[str, Any], dict[str, Any]]

SERVICES: Pair = (
    {"name": "Shop", "url": "https://a.test/", "description": "a shop", "labels": {"a": "b"}},
    {"name": "Store", "url": "https://b.test/", "description": "a store", "labels": {"a": "c", "d": "e"}},
)
OF_ALL_KINDS: Pair = (
    {"name": "first", "interval": "30s", "failureThreshold": 5, "recoveryThreshold": 4},
    {"name": "second", "interval": "40s", "failureThreshold": 6, "recoveryThreshold": 3},
)
OF_RUNS: Pair = (
    {"timeout": "3s", "retries": 3, "retryDelay": "1s"},
    {"timeout": "4s", "retries": 2, "retryDelay": "2s"},
)
KINDS = ["dns", "dns of another type", "grpc", "grpc in the open", "heartbeat", "http", "http with a certificate",
         "http with a token", "tcp", "tls"]  # fmt: skip


def specs(folder: Path) -> dict[str, Pair]:
    """The part of a check that differs by kind, twice: with no value the same but where another one needs it."""
    folders = [folder / "one", folder / "two"]
    for each in folders:
        each.mkdir()
    authorities = [Authority(each) for each in folders]
    one, two = (
        {"skipVerify": skips, "caCertificates": authority.pem, "serverName": name}
        for skips, authority, name in zip((True, False), authorities, ("a.test", "b.test"), strict=True)
    )
    certificates = [
        {"certificate": certificate, "privateKey": key}
        for certificate, key in (authority.client() for authority in authorities)
    ]
    # At one origin, or else the secrets that are stored would not be kept.
    urls = "https://a.test/one", "https://a.test/two"
    return {
        "dns": (
            {"dns": {"name": "a.test", "type": "A", "expected": ["1.2.3.4"], "server": "8.8.8.8:53"}},
            {"dns": {"name": "b.test", "type": "A", "expected": ["4.3.2.1"], "server": "8.8.4.4:54"}},
        ),
        "dns of another type": ({"dns": {"name": "a.test", "type": "A"}}, {"dns": {"name": "b.test", "type": "AAAA"}}),
        "grpc": (
            {"grpc": {"address": "a.test:1", "service": "a", "tls": True, **one}},
            {"grpc": {"address": "a.test:2", "service": "b", "tls": True, **two}},
        ),
        "grpc in the open": (
            {"grpc": {"address": "a.test:1", "tls": True}},
            {"grpc": {"address": "a.test:2", "tls": False}},
        ),
        "heartbeat": ({"heartbeat": {"grace": "20s"}}, {"heartbeat": {"grace": "10s"}}),
        "http": (
            {
                "http": {
                    "url": urls[0],
                    "method": "POST",
                    "headers": {"x-a": "b", "x-b": "c"},
                    "body": "text",
                    "expectedStatus": [201, 202],
                    "followRedirects": True,
                    "maxRedirects": 3,
                    "bodyContains": "x",
                    "tls": one,
                    "assertions": [{"bodyContains": "a"}],
                    "basicAuth": {"username": "bob", "password": "secret-1"},
                }
            },
            {
                "http": {
                    "url": urls[1],
                    "method": "PUT",
                    "headers": {"x-a": "d"},
                    "body": "other",
                    "expectedStatus": [203],
                    "followRedirects": False,
                    "maxRedirects": 4,
                    "bodyContains": "y",
                    "tls": two,
                    "assertions": [{"bodyContains": "b"}, {"bodyContains": "c"}],
                    "basicAuth": {"username": "eve", "password": "secret-2"},
                }
            },
        ),
        "http with a certificate": (
            {"http": {"url": urls[0], "clientCertificate": certificates[0]}},
            {"http": {"url": urls[1], "clientCertificate": certificates[1]}},
        ),
        "http with a token": (
            {"http": {"url": urls[0], "headers": {"x-a": "b"}, "secretHeaders": ["x-a"], "bearerToken": "secret-1"}},
            {
                "http": {
                    "url": urls[1],
                    "headers": {"x-a": "c", "x-b": "d"},
                    "secretHeaders": ["x-a", "x-b"],
                    "bearerToken": "secret-2",
                }
            },
        ),
        "tcp": (
            {"tcp": {"host": "a.test", "port": 1, "send": "a", "expect": "b"}},
            {"tcp": {"host": "b.test", "port": 2, "send": "c", "expect": "d"}},
        ),
        "tls": (
            {"tls": {"host": "a.test", "port": 1, "minDaysLeft": 7, "startTls": "START_TLS_SMTP", **one}},
            {"tls": {"host": "b.test", "port": 2, "minDaysLeft": 8, "startTls": "START_TLS_IMAP", **two}},
        ),
    }


def checks(folder: Path) -> dict[str, Pair]:
    """A check of each kind, twice."""

    def whole(number: int, spec: dict[str, Any]) -> dict[str, Any]:
        return {**OF_ALL_KINDS[number], **({} if "heartbeat" in spec else OF_RUNS[number]), **spec}

    return {kind: (whole(0, first), whole(1, second)) for kind, (first, second) in specs(folder).items()}


def json_path(leaf: Leaf) -> tuple[str, ...]:
    return tuple(field.json_name for field in leaf)


def mask_of(leaf: Leaf) -> str:
    """What an update names to change a field; of a certificate no part fits without the other."""
    names = [field.name for field in leaf]
    return ".".join(names[:2] if "client_certificate" in names else names)


def value(message: Any, leaf: Leaf) -> Any:
    """The value of a field."""
    for field in leaf:
        message = getattr(message, field.name)
    last = leaf[-1]
    if last.message_type is not None and last.message_type.GetOptions().map_entry:
        return dict(message)
    return list(message) if last.is_repeated else message


def is_shown(leaf: Leaf, given: Any, read: Any) -> bool:
    """Whether what is read is what was given, or hidden where it is a secret."""
    options: Any = leaf[-1].GetOptions()
    if not options.Extensions[secret_pb2.secret]:
        return bool(read == given)
    if isinstance(given, dict):
        return given.keys() == read.keys() and all(read[name] in {given[name], HIDDEN} for name in given)
    return bool(read == HIDDEN)


def lost(kind: Descriptor, given: dict[str, Any], sent: Any, read: Any) -> list[str]:
    """The fields that were given, and are not read back."""
    leaves = [leaf for leaf in writable_leaves(kind) if at(given, json_path(leaf)) is not None]
    assert leaves
    return [mask_of(leaf) for leaf in leaves if not is_shown(leaf, value(sent, leaf), value(read, leaf))]


@pytest.fixture
async def keeper(admin: Admin, database_url: str) -> AsyncIterator[Monitor]:
    """Monitor for one tenant, with a key for secrets."""
    database = patient_database(database_url, "sentinel_monitor")
    yield await a_monitor(admin, MonitorStore(database, BOX))
    await database.close()


@pytest.fixture
async def workers_store(database_url: str) -> AsyncIterator[EngineStore]:
    pool = await create_pool(database_url, "sentinel_engine", 1, times_in_us=True)
    yield EngineStore(pool, BOX)
    await pool.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_every_writable_field_of_a_check_survives(
    kind: str, keeper: Monitor, workers_store: EngineStore, tmp_path: Path
) -> None:
    first, second = checks(tmp_path)[kind]
    start, goal = ParseDict(first, check_pb2.Check()), ParseDict(second, check_pb2.Check())
    service_id = await keeper.service()
    made = await keeper.checks.create(keeper.actor, service_id, check_draft(start), None)
    of = (service_id, made.check.id)

    async def read() -> check_pb2.Check:
        return check_message(await keeper.checks.get(keeper.tenant_id, *of))

    async def update(wished: check_pb2.Check, *paths: str) -> None:
        request = monitor_service_pb2.UpdateCheckRequest(check=wished)
        request.update_mask.paths.extend(paths)
        await keeper.checks.update(keeper.actor, *of, "", Updates().of_check(request))

    async def lost_by_the_worker(wished: check_pb2.Check, given: dict[str, Any]) -> list[str]:
        ((held, _),) = await workers_store.checks_by_key([(keeper.tenant_id, made.check.id)])
        settings = asdict(held.settings)
        assert held.spec == spec_of(wished)
        named = {field.name for field in CHECK.fields if field.json_name in given} - {"name", held.spec.KIND}
        spans = {name for name in named if CHECK.fields_by_name[name].message_type is not None}
        wanted = {
            **{f"{name}_us": getattr(wished, name).ToMicroseconds() for name in spans},
            **{name: getattr(wished, name) for name in named - spans},
        }
        return [name for name, wanted_value in wanted.items() if settings.get(name) != wanted_value]

    assert lost(CHECK, first, start, await read()) == []
    assert await lost_by_the_worker(start, first) == []
    for leaf in writable_leaves(CHECK):
        if at(second, json_path(leaf)) is not None:
            await update(goal, mask_of(leaf))
            assert is_shown(leaf, value(goal, leaf), value(await read(), leaf)), mask_of(leaf)
    assert lost(CHECK, second, goal, await read()) == []
    assert await lost_by_the_worker(goal, second) == []
    await update(start, "*")
    assert lost(CHECK, first, start, await read()) == []
    assert await lost_by_the_worker(start, first) == []


def test_every_writable_field_of_a_check_has_two_values_here(tmp_path: Path) -> None:
    pairs = checks(tmp_path)
    assert list(pairs) == KINDS
    tried = {
        json_path(leaf)
        for leaf in writable_leaves(CHECK)
        if any(
            None not in (one := [at(each, json_path(leaf)) for each in pair]) and one[0] != one[1]
            for pair in pairs.values()
        )
    }
    assert {json_path(leaf) for leaf in writable_leaves(CHECK)} - tried == set()


async def test_every_writable_field_of_a_service_survives(keeper: Monitor) -> None:
    first, second = SERVICES
    start, goal = ParseDict(first, service_pb2.Service()), ParseDict(second, service_pb2.Service())
    asked = ParseDict(first, monitor_service_pb2.CreateServiceRequest())
    made = await keeper.services.create(keeper.actor, service_draft(asked), None)
    service_id = made.service.id

    async def read() -> service_pb2.Service:
        return service_message(await keeper.services.get(keeper.tenant_id, service_id))

    async def update(wished: service_pb2.Service, *paths: str) -> None:
        request = monitor_service_pb2.UpdateServiceRequest(service=wished)
        request.update_mask.paths.extend(paths)
        await keeper.services.update(keeper.actor, service_id, "", Updates().of_service(request))

    assert lost(SERVICE, first, start, await read()) == []
    for leaf in writable_leaves(SERVICE):
        await update(goal, mask_of(leaf))
        assert is_shown(leaf, value(goal, leaf), value(await read(), leaf)), mask_of(leaf)
    assert lost(SERVICE, second, goal, await read()) == []
    await update(start, "*")
    assert lost(SERVICE, first, start, await read()) == []


def test_every_writable_field_of_a_service_has_two_values_here() -> None:
    first, second = SERVICES
    for leaf in writable_leaves(SERVICE):
        one, other = at(first, json_path(leaf)), at(second, json_path(leaf))
        assert None not in (one, other), f"{mask_of(leaf)} has no values here"
        assert one != other
