"""The cost of refusing the worst request of the maximum size: from its bytes to the error."""

import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from bench.report import Line, at_most, figure
from services.platform.errors import SentinelError
from services.platform.rpc.field_rules import FieldRules
from services.platform.rpc.interceptors.decoding import decoded
from services.platform.rpc.interceptors.status import to_status
from tests.support.walk import methods
from tests.support.worst_messages import worst_messages

_RUNS = 5
_MOST_MS = 50


def measure(_folder: Path) -> list[Line]:
    """Measure every method, with every field of its request at its worst."""
    rules, slowest, name = FieldRules(), 0.0, ""
    count = 0
    for method, worst, encoded in _requests():
        count += 1
        took_s = statistics.median(_refuse(rules, GetMessageClass(method.input_type), encoded) for _ in range(_RUNS))
        if took_s > slowest:
            slowest, name = took_s, f"{method.name}, {worst}"
    return [
        figure("requests at their worst", count, ""),
        at_most(f"the slowest to refuse: {name}", slowest * 1e3, "ms", _MOST_MS),
    ]


def _requests() -> Iterator[tuple[MethodDescriptor, str, bytes]]:
    for method in methods():
        for name, encoded in worst_messages(method):
            yield method, name, encoded


def _refuse(rules: FieldRules, kind: type[Message], encoded: bytes) -> float:
    begun = time.perf_counter()
    try:
        rules.validate(decoded(encoded, kind))
    except SentinelError as error:
        to_status(error, "request").SerializeToString()
    return time.perf_counter() - begun
