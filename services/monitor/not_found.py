"""The errors for unknown ids. Ids of another tenant are unknown, too."""

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import NotFound


def service_not_found() -> NotFound:
    """Return the error for an unknown service id."""
    return NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "Service not found.")


def window_not_found() -> NotFound:
    """Return the error for an unknown maintenance window id."""
    return NotFound(reasons.ERROR_REASON_MAINTENANCE_WINDOW_NOT_FOUND, "Maintenance window not found.")


def check_not_found() -> NotFound:
    """Return the error for an unknown check id."""
    return NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")


def incident_not_found() -> NotFound:
    """Return the error for an unknown incident id."""
    return NotFound(reasons.ERROR_REASON_INCIDENT_NOT_FOUND, "Incident not found.")
