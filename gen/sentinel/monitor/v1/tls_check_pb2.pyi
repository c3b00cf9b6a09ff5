from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartTls(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    START_TLS_UNSPECIFIED: _ClassVar[StartTls]
    START_TLS_SMTP: _ClassVar[StartTls]
    START_TLS_IMAP: _ClassVar[StartTls]
START_TLS_UNSPECIFIED: StartTls
START_TLS_SMTP: StartTls
START_TLS_IMAP: StartTls

class TlsCheck(_message.Message):
    __slots__ = ("host", "port", "min_days_left", "start_tls", "skip_verify", "ca_certificates", "server_name")
    HOST_FIELD_NUMBER: _ClassVar[int]
    PORT_FIELD_NUMBER: _ClassVar[int]
    MIN_DAYS_LEFT_FIELD_NUMBER: _ClassVar[int]
    START_TLS_FIELD_NUMBER: _ClassVar[int]
    SKIP_VERIFY_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    host: str
    port: int
    min_days_left: int
    start_tls: StartTls
    skip_verify: bool
    ca_certificates: str
    server_name: str
    def __init__(self, host: _Optional[str] = ..., port: _Optional[int] = ..., min_days_left: _Optional[int] = ..., start_tls: _Optional[_Union[StartTls, str]] = ..., skip_verify: _Optional[bool] = ..., ca_certificates: _Optional[str] = ..., server_name: _Optional[str] = ...) -> None: ...
