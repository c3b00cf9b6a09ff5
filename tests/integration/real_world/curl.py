"""The results of curl for the rows, recorded in curl.json and shown in docs/verdicts.md; no test runs curl."""

import asyncio
import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.integration.real_world.identity import trusted
from tests.integration.real_world.row import Row
from tests.integration.real_world.running import completed
from tests.integration.real_world.servers import Http, Nobody, Tcp
from tests.integration.real_world.serving import Place, serving
from tests.integration.real_world.tables import Table

_FILE = Path(__file__).with_name("curl.json")
_AT_ONCE = 8
_MOST_REDIRECTS = 5
# Some responses are endless.
_LONGEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded results.

    Attributes:
        version: the version in the output of curl.
        answers: exit code and last status (0 for none), by subject and row.
    """

    version: str
    answers: Mapping[str, Mapping[str, tuple[int, int]]]

    def of(self, table: str, slug: str) -> tuple[int, int] | None:
        """Return exit code and status for a row; None if it is not recorded."""
        found = self.answers.get(table, {}).get(slug)
        return None if found is None else (found[0], found[1])


def recorded() -> Recorded:
    """Return the recorded results."""
    return Recorded(**json.loads(_FILE.read_text())) if _FILE.exists() else Recorded("curl", {})


def is_for_curl(row: Row) -> bool:
    """Return whether curl applies to a row: it supports HTTP and TLS, and no other name servers than the system's."""
    if row.names or row.verdict.outcome == "REFUSED":
        return False
    if row.kind == "tls":
        return isinstance(row.target, Http) and "startTls" not in row.check["tls"]
    return (
        row.kind == "http"
        and isinstance(row.target, Http | Tcp | Nobody)
        and "clientCertificate" not in row.check["http"]
    )


async def record(tables: Iterable[Table]) -> None:
    """Run curl for all rows and record the results.

    Raises:
        FileNotFoundError: curl is not installed.
    """
    program = shutil.which("curl")
    if program is None:
        raise FileNotFoundError("there is no curl to ask")
    version = (await _output(program, "--version"))[1].split(" (")[0]
    turn = asyncio.Semaphore(_AT_ONCE)

    async def ask(row: Row) -> tuple[int, int]:
        async with turn, serving(row) as place:
            with tempfile.NamedTemporaryFile("w", suffix=".pem") as authorities:
                authorities.write(_tls_options(row, completed(row, place)).get("caCertificates") or trusted())
                authorities.flush()
                code, said = await _output(program, *arguments(row, place, authorities.name))
            return code, int(said or 0)

    answers = {}
    for table in tables:
        rows = [row for row in table.rows if is_for_curl(row)]
        said = await asyncio.gather(*map(ask, rows))
        answers[table.name] = {row.slug: each for row, each in zip(rows, said, strict=True)}
    lines = json.dumps({"version": version, "answers": answers}, indent=1)
    # One line for each row.
    _FILE.write_text(lines.replace("[\n    ", "[").replace(",\n    ", ", ").replace("\n   ]", "]") + "\n")


def arguments(row: Row, place: Place, authorities: str) -> list[str]:
    """Return the arguments with which curl does the same as the check."""
    check = completed(row, place)
    given, options = check[row.kind], _tls_options(row, check)
    longest_s = min(_LONGEST_S, float(check["timeout"].removesuffix("s")))
    said = ["-q", "-sS", "-o", "/dev/null", "-w", "%{http_code}", "--http1.1", "--noproxy", "*", "-A", "SentinelStack"]
    said += ["--max-time", f"{longest_s:g}", "--cacert", authorities]
    for name in ("$PORT", "$SECURE_PORT", "$CLOSED_PORT"):
        if name in place.values:
            said += ["--resolve", f"*:{place.values[name]}:127.0.0.1"]
    if options.get("skipVerify"):
        said.append("-k")
    if check.get("retries"):
        said += ["--retry", str(check["retries"]), "--retry-all-errors", "--retry-delay", "1"]
        said += ["--retry-max-time", f"{longest_s:g}"]
    request = _of_request(given) if row.kind == "http" else ()
    url = given["url"] if row.kind == "http" else f"https://{given['host']}:{given['port']}/"
    if "serverName" in options:  # every name resolves to this machine
        url = str(httpx.URL(url).copy_with(host=options["serverName"]))
    return [*said, *request, url]


def _tls_options(row: Row, check: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the TLS options of a check."""
    given: Mapping[str, Any] = check[row.kind]
    return given.get("tls", {}) if row.kind == "http" else given


def _of_request(given: Mapping[str, Any]) -> Iterator[str]:
    if given.get("followRedirects", True):
        yield from ("-L", "--max-redirs", str(given.get("maxRedirects", _MOST_REDIRECTS)), "-b", "")
    if "bodyContains" in given or "assertions" in given:
        yield "--compressed"
    method, body = given.get("method", "GET"), given.get("body", "")
    if method == "HEAD":
        yield "-I"
    elif body or method == "POST":
        yield from ("--data-binary", body)
    if method not in {"GET", "HEAD", "POST"}:
        yield from ("-X", method)
    for name, value in given.get("headers", {}).items():
        yield from ("-H", f"{name}: {value}")
    if "basicAuth" in given:
        yield from ("-u", f"{given['basicAuth']['username']}:{given['basicAuth']['password']}")
    if "bearerToken" in given:
        yield from ("-H", f"Authorization: Bearer {given['bearerToken']}")


async def _output(*command: str) -> tuple[int, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    said, _ = await process.communicate()
    return process.returncode or 0, said.decode()
