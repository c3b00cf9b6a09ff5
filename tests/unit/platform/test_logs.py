"""The log of a failure contains its location, and no values of variables."""

import json
import subprocess
import sys

import pytest

_CODE = """
import sys
from services.platform import logs
logs.configure("test", "info", sys.argv[1])

def fail(password):
    header = f"Bearer {password}"
    raise RuntimeError("it broke")

try:
    fail("s3c" + "ret")
except RuntimeError:
    logs.get("room").exception("unforeseen")
"""


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_has_no_variables(log_format: str) -> None:
    told = subprocess.run([sys.executable, "-c", _CODE, log_format], check=True, capture_output=True, text=True).stdout

    assert "it broke" in told
    assert "fail" in told
    assert "s3cret" not in told
    if log_format == "json":
        assert json.loads(told)["exception"]
