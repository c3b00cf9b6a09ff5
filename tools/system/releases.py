"""Creation of Debian systems, which are kept in a cache folder for a week."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.system.debian_root import HOME, UID, USER, DebianRoot
from tools.system.errors import SystemTestError

_OLDEST_S = 7 * 86_400
_MADE = ".made"
# mmdebstrap mounts file systems and starts processes; these end when it is killed.
_ISOLATED = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
_SHOWN_LINES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The definition of a Debian system.

    Attributes:
        title: its name for the output.
        suite: its name in Debian's archive.
        packages: the packages to install besides the essential ones.
        may_be_expired: whether an expired index of the archive is accepted. That of testing expires within a week, and
            mirrors can be late.
    """

    title: str
    suite: str
    packages: tuple[str, ...]
    may_be_expired: bool = False


# The packages that the README requires, and those of every Debian with access to a package index.
_FOR_THE_README = ("python3", "python3-venv", "make", "ca-certificates")
DEBIAN_12 = Release(title="Debian 12", suite="bookworm", packages=_FOR_THE_README)
DEBIAN_13 = Release(title="Debian 13", suite="trixie", packages=_FOR_THE_README)
SERVERS = Release(
    title="Debian 12 with servers",
    suite="bookworm",
    packages=("haproxy", "nginx-light", "pgbouncer", "postgresql-15"),
)


def debian_testing(python: str) -> Release:
    """Return Debian testing with a version of Python, such as "3.14"."""
    return Release(
        title="Debian testing",
        suite="testing",
        packages=(f"python{python}", f"python{python}-venv", "make", "ca-certificates"),
        may_be_expired=True,
    )


class RootCache:
    """A cache of Debian systems, which creates those that are missing.

    Args:
        folder: the folder of the cache.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def usual(cls) -> "RootCache":
        """Return the cache in the user's cache folder."""
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        return cls(Path(base) / "sentinel-stack" / "debian")

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the cache for this process while the block runs.

        Raises:
            SystemTestError: another process has locked it.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        with (self._folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise SystemTestError("another `make test-system` is running") from None
            yield

    def root(self, release: Release) -> DebianRoot:
        """Return a system of this release; create it if there is none, or if it is older than a week.

        Raises:
            SystemTestError: it cannot be created; the message has the last lines of mmdebstrap.
        """
        digest = hashlib.sha256(repr(release).encode()).hexdigest()[:8]
        folder = self._folder / f"{release.suite}-{digest}"
        made = folder / _MADE
        if not made.exists() or time.time() - made.stat().st_mtime > _OLDEST_S:
            shutil.rmtree(folder, ignore_errors=True)
            self._make(release, folder)
        return DebianRoot(release.title, folder)

    def _make(self, release: Release, folder: Path) -> None:
        draft = folder.with_suffix(".new")
        shutil.rmtree(draft, ignore_errors=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        options = ["--aptopt=Acquire::Check-Valid-Until false"] if release.may_be_expired else []
        done = subprocess.run(
            [
                *_ISOLATED, "mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(release.packages)}",
                *options, release.suite, str(draft),
            ],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            last = "\n".join(done.stdout.splitlines()[-_SHOWN_LINES:])
            raise SystemTestError(f"cannot create {release.title}:\n{last}")
        for file, line in (
            ("etc/passwd", f"{USER}:x:{UID}:{UID}::{HOME}:/bin/sh"),
            ("etc/group", f"{USER}:x:{UID}:"),
        ):
            with (draft / file).open("a") as accounts:
                accounts.write(line + "\n")
        home = draft / HOME.relative_to("/")
        home.mkdir()
        os.chown(home, UID, UID)
        (draft / _MADE).touch()
        draft.rename(folder)
