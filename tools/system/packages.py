"""The Debian packages that the machine itself needs."""

import os
import subprocess
from collections.abc import Sequence

from tools.system.errors import SystemTestError

NEEDED = ("mmdebstrap", "debian-archive-keyring")


def install(names: Sequence[str] = NEEDED) -> None:
    """Install the packages that are missing.

    Raises:
        SystemTestError: they cannot be installed.
    """
    missing = [name for name in names if not _is_installed(name)]
    if not missing:
        return
    sentence = f"apt-get cannot install {' and '.join(missing)}"
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-qq", "--no-install-recommends", *missing]):
        try:
            subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemTestError(f"{sentence}: {error}") from error


def _is_installed(name: str) -> bool:
    try:
        asked = subprocess.run(
            ["dpkg-query", "--show", "--showformat=${db:Status-Abbrev}", name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    except FileNotFoundError:
        return False
    return asked.stdout.startswith("ii")
