"""Rate limits by client address: one bucket for each method and client, which is an IPv4 address or an IPv6 /64."""

import math
import re
from dataclasses import dataclass
from typing import Any

from google.rpc import code_pb2
from sentinel.auth.v1 import auth_service_pb2
from sentinel.probe.v1 import probe_service_pb2

from cli.door.contract import paths_of_rpc
from cli.door.replies import Reply
from services.platform.security.origin import IPV6_PREFIX

_RATE_LIMIT = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit"
_MOST_CLIENTS = 10_000
_MINUTE_S = 60
# The shortest fill interval that Envoy accepts.
_SHORTEST_REFILL_S = 0.05
_CLIENT = {"v4_prefix_mask_len": 32, "v6_prefix_mask_len": IPV6_PREFIX}
_AUTH = auth_service_pb2.DESCRIPTOR.services_by_name["AuthService"]
_PROBE = probe_service_pb2.DESCRIPTOR.services_by_name["ProbeService"]
AUTH_METHODS = tuple(
    f"/{_AUTH.full_name}/{_AUTH.methods_by_name[name].name}"
    for name in ("Register", "Login", "Refresh", "AcceptInvitation")
)
HEARTBEAT_METHODS = (f"/{_PROBE.full_name}/{_PROBE.methods_by_name['ReportHeartbeat'].name}",)


@dataclass(frozen=True, slots=True)
class Limit:
    """The rate limit of a method for one client address.

    Attributes:
        path: the path of the gRPC call.
        per_minute: the rate, in calls per minute.
        burst: the size of the token bucket, in calls.
    """

    path: str
    per_minute: int
    burst: int

    @property
    def refill_s(self) -> float:
        """The fill interval of the token bucket, in seconds."""
        return max(_SHORTEST_REFILL_S, _MINUTE_S / self.per_minute)

    @property
    def reply(self) -> Reply:
        """The error of a call over the limit."""
        return Reply(
            http_status=429,
            code=code_pb2.RESOURCE_EXHAUSTED,
            reason="RATE_LIMITED",
            message=f"Rate limit exceeded: too many calls from this address (limit {self.burst}). Try again later.",
            metadata={"limit": str(self.burst)},
            retry_s=self.refill_s,
            matchers=({"name": ":path", "string_match": {"safe_regex": {"regex": self._paths}}},),
        )

    @property
    def _paths(self) -> str:
        """A regular expression for the paths of the method with their queries, as gRPC and as REST."""
        return rf"(?:{re.escape(self.path)}|{paths_of_rpc(self.path)})(?:\?.*)?"

    def filter(self) -> dict[str, Any]:
        """Return the configuration of Envoy's local_ratelimit filter for the method's route."""
        bucket = {
            "max_tokens": self.burst,
            "tokens_per_fill": math.ceil(self.per_minute * self.refill_s / _MINUTE_S),
            "fill_interval": f"{self.refill_s:.3f}s",
        }
        always = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}
        return {
            "@type": _RATE_LIMIT,
            "stat_prefix": f"door_{self.path.rpartition('/')[2]}",
            "filter_enabled": always,
            "filter_enforced": always,
            # Required, but unused: it applies to calls without a client address, and every call has one.
            "token_bucket": bucket,
            "always_consume_default_token_bucket": False,
            "rate_limits": [{"actions": [{"masked_remote_address": _CLIENT}]}],
            "descriptors": [{"entries": [{"key": "masked_remote_address"}], "token_bucket": bucket}],
            "max_dynamic_descriptors": _MOST_CLIENTS,
        }
