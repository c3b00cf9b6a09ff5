"""Conversion between maintenance windows and the contract's messages."""

from sentinel.monitor.v1 import maintenance_pb2 as pb

from services.monitor.maintenance.window import Window, WindowDraft
from services.platform.clock import from_duration, from_timestamp, to_duration, to_timestamp
from services.platform.ids import optional_id


def window_draft(message: pb.MaintenanceWindow) -> WindowDraft:
    """Return the writable fields of a message."""
    return WindowDraft(
        name=message.name,
        service_id=optional_id(message.service_id),
        start_us=from_timestamp(message.start_time) if message.HasField("start_time") else None,
        duration_us=from_duration(message.duration),
        rrule=message.rrule,
        time_zone=message.time_zone,
    )


def window_settings(window: Window) -> pb.MaintenanceWindow:
    """Return the writable fields of a window as a message."""
    return pb.MaintenanceWindow(
        name=window.name,
        service_id=str(window.service_id) if window.service_id else "",
        start_time=to_timestamp(window.start_us),
        duration=to_duration(window.duration_us),
        rrule=window.rrule,
        time_zone=window.time_zone,
    )


def window_message(window: Window) -> pb.MaintenanceWindow:
    """Return a window as a message."""
    message = window_settings(window)
    message.MergeFrom(
        pb.MaintenanceWindow(
            id=str(window.id),
            create_time=to_timestamp(window.create_us),
            update_time=to_timestamp(window.update_us),
            etag=window.etag,
        )
    )
    return message
