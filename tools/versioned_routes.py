"""Add the same route under /v1 to each REST route of the contract (docs/adr/0041)."""

from google.api import annotations_pb2, http_pb2
from google.protobuf import descriptor_pb2

PREFIX = "/v1"


def add_versioned_routes(files: descriptor_pb2.FileDescriptorSet) -> None:
    """Add the routes under /v1 to each method that has routes, after those that it has, in the same order.

    Args:
        files: descriptors; changed in place.

    Raises:
        ValueError: a route begins with /v1 already, or has a custom method.
    """
    for file in files.file:
        for service in file.service:
            for method in service.method:
                if method.options.HasExtension(annotations_pb2.http):
                    rule = method.options.Extensions[annotations_pb2.http]
                    twins = [_twin(each, f"{service.name}.{method.name}") for each in (rule, *rule.additional_bindings)]
                    rule.additional_bindings.extend(twins)


def _twin(rule: http_pb2.HttpRule, method: str) -> http_pb2.HttpRule:
    verb = rule.WhichOneof("pattern")
    if verb is None or verb == "custom":
        raise ValueError(f"{method}: a route needs one of get, put, post, delete and patch")
    path: str = getattr(rule, verb)
    if f"{path}/".startswith(f"{PREFIX}/"):
        raise ValueError(f"{method}: remove {path}; routes under {PREFIX} are added by tools/generate.py")
    twin = http_pb2.HttpRule(body=rule.body, response_body=rule.response_body)
    setattr(twin, verb, PREFIX + path)
    return twin
