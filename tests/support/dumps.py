"""Copy a database to another PostgreSQL server like an operator: with pg_dumpall, pg_dump and pg_restore."""

import asyncio
import os
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from cli.postgres import binaries


async def move(url: str, to: str, folder: Path) -> None:
    """Dump a database and its roles, and restore both on another server, under the same name.

    Args:
        url: the database.
        to: any database of the other server.
        folder: the folder for the dumps.
    """
    roles, dump = folder / "roles.sql", folder / "database.dump"
    await _run("pg_dumpall", url, "--roles-only", "--no-role-passwords", "--file", str(roles))
    await _run("psql", to, "--quiet", "--file", str(roles))
    await _run("pg_dump", url, "--format=custom", "--dbname", urlsplit(url).path[1:], "--file", str(dump))
    await _run("pg_restore", to, "--create", "--exit-on-error", "--dbname=postgres", str(dump))


async def plain_dump(url: str) -> bytes:
    """Return a database as SQL, with all its rows."""
    return await _run("pg_dump", url, "--dbname", urlsplit(url).path[1:])


async def schema_dump(url: str) -> str:
    """Return a database without its rows as SQL, without owners."""
    schema = ("--schema-only", "--no-owner", "--dbname", urlsplit(url).path[1:])
    return (await _run("pg_dump", url, *schema)).decode()


async def roles_dump(url: str) -> str:
    """Return the roles of a database's server as SQL, without passwords."""
    return (await _run("pg_dumpall", url, "--roles-only", "--no-role-passwords")).decode()


async def _run(program: str, url: str, *arguments: str) -> bytes:
    parts = urlsplit(url)
    process = await asyncio.create_subprocess_exec(
        binaries() / program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PGHOST": parse_qs(parts.query)["host"][0], "PGUSER": parts.username or "postgres",
             "PGDATABASE": "postgres"},
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    return output
