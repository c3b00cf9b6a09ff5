"""The quotas of a tenant."""

from dataclasses import dataclass

from services.platform.errors import QuotaExceeded


@dataclass(frozen=True, slots=True)
class Quotas:
    """The most services, checks and maintenance windows of a tenant."""

    services: int
    checks: int
    windows: int = 1_000

    def refuse_more_services(self, there_are: int) -> None:
        """Refuse another service if the quota is reached.

        Raises:
            QuotaExceeded: the tenant has as many services as it may.
        """
        _refuse(there_are, self.services, "services")

    def refuse_more_checks(self, there_are: int) -> None:
        """Refuse another check if the quota is reached.

        Raises:
            QuotaExceeded: the tenant has as many checks as it may.
        """
        _refuse(there_are, self.checks, "checks")

    def refuse_more_windows(self, there_are: int) -> None:
        """Refuse another maintenance window if the quota is reached.

        Raises:
            QuotaExceeded: the tenant has as many windows as it may.
        """
        _refuse(there_are, self.windows, "maintenance windows")


def _refuse(there_are: int, quota: int, of_what: str) -> None:
    if there_are >= quota:
        raise QuotaExceeded(of_what, quota, there_are)
