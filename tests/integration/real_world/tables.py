"""All subjects, in the order in which the page shows them."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.integration.real_world.row import Row
from tests.integration.real_world.subjects import (
    bodies,
    certificates,
    charsets,
    content_codings,
    cookies,
    dns,
    grpc,
    heartbeats,
    http_framing,
    http_headers,
    http_status,
    input_json,
    json_assertions,
    names,
    redirects,
    retries,
    tcp,
    tls_versions,
)


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A subject.

    Attributes:
        name: a key.
        title: a heading.
        rows: what belongs to it.
    """

    name: str
    title: str
    rows: Sequence[Row]


TABLES = (
    Table("http_framing", "HTTP: where an answer begins and ends", http_framing.ROWS),
    Table("http_headers", "HTTP: headers", http_headers.ROWS),
    Table("http_status", "HTTP: status codes", http_status.ROWS),
    Table("redirects", "Redirects", redirects.ROWS),
    Table("cookies", "Cookies", cookies.ROWS),
    Table("bodies", "Bodies", bodies.ROWS),
    Table("charsets", "Charsets", charsets.ROWS),
    Table("content_codings", "Content codings", content_codings.ROWS),
    Table("json_assertions", "JSON", json_assertions.ROWS),
    Table("retries", "Retries", retries.ROWS),
    Table("names", "Names of hosts, and URLs", names.ROWS),
    Table("certificates", "Certificates", certificates.ROWS),
    Table("tls_versions", "TLS", tls_versions.ROWS),
    Table("tcp", "TCP", tcp.ROWS),
    Table("dns", "DNS records", dns.ROWS),
    Table("grpc", "gRPC", grpc.ROWS),
    Table("heartbeats", "Heartbeats", heartbeats.ROWS),
    Table("input_json", "JSON of requests", input_json.ROWS),
)
