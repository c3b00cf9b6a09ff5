"""The access rule of each method, read from the contract's descriptors. Default deny."""

from dataclasses import dataclass

from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from sentinel.options.v1 import access_pb2

from services.platform.security.principal import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRule:
    """The access rule of a method.

    Attributes:
        method: the gRPC path: "/sentinel.auth.v1.AuthService/Login".
        public: whether it needs no authentication.
        role: the minimum role; None for public methods, and for closed ones, which no caller may call.
        person_only: whether API keys may not call it.
        streams: whether it streams its response.
    """

    method: str
    public: bool
    role: Role | None
    person_only: bool = False
    streams: bool = False


def rules_of(service: ServiceDescriptor) -> dict[str, MethodRule]:
    """Return the rule of each method of a service, by the method's gRPC path."""
    rules = (_rule(service, method) for method in service.methods)
    return {rule.method: rule for rule in rules}


def _rule(service: ServiceDescriptor, method: MethodDescriptor) -> MethodRule:
    # The generated types declare the extension only as a FieldDescriptor.
    access: access_pb2.Access = method.GetOptions().Extensions[access_pb2.access]  # type: ignore[index]
    role = Role(access.role) if access.WhichOneof("rule") == "role" and access.role else None
    name = f"/{service.full_name}/{method.name}"
    return MethodRule(
        method=name, public=access.public, role=role, person_only=access.person_only, streams=method.server_streaming
    )
