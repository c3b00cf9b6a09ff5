"""A minimal Debian system in a folder, and commands that run in it."""

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools.system.package_index import AUTHORITIES, PackageIndex
from tools.system.tracked_files import copy_tracked_files

USER = "someone"
UID = 1000
HOME = Path("/home") / USER
PROJECT = HOME / "sentinel-stack"
LEFT_RUNNING = 120
"""The exit code of a command that has left a process running."""

# The process namespace ends with its first process, the shell, and what still runs in it is killed. The mounts are in
# a namespace, too: no other process sees them, and they disappear however the command ends.
_ISOLATED = ("unshare", "--mount", "--pid", "--ipc", "--fork", "--kill-child", "--", "sh", "-c")
# The files with this machine's network configuration and trusted authorities.
_SHARED = (Path("/etc/resolv.conf"), Path("/etc/hosts"), AUTHORITIES)
_CHECK_LEFT_RUNNING = f"""
for each in "$root"/proc/[0-9]*; do
    [ "${{each##*/}}" = 1 ] && continue
    state= name=
    while read -r key value _; do
        case $key in Name:) name=$value ;; State:) state=$value ;; esac
    done 2>/dev/null <"$each/status"
    case $state in '' | Z) continue ;; esac
    echo "left running: $name" >&2
    code={LEFT_RUNNING}
done
"""


@dataclass(frozen=True, slots=True)
class DebianRoot:
    """A minimal Debian system.

    Attributes:
        title: its name for the output.
        folder: its root folder.
    """

    title: str
    folder: Path

    def command(
        self,
        argv: Sequence[str],
        *,
        user: str = USER,
        directory: Path = HOME,
        environment: Mapping[str, str] | None = None,
        folders: Mapping[Path, Path] | None = None,
    ) -> list[str]:
        """Return the command that runs another one in this system; it needs root.

        It ends with the exit code of that command, or with LEFT_RUNNING if that leaves a process running.

        Args:
            argv: the command to run.
            user: the user to run it as.
            directory: its working directory.
            environment: its environment variables besides PATH, HOME and USER.
            folders: folders of this machine to mount, with their paths in the system.
        """
        settings = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": str(HOME), "USER": user}
        settings |= environment or {}
        mounts = [(path, path) for path in _SHARED if path.exists()] + list((folders or {}).items())
        inner = [
            "/usr/bin/env", "-i", *(f"{name}={value}" for name, value in settings.items()),
            "sh", "-c", 'cd "$0" && exec "$@"', str(directory), *argv,
        ]  # fmt: skip
        return [
            *_ISOLATED,
            "\n".join(
                [
                    "set -eu",
                    f"root={shlex.quote(str(self.folder))}",
                    'mount --rbind /dev "$root/dev"',
                    'mount -t proc proc "$root/proc"',
                    *(shlex.join(["mount", "--bind", str(outer), str(self._place(outer, at))]) for outer, at in mounts),
                    "set +e",
                    f'chroot --userspec={user}:{user} "$root" {shlex.join(inner)}',
                    "code=$?",
                    _CHECK_LEFT_RUNNING,
                    "exit $code",
                ]
            ),
        ]

    def python_version(self) -> str:
        """Return the version of python3 in this system, such as 3.11."""
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        return subprocess.run(
            self.command(["python3", "-c", ask]), capture_output=True, text=True, check=True
        ).stdout.strip()

    @contextmanager
    def project(self, index: PackageIndex) -> Iterator[Mapping[Path, Path]]:
        """Copy the project's tracked files to PROJECT and configure pip's package index while the block runs.

        Yields:
            The folders to mount when running commands.
        """
        self._clear()
        copy_tracked_files(self._inside(PROJECT), owner=UID)
        configuration = self._inside(Path("/etc/pip.conf"))
        configuration.write_text(index.configuration)
        try:
            yield {path: path for path in index.files}
        finally:
            configuration.unlink()
            self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self._inside(PROJECT), ignore_errors=True)
        for left in self._inside(Path("/tmp")).iterdir():  # noqa: S108 — inside the root, which no other process uses
            if left.is_dir() and not left.is_symlink():
                shutil.rmtree(left)
            else:
                left.unlink()

    def _inside(self, path: Path) -> Path:
        return self.folder / path.relative_to("/")

    def _place(self, outer: Path, path: Path) -> Path:
        """Create a mount point."""
        place = self._inside(path)
        if outer.is_dir():
            place.mkdir(parents=True, exist_ok=True)
        else:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.touch()
        return place
