"""How much a tenant may have."""

from dataclasses import dataclass

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.common.errors import FailedPrecondition


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many services, checks and maintenance windows a tenant may have."""

    services: int
    checks: int
    windows: int = 1_000

    def refuse_more_services(self, there_are: int) -> None:
        """Refuse one more service than the quota allows.

        Raises:
            FailedPrecondition: QUOTA_EXCEEDED.
        """
        _refuse(there_are, self.services, "services")

    def refuse_more_checks(self, there_are: int) -> None:
        """Refuse one more check than the quota allows.

        Raises:
            FailedPrecondition: QUOTA_EXCEEDED.
        """
        _refuse(there_are, self.checks, "checks")

    def refuse_more_windows(self, there_are: int) -> None:
        """Refuse one more maintenance window than the quota allows.

        Raises:
            FailedPrecondition: QUOTA_EXCEEDED.
        """
        _refuse(there_are, self.windows, "maintenance windows")


def _refuse(there_are: int, quota: int, of_what: str) -> None:
    # Not RESOURCE_EXHAUSTED, which says that it helps to wait: here somebody has to delete something first.
    if there_are >= quota:
        raise FailedPrecondition(
            reasons.ERROR_REASON_QUOTA_EXCEEDED,
            f"the tenant may have {quota} {of_what} and has them; delete some, or have the quota raised",
        )
