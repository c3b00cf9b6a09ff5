"""Create the virtual environment, or print an error that names what is missing.

Runs under the system's Python of any version: standard library only, and no syntax newer than 3.6, so that an
old interpreter prints the error instead of a SyntaxError.
"""

import importlib.util
import os
import shlex
import subprocess
import sys

OLDEST = (3, 11)
NEWEST = (3, 14)
# Without PYTHONSAFEPATH a folder in the working directory could shadow one of this project's packages.
COMMAND = """#!/bin/sh
export PYTHONSAFEPATH=1
exec %s -m cli "$@"
"""


def refuse(sentence):
    sys.stderr.write("sentinel: " + sentence + "\n")
    sys.exit(1)


def main():
    if sys.version_info < OLDEST:
        refuse(
            "Python %d.%d is too old; install Python 3.11 or newer and run `make PYTHON=python3.11 …`."
            % sys.version_info[:2]
        )
    if sys.version_info[:2] > NEWEST:
        refuse(
            "Python %d.%d is too new and not tested; "
            "install Python %d.%d and run `make PYTHON=python%d.%d …`." % (sys.version_info[:2] + NEWEST + NEWEST)
        )
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        refuse("Python's venv module is missing; install it, on Debian and Ubuntu with `apt install python3-venv`.")
    folder = os.path.abspath(sys.argv[1])
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", folder])
    if made.returncode != 0:
        refuse("Cannot create a virtual environment; on Debian and Ubuntu run `apt install python3-venv`.")
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    site = os.path.join(folder, "lib", "python%d.%d" % sys.version_info[:2], "site-packages")
    with open(os.path.join(site, "sentinel-stack.pth"), "w") as paths:
        paths.write(root + "\n" + os.path.join(root, "gen") + "\n")
    command = os.path.join(folder, "bin", "sentinel")
    with open(command, "w") as script:
        script.write(COMMAND % shlex.quote(os.path.join(folder, "bin", "python")))
    os.chmod(command, 0o755)  # noqa: S103 — every user may run a command, as with those that pip installs


main()
