import datetime

from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from sentinel.monitor.v1 import assertion_pb2 as _assertion_pb2
from sentinel.monitor.v1 import dns_check_pb2 as _dns_check_pb2
from sentinel.monitor.v1 import grpc_check_pb2 as _grpc_check_pb2
from sentinel.monitor.v1 import tcp_check_pb2 as _tcp_check_pb2
from sentinel.monitor.v1 import tls_check_pb2 as _tls_check_pb2
from sentinel.options.v1 import secret_pb2 as _secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CheckState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHECK_STATE_UNSPECIFIED: _ClassVar[CheckState]
    CHECK_STATE_UP: _ClassVar[CheckState]
    CHECK_STATE_DOWN: _ClassVar[CheckState]
    CHECK_STATE_UNKNOWN: _ClassVar[CheckState]
    CHECK_STATE_PAUSED: _ClassVar[CheckState]
    CHECK_STATE_MAINTENANCE: _ClassVar[CheckState]
CHECK_STATE_UNSPECIFIED: CheckState
CHECK_STATE_UP: CheckState
CHECK_STATE_DOWN: CheckState
CHECK_STATE_UNKNOWN: CheckState
CHECK_STATE_PAUSED: CheckState
CHECK_STATE_MAINTENANCE: CheckState

class Check(_message.Message):
    __slots__ = ("id", "service_id", "name", "http", "tcp", "tls", "dns", "grpc", "heartbeat", "interval", "timeout", "failure_threshold", "recovery_threshold", "retries", "state", "state_time", "create_time", "update_time", "enabled", "etag", "retry_delay")
    ID_FIELD_NUMBER: _ClassVar[int]
    SERVICE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    HTTP_FIELD_NUMBER: _ClassVar[int]
    TCP_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    DNS_FIELD_NUMBER: _ClassVar[int]
    GRPC_FIELD_NUMBER: _ClassVar[int]
    HEARTBEAT_FIELD_NUMBER: _ClassVar[int]
    INTERVAL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_FIELD_NUMBER: _ClassVar[int]
    FAILURE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    RECOVERY_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    RETRIES_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    STATE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ENABLED_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    RETRY_DELAY_FIELD_NUMBER: _ClassVar[int]
    id: str
    service_id: str
    name: str
    http: HttpCheck
    tcp: _tcp_check_pb2.TcpCheck
    tls: _tls_check_pb2.TlsCheck
    dns: _dns_check_pb2.DnsCheck
    grpc: _grpc_check_pb2.GrpcCheck
    heartbeat: HeartbeatCheck
    interval: _duration_pb2.Duration
    timeout: _duration_pb2.Duration
    failure_threshold: int
    recovery_threshold: int
    retries: int
    state: CheckState
    state_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    enabled: bool
    etag: str
    retry_delay: _duration_pb2.Duration
    def __init__(self, id: _Optional[str] = ..., service_id: _Optional[str] = ..., name: _Optional[str] = ..., http: _Optional[_Union[HttpCheck, _Mapping]] = ..., tcp: _Optional[_Union[_tcp_check_pb2.TcpCheck, _Mapping]] = ..., tls: _Optional[_Union[_tls_check_pb2.TlsCheck, _Mapping]] = ..., dns: _Optional[_Union[_dns_check_pb2.DnsCheck, _Mapping]] = ..., grpc: _Optional[_Union[_grpc_check_pb2.GrpcCheck, _Mapping]] = ..., heartbeat: _Optional[_Union[HeartbeatCheck, _Mapping]] = ..., interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., timeout: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., failure_threshold: _Optional[int] = ..., recovery_threshold: _Optional[int] = ..., retries: _Optional[int] = ..., state: _Optional[_Union[CheckState, str]] = ..., state_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., enabled: _Optional[bool] = ..., etag: _Optional[str] = ..., retry_delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class HttpCheck(_message.Message):
    __slots__ = ("url", "method", "headers", "body", "expected_status", "follow_redirects", "body_contains", "tls", "assertions", "basic_auth", "bearer_token", "client_certificate", "secret_headers", "max_redirects")
    class HeadersEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    URL_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_STATUS_FIELD_NUMBER: _ClassVar[int]
    FOLLOW_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    BODY_CONTAINS_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    ASSERTIONS_FIELD_NUMBER: _ClassVar[int]
    BASIC_AUTH_FIELD_NUMBER: _ClassVar[int]
    BEARER_TOKEN_FIELD_NUMBER: _ClassVar[int]
    CLIENT_CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    SECRET_HEADERS_FIELD_NUMBER: _ClassVar[int]
    MAX_REDIRECTS_FIELD_NUMBER: _ClassVar[int]
    url: str
    method: str
    headers: _containers.ScalarMap[str, str]
    body: str
    expected_status: _containers.RepeatedScalarFieldContainer[int]
    follow_redirects: bool
    body_contains: str
    tls: TlsOptions
    assertions: _containers.RepeatedCompositeFieldContainer[_assertion_pb2.Assertion]
    basic_auth: BasicAuth
    bearer_token: str
    client_certificate: ClientCertificate
    secret_headers: _containers.RepeatedScalarFieldContainer[str]
    max_redirects: int
    def __init__(self, url: _Optional[str] = ..., method: _Optional[str] = ..., headers: _Optional[_Mapping[str, str]] = ..., body: _Optional[str] = ..., expected_status: _Optional[_Iterable[int]] = ..., follow_redirects: _Optional[bool] = ..., body_contains: _Optional[str] = ..., tls: _Optional[_Union[TlsOptions, _Mapping]] = ..., assertions: _Optional[_Iterable[_Union[_assertion_pb2.Assertion, _Mapping]]] = ..., basic_auth: _Optional[_Union[BasicAuth, _Mapping]] = ..., bearer_token: _Optional[str] = ..., client_certificate: _Optional[_Union[ClientCertificate, _Mapping]] = ..., secret_headers: _Optional[_Iterable[str]] = ..., max_redirects: _Optional[int] = ...) -> None: ...

class BasicAuth(_message.Message):
    __slots__ = ("username", "password")
    USERNAME_FIELD_NUMBER: _ClassVar[int]
    PASSWORD_FIELD_NUMBER: _ClassVar[int]
    username: str
    password: str
    def __init__(self, username: _Optional[str] = ..., password: _Optional[str] = ...) -> None: ...

class ClientCertificate(_message.Message):
    __slots__ = ("certificate", "private_key")
    CERTIFICATE_FIELD_NUMBER: _ClassVar[int]
    PRIVATE_KEY_FIELD_NUMBER: _ClassVar[int]
    certificate: str
    private_key: str
    def __init__(self, certificate: _Optional[str] = ..., private_key: _Optional[str] = ...) -> None: ...

class TlsOptions(_message.Message):
    __slots__ = ("skip_verify", "ca_certificates", "server_name")
    SKIP_VERIFY_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    skip_verify: bool
    ca_certificates: str
    server_name: str
    def __init__(self, skip_verify: _Optional[bool] = ..., ca_certificates: _Optional[str] = ..., server_name: _Optional[str] = ...) -> None: ...

class HeartbeatCheck(_message.Message):
    __slots__ = ("grace",)
    GRACE_FIELD_NUMBER: _ClassVar[int]
    grace: _duration_pb2.Duration
    def __init__(self, grace: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...
