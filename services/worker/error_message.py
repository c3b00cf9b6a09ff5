"""The error message of a result or an attempt: without secrets, and cut to size."""

from services.checks.specs.secrets import masked
from services.checks.specs.spec import Spec
from services.wire.probe_failure import LONGEST_MESSAGE


def error_message(message: str, spec: Spec, skipped_attempts: int = 0) -> str:
    """Return a message as results have it.

    Args:
        message: of a verdict.
        spec: whose secrets must not be in it.
        skipped_attempts: for how many further attempts there was no time; their description is not truncated.
    """
    remark = _skipped(skipped_attempts)
    return masked(message, spec.secrets())[: LONGEST_MESSAGE - len(remark)] + remark


def _skipped(count: int) -> str:
    if not count:
        return ""
    return f"; no time left for {count} more attempt{'s' if count > 1 else ''}"
