"""What unknown ids answer; another tenant's answer the same."""

from sentinel.options.v1 import error_reason_pb2 as reasons

from services.platform.errors import NotFound


def service_not_found() -> NotFound:
    """What an unknown service id, or another tenant's, answers."""
    return NotFound(reasons.ERROR_REASON_SERVICE_NOT_FOUND, "Service not found.")


def window_not_found() -> NotFound:
    """What an unknown maintenance window's id, or another tenant's, answers."""
    return NotFound(reasons.ERROR_REASON_MAINTENANCE_WINDOW_NOT_FOUND, "Maintenance window not found.")


def check_not_found() -> NotFound:
    """What an unknown check id, or another tenant's, answers."""
    return NotFound(reasons.ERROR_REASON_CHECK_NOT_FOUND, "Check not found.")


def incident_not_found() -> NotFound:
    """What an unknown incident id, or another tenant's, answers."""
    return NotFound(reasons.ERROR_REASON_INCIDENT_NOT_FOUND, "Incident not found.")
