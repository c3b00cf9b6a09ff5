"""Every method by every caller on own, foreign and absent things, natively and as REST (architecture.md § Trust).

What each answers is derived from the contract: the access option says who may, the fields say whose things are named. A
new method enters by itself; where its request cannot be made of ids alone, the test asks for an example.
"""

import copy
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import grpc
import jwt
import protovalidate
import pytest
from google.protobuf.descriptor import MethodDescriptor
from sentinel.options.v1 import access_pb2

from tests.support.stack import PASSWORD, Stack, Team, bearer, registration, until
from tests.support.walk import Answer, access_of, call_native, call_rest, ids_of, methods, put, reads, request_of

ROLES = ("viewer", "member", "admin")
WAYS = ("native", "rest")
# Whose methods are served where, and which of them write an audit entry (docs/security.md).
SOCKETS = {"sentinel.auth.v1": "auth", "sentinel.monitor.v1": "monitor", "sentinel.probe.v1": "worker-0"}
AUDITED = {"sentinel.auth.v1", "sentinel.monitor.v1"}
# Those that also start a session, which is an entry of its own.
STARTS_A_SESSION = {"Register", "AcceptInvitation"}
# Ids that name nothing that a tenant owns.
OTHER_IDS = {"request_id", "actor_id"}
_INCIDENTS_AT_ONCE = 30
# A window that goes on would let no incident of its team open.
_AHEAD = {"name": "Upgrade", "startTime": "2099-01-01T00:00:00Z", "duration": "60s"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls.

    Attributes:
        role: as the contract's option counts it; 0 for nobody.
        token: what they send; empty for nobody.
        email: a person's; empty for a machine.
    """

    role: int
    token: str = ""
    email: str = ""


class World:
    """Two teams with a person and an API key of each role, and both ways to call."""

    def __init__(self, stack: Stack, resources: ExitStack) -> None:
        self.home, self.away = (resources.enter_context(Team(stack)) for _ in range(2))
        self.rest = resources.enter_context(stack.rest())
        self._incidents: dict[str, list[str]] = {}
        self._lasting: dict[tuple[str, str], str] = {}
        sockets = (stack.data_dir / "run").resolve()
        self.channels = {
            package: resources.enter_context(grpc.insecure_channel(f"unix:{sockets / name}.sock"))
            for package, name in SOCKETS.items()
        }
        self.callers = {"nobody": Caller(0)}
        for role in ROLES:
            self.callers[role] = self.newcomer(role)
            self.callers[f"key-{role}"] = Caller(_number(role), self.home.api_key(role)["key"])

    def newcomer(self, role: str) -> Caller:
        """Somebody new in our team."""
        person = self.home.person(role)
        return Caller(_number(role), person.token, person.email)

    def call(self, way: str, caller: Caller, method: MethodDescriptor, values: dict[str, Any]) -> Answer:
        """Call natively or as REST."""
        request = request_of(method, values)
        broken = protovalidate.collect_violations(request)
        assert not broken, f"give {method.name} an example in `example`: {broken[0].proto.message}"
        if way == "rest":
            return call_rest(self.rest, caller.token, method, request)
        return call_native(self.channels[method.containing_service.file.package], caller.token, method, request)

    def things(self, kinds: Collection[str], team: Team, caller: Caller, *, lasting: bool) -> dict[str, str]:
        """The ids of things in a team, by kind; lasting ones nobody may change, so they are the same each time."""
        made: dict[str, str] = {}
        make = self.lasting_thing if lasting else self.thing
        for kind in sorted(kinds, reverse=True):  # a service before its check
            made[kind] = make(kind, team, caller, made)
        return made

    def lasting_thing(self, name: str, team: Team, caller: Caller, others: dict[str, str]) -> str:
        """The id of something in a team that nobody may change: the same each time."""
        if name == "session_id":
            return self.thing(name, team, caller, others)
        key = team.slug, name
        if key not in self._lasting:
            self._lasting[key] = self.thing(name, team, caller, others)
        return self._lasting[key]

    def thing(self, name: str, team: Team, caller: Caller, others: dict[str, str]) -> str:
        """The id of something new in a team; a session is the caller's, or at the other team its administrator's."""
        makers: dict[str, Callable[[], str]] = {
            "service_id": team.service,
            "incident_id": lambda: self.incident(team),
            "user_id": lambda: team.person("viewer").id,
        }
        if name in makers:
            return makers[name]()
        if name == "check_id":
            return team.heartbeat(others["service_id"], interval="3600s")[0]  # which has a token to rotate
        if name == "session_id":
            token = caller.token if team is self.home else team.tokens["accessToken"]
            return str(jwt.decode(token, options={"verify_signature": False})["sid"])
        if name == "invitation_id":
            email = f"{uuid4().hex}@acme.test"
            return str(team.post("/users:invite", email=email, role="ROLE_VIEWER")["invitation"]["id"])
        assert name in {"maintenance_window_id", "api_key_id"}, f"say in `thing` how to make something for {name}"
        if name == "maintenance_window_id":
            made = team.post("/maintenance-windows", **_AHEAD)["window"]
        else:
            made = team.api_key("viewer")["apiKey"]
        return str(made["id"])

    def incident(self, team: Team) -> str:
        """An open incident that no test has had; many are opened at once, since each takes a slot to fail."""
        waiting = self._incidents.setdefault(team.slug, [])
        if not waiting:
            service = team.service()
            for _ in range(_INCIDENTS_AT_ONCE):
                team.check(service, "http://localhost:1/", failureThreshold=1)
            query = f"/incidents?state=INCIDENT_STATE_OPEN&serviceId={service}&pageSize={_INCIDENTS_AT_ONCE}"
            until(lambda: team.client.get(query).json()["totalSize"] == _INCIDENTS_AT_ONCE)
            waiting += [incident["id"] for incident in team.client.get(query).json()["incidents"]]
        return waiting.pop()

    def example(self, method: str, caller: Caller) -> dict[str, Any]:
        """What a request needs besides ids."""
        if method == "Register":
            return _snake(registration(f"walk-{uuid4().hex}"))
        if method == "Login":
            person = caller if caller.email else self.callers["viewer"]
            return {"tenant_slug": self.home.slug, "email": person.email, "password": PASSWORD}
        tokens: dict[str, Callable[[], dict[str, Any]]] = {
            "Refresh": lambda: {"refresh_token": self.home.person("viewer").refresh_token},
            "ReportHeartbeat": lambda: {"token": self.home.heartbeat(self.home.service(), interval="3600s")[1]},
        }
        if method in tokens:
            return tokens[method]()
        if method == "AcceptInvitation":
            invited = self.home.post("/users:invite", email=f"{uuid4().hex}@acme.test", role="ROLE_VIEWER")
            return {"token": invited["token"], "password": PASSWORD}
        if method == "ChangePassword":
            return {"current_password": PASSWORD, "new_password": PASSWORD + "!"}
        name = uuid4().hex
        examples: dict[str, dict[str, Any]] = {
            "InviteUser": {"email": f"{name}@acme.test", "role": "ROLE_VIEWER"},
            "CreateApiKey": {"name": name, "role": "ROLE_VIEWER"},
            "UpdateMe": {"user": {"display_name": name}},
            "UpdateUser": {"user": {"role": "ROLE_MEMBER"}},
            "AddIncidentNote": {"note": name},
            "CreateService": {"name": name},
            "UpdateService": {"service": {"name": name}},
            "UpdateCheck": {"check": {"name": name}},
            "CreateCheck": {"check": {"name": name, "http": {"url": "http://localhost:1/"}, "interval": "3600s"}},
            "CreateMaintenanceWindow": {"window": _AHEAD},
            "TryCheck": {"check": {"name": name, "http": {"url": "http://localhost:1/"}}},
            "EvaluateAssertions": {"assertions": [{"body_contains": name}], "given": {"body": name}},
            "UpdateMaintenanceWindow": {"window": {"name": name}},
        }
        return examples.get(method, {})

    def prepare(self, method: str, things: dict[str, str]) -> None:
        """Bring our things into a state that the method changes."""
        if method == "ResumeCheck":
            self.home.post(f"/services/{things['service_id']}/checks/{things['check_id']}:pause")

    def audited(self, request_id: str, token: str) -> list[str]:
        """The actions in the audit log of a call."""
        answer = self.rest.get("/audit?pageSize=10", headers=bearer(token))
        return [entry["action"] for entry in answer.json()["auditEntries"] if entry["requestId"] == request_id]


@pytest.fixture(scope="module")
def world(stack: Stack) -> Iterator[World]:
    """The two teams."""
    with ExitStack() as resources:
        yield World(stack, resources)


def verdict(access: access_pb2.Access, name: str, caller: Caller) -> tuple[int, str]:
    """What the contract says of a caller: HTTP status and reason."""
    if access.public:
        return 200, ""
    if not caller.token:
        return 401, "TOKEN_MISSING"
    if caller.role < access.role:
        return 403, "ROLE_INSUFFICIENT"
    if access.person_only and name.startswith("key-"):
        return 403, "PERSON_REQUIRED"
    return 200, ""


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["nobody", *ROLES, *(f"key-{role}" for role in ROLES)])
@pytest.mark.parametrize("method", methods(), ids=lambda method: method.name)
def test_each_method_answers_each_caller_as_the_contract_says(
    world: World, method: MethodDescriptor, name: str, way: str
) -> None:
    access, caller = access_of(method), world.callers[name]
    expected = verdict(access, name, caller)
    admitted = expected[0] == 200
    changes = admitted and not reads(method)
    if changes and caller.email and method.containing_service.file.package == "sentinel.auth.v1":
        caller = world.newcomer(name)  # whose account may change, or end
    ids = {kind: path for kind, path in ids_of(method).items() if kind not in OTHER_IDS}

    def call(things: dict[str, str]) -> Answer:
        values = copy.deepcopy(world.example(method.name, caller))
        for kind, thing in things.items():
            put(values, ids[kind], thing)
        return world.call(way, caller, method, values)

    away = world.things(ids, world.away, caller, lasting=True)
    home = away
    if caller.email or "session_id" not in ids:
        home = world.things(ids, world.home, caller, lasting=not changes)
    if ids:
        nowhere = {kind: str(uuid4()) for kind in ids}
        inner = min(ids)  # a check before its service
        for wrong, foreign in ((nowhere, away), ({**home, inner: nowhere[inner]}, {**home, inner: away[inner]})):
            absent, other = call(wrong), call(foreign)
            assert (other.status, other.reason, other.message) == (absent.status, absent.reason, absent.message)
            if admitted:
                assert absent.status == 404
                assert absent.reason.removesuffix("_NOT_FOUND").lower() + "_id" in ids
            else:
                assert (absent.status, absent.reason) == expected
    world.prepare(method.name, home)
    own = call(home)
    assert (own.status, own.reason) == expected, own.message
    if admitted and method.containing_service.file.package in AUDITED:
        token = own.body["tokens"]["accessToken"] if method.name == "Register" else world.home.tokens["accessToken"]
        entries = 0 if reads(method) else 2 if method.name in STARTS_A_SESSION else 1
        assert len(world.audited(own.request_id, token)) == entries


def _number(role: str) -> int:
    return access_pb2.Role.Value(f"ROLE_{role.upper()}")


def _snake(values: dict[str, str]) -> dict[str, str]:
    return {"".join(f"_{c.lower()}" if c.isupper() else c for c in name): value for name, value in values.items()}
