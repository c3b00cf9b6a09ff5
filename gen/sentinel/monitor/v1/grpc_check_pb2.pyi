from buf.validate import validate_pb2 as _validate_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class GrpcCheck(_message.Message):
    __slots__ = ("address", "service", "tls", "skip_verify", "ca_certificates", "server_name")
    ADDRESS_FIELD_NUMBER: _ClassVar[int]
    SERVICE_FIELD_NUMBER: _ClassVar[int]
    TLS_FIELD_NUMBER: _ClassVar[int]
    SKIP_VERIFY_FIELD_NUMBER: _ClassVar[int]
    CA_CERTIFICATES_FIELD_NUMBER: _ClassVar[int]
    SERVER_NAME_FIELD_NUMBER: _ClassVar[int]
    address: str
    service: str
    tls: bool
    skip_verify: bool
    ca_certificates: str
    server_name: str
    def __init__(self, address: _Optional[str] = ..., service: _Optional[str] = ..., tls: _Optional[bool] = ..., skip_verify: _Optional[bool] = ..., ca_certificates: _Optional[str] = ..., server_name: _Optional[str] = ...) -> None: ...
