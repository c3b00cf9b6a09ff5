"""All subjects, in the order of the page."""

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
        name: the key in test ids and in curl.json.
        title: the heading on the page.
        rows: the rows of the subject.
    """

    name: str
    title: str
    rows: Sequence[Row]


TABLES = (
    Table("http_framing", "HTTP: message framing", http_framing.ROWS),
    Table("http_headers", "HTTP: headers", http_headers.ROWS),
    Table("http_status", "HTTP: status codes", http_status.ROWS),
    Table("redirects", "Redirects", redirects.ROWS),
    Table("cookies", "Cookies", cookies.ROWS),
    Table("bodies", "Bodies", bodies.ROWS),
    Table("charsets", "Charsets", charsets.ROWS),
    Table("content_codings", "Content codings", content_codings.ROWS),
    Table("json_assertions", "JSON", json_assertions.ROWS),
    Table("retries", "Retries", retries.ROWS),
    Table("names", "Host names and URLs", names.ROWS),
    Table("certificates", "Certificates", certificates.ROWS),
    Table("tls_versions", "TLS", tls_versions.ROWS),
    Table("tcp", "TCP", tcp.ROWS),
    Table("dns", "DNS records", dns.ROWS),
    Table("grpc", "gRPC", grpc.ROWS),
    Table("heartbeats", "Heartbeats", heartbeats.ROWS),
    Table("input_json", "JSON of requests", input_json.ROWS),
)
