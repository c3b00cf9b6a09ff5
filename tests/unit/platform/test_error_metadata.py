"""The limits and figures that a message states are in its ErrorInfo, for gRPC and for REST."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from google.protobuf import json_format
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from sentinel.monitor.v1.assertion_pb2 import Assertion
from sentinel.monitor.v1.check_pb2 import Check, HttpCheck
from sentinel.monitor.v1.monitor_service_pb2 import CreateServiceRequest, ListServicesRequest
from sentinel.probe.v1.probe_service_pb2 import EvaluateAssertionsRequest

from services.checks.specs.assertion_validation import validate_assertions
from services.checks.specs.assertions import LARGEST_PROGRAMS, BodyMatches, total_program_size
from services.monitor.figures.buckets import series_edges
from services.monitor.figures.rollup import Retention
from services.monitor.maintenance.recurrence import occurrences
from services.monitor.quotas import Quotas
from services.platform.clock import DAY_US, SECOND_US
from services.platform.errors import SentinelError
from services.platform.rest.body import BodyInspector
from services.platform.rest.body_check_server import body_check_socket, serve_body_checks
from services.platform.rest.contract import contract_routes
from services.platform.rpc.field_rules import FieldRules
from services.platform.rpc.interceptors.decoding import decoded
from services.platform.rpc.interceptors.status import to_status
from services.platform.rpc.request_limits import MOST_BYTES, MOST_FIELDS
from services.platform.rpc.stream_metrics import StreamMetrics
from services.platform.rpc.stream_reader import OpenStreams
from services.worker.cpu_queue import CpuQueue
from services.worker.on_demand_places import OnDemandPlaces
from tests.support.patience import PATIENCE_S

BODIES = BodyInspector(contract_routes())
RULES = FieldRules()
QUOTAS = Quotas(services=3, checks=9, windows=2)
TENANT = UUID(int=1)
NOW = 20_000 * DAY_US
TOO_COMPLEX = [BodyMatches("a{1,100}")] * 3
DEEP_FIELD = (
    b'{"name": "a", "http": {"url": "https://a.test", "assertions": [{"jsonPath": {"path": "$", "equals": '
    + b"[" * 65
    + b"]" * 65
    + b"}}]}}"
)
VERY_DEEP = b"[" * 5_000 + b"]" * 5_000
MANY_FIELDS = b'{"labels": [' + b"1," * (8 * MOST_FIELDS) + b"1]}"


def validate(message: Message) -> None:
    RULES.validate(message)


def check(**fields: Any) -> Check:
    return Check(name="a", http=HttpCheck(url="https://a.test"), **fields)


def rest(body: bytes, path: str = "/services") -> None:
    BODIES.inspect("POST", path, {}, body)


def too_many_streams() -> None:
    OpenStreams(StreamMetrics("sentinel_stream", "results"), most_of_a_tenant=0).refuse_more(TENANT)


def too_many_runs() -> None:
    places = OnDemandPlaces()
    with ExitStack() as stack:
        for _ in range(9):
            stack.enter_context(places.holding(TENANT))


def too_much_cpu() -> None:
    queue = CpuQueue()
    queue.charge(TENANT, 60 * SECOND_US)
    queue.refuse_excess(TENANT)


CASES: Mapping[str, tuple[Callable[[], object], dict[str, str]]] = {
    "services": (lambda: QUOTAS.refuse_more_services(5), {"limit": "3", "actual": "5", "unit": "services"}),
    "checks": (lambda: QUOTAS.refuse_more_checks(9), {"limit": "9", "actual": "9", "unit": "checks"}),
    "windows": (lambda: QUOTAS.refuse_more_windows(2), {"limit": "2", "actual": "2", "unit": "maintenance windows"}),
    "bytes of a request": (
        lambda: decoded(b"\x0a" * (MOST_BYTES + 1), EvaluateAssertionsRequest),
        {"limit": str(MOST_BYTES), "actual": str(MOST_BYTES + 1), "unit": "bytes"},
    ),
    "fields of a request": (
        lambda: decoded(b"\x0a\x00" * 8 * MOST_FIELDS, EvaluateAssertionsRequest),
        {"limit": str(MOST_FIELDS), "actual": f"more than {MOST_FIELDS}", "unit": "fields"},
    ),
    "fields of a body": (
        lambda: rest(MANY_FIELDS),
        {"limit": str(MOST_FIELDS), "actual": f"more than {MOST_FIELDS}", "unit": "fields"},
    ),
    "nesting of a field": (
        lambda: rest(DEEP_FIELD, "/services/a/checks"),
        {"field": f"check.http.assertions[0].jsonPath.equals{'[0]' * 8}…", "limit": "64"},
    ),
    "nesting of a body": (lambda: rest(VERY_DEEP), {"limit": "64"}),
    "page size": (
        lambda: validate(ListServicesRequest(page_size=-1)),
        {"field": "page_size", "limit": "0", "actual": "-1"},
    ),
    "length of a text": (
        lambda: validate(CreateServiceRequest(name="x" * 500)),
        {"field": "name", "limit": "100", "actual": "500"},
    ),
    "items of a list": (
        lambda: validate(EvaluateAssertionsRequest(assertions=[Assertion()] * 999)),
        {"field": "assertions", "limit": "20", "actual": "999"},
    ),
    "a number": (lambda: validate(check(retries=99)), {"field": "retries", "limit": "3", "actual": "99"}),
    "a duration": (
        lambda: validate(check(timeout=Duration(seconds=999), interval=Duration(seconds=2_000))),
        {"field": "timeout", "limit": "300s", "actual": "999s"},
    ),
    "an interval": (
        lambda: validate(check(interval=Duration(seconds=90_000))),
        {"field": "interval", "limit": "86400s", "actual": "90000s"},
    ),
    "complexity of regular expressions": (
        lambda: validate_assertions(TOO_COMPLEX, "assertions"),
        {"field": "assertions", "limit": str(LARGEST_PROGRAMS), "actual": str(total_program_size(TOO_COMPLEX))},
    ),
    "buckets of a series": (
        lambda: series_edges("365d", None, None, "1h", NOW, Retention(30 * DAY_US, 400 * DAY_US)),
        {"field": "bucket", "limit": "1000", "actual": "8760"},
    ),
    "a recurrence": (
        lambda: occurrences(NOW, SECOND_US, "FREQ=DAILY;COUNT=99999", "", NOW, NOW + DAY_US),
        {"field": "window.rrule", "limit": "10000"},
    ),
    "streams of a tenant": (too_many_streams, {"limit": "0", "actual": "0"}),
    "runs on demand": (too_many_runs, {"limit": "8", "actual": "8"}),
    "CPU time": (too_much_cpu, {"limit": "0.25"}),
}


def metadata_of(status: status_pb2.Status) -> dict[str, str]:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return dict(info.metadata)


@pytest.mark.parametrize(("refuse", "expected"), CASES.values(), ids=CASES)
def test_an_error_about_a_limit_has_its_figures(refuse: Callable[[], object], expected: dict[str, str]) -> None:
    with pytest.raises(SentinelError) as refused:
        refuse()

    assert metadata_of(to_status(refused.value, "id")) == expected
    limit = expected["limit"].removesuffix("s")
    assert limit in refused.value.message.replace(",", "")


@pytest.mark.parametrize("body", [VERY_DEEP, MANY_FIELDS], ids=["nesting", "fields"])
async def test_rest_gets_the_figures_that_grpc_gets(short_folder: Path, body: bytes) -> None:
    with pytest.raises(SentinelError) as refused:
        rest(body)
    listen = short_folder / f"{uuid4().hex[:8]}.sock"
    async with serve_body_checks(f"unix:{listen}", BODIES):
        transport = httpx.AsyncHTTPTransport(uds=str(body_check_socket(listen)))
        async with httpx.AsyncClient(transport=transport, base_url="http://door", timeout=PATIENCE_S) as client:
            answer = await client.post("/services", content=body)

    status = json_format.Parse(answer.text, status_pb2.Status())
    assert status.message == refused.value.message
    assert metadata_of(status) == metadata_of(to_status(refused.value, "id"))
