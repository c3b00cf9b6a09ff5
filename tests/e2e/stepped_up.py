"""`python -m cli` with libfaketime loaded into every process but Envoy, which hangs at its start with it.

Envoy judges nothing by the wall clock: tokens are judged by the services.
"""

import sys
from dataclasses import replace

from cli import up
from cli.__main__ import main
from cli.child import Program

_envoy = up._Stack._envoy


def _envoy_without_preload(stack: up._Stack, command: list[str]) -> Program:
    return replace(_envoy(stack, command), environment={"LD_PRELOAD": ""})


if __name__ == "__main__":
    setattr(up._Stack, "_envoy", _envoy_without_preload)  # noqa: B010 — mypy refuses to assign a method
    sys.exit(main())
