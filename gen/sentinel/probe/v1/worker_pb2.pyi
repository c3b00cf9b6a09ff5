import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Worker(_message.Message):
    __slots__ = ("id", "host", "version", "start_time", "renew_time", "live", "shards_held", "checks_held", "runs_in_flight", "runs_waiting", "start_lag_p50", "start_lag_p99", "runs_per_second")
    ID_FIELD_NUMBER: _ClassVar[int]
    HOST_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    RENEW_TIME_FIELD_NUMBER: _ClassVar[int]
    LIVE_FIELD_NUMBER: _ClassVar[int]
    SHARDS_HELD_FIELD_NUMBER: _ClassVar[int]
    CHECKS_HELD_FIELD_NUMBER: _ClassVar[int]
    RUNS_IN_FLIGHT_FIELD_NUMBER: _ClassVar[int]
    RUNS_WAITING_FIELD_NUMBER: _ClassVar[int]
    START_LAG_P50_FIELD_NUMBER: _ClassVar[int]
    START_LAG_P99_FIELD_NUMBER: _ClassVar[int]
    RUNS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    id: str
    host: str
    version: str
    start_time: _timestamp_pb2.Timestamp
    renew_time: _timestamp_pb2.Timestamp
    live: bool
    shards_held: int
    checks_held: int
    runs_in_flight: int
    runs_waiting: int
    start_lag_p50: _duration_pb2.Duration
    start_lag_p99: _duration_pb2.Duration
    runs_per_second: float
    def __init__(self, id: _Optional[str] = ..., host: _Optional[str] = ..., version: _Optional[str] = ..., start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., renew_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., live: _Optional[bool] = ..., shards_held: _Optional[int] = ..., checks_held: _Optional[int] = ..., runs_in_flight: _Optional[int] = ..., runs_waiting: _Optional[int] = ..., start_lag_p50: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., start_lag_p99: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., runs_per_second: _Optional[float] = ...) -> None: ...
