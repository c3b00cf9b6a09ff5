"""How much a tenant may have."""

from dataclasses import dataclass

from services.platform.errors import QuotaExceeded


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many services, checks and maintenance windows a tenant may have."""

    services: int
    checks: int
    windows: int = 1_000

    def refuse_more_services(self, there_are: int) -> None:
        """Refuse one more service than the quota allows.

        Raises:
            QuotaExceeded: there are as many already.
        """
        _refuse(there_are, self.services, "services")

    def refuse_more_checks(self, there_are: int) -> None:
        """Refuse one more check than the quota allows.

        Raises:
            QuotaExceeded: there are as many already.
        """
        _refuse(there_are, self.checks, "checks")

    def refuse_more_windows(self, there_are: int) -> None:
        """Refuse one more maintenance window than the quota allows.

        Raises:
            QuotaExceeded: there are as many already.
        """
        _refuse(there_are, self.windows, "maintenance windows")


def _refuse(there_are: int, quota: int, of_what: str) -> None:
    if there_are >= quota:
        raise QuotaExceeded(of_what, quota, there_are)
