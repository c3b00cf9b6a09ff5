"""Conversion between WatchServices and the contract's messages."""

from collections.abc import Callable

from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.monitor.v1 import stream_pb2

from services.monitor.messages import label_filter, service_message
from services.monitor.model import StatefulService
from services.monitor.services import ServiceFilter
from services.monitor.watching.standing import Standing
from services.monitor.watching.watch import Beat, End, Event
from services.monitor.watching.watcher import Complete, Gone, Kept, Shown
from services.platform.clock import now_us, to_timestamp


def watch_filter(request: pb.WatchServicesRequest) -> ServiceFilter:
    """Return the filter of a request."""
    return ServiceFilter(labels=label_filter(request.labels), text=request.text)


def watch_message(event: Event, seal: Callable[[bytes], str]) -> pb.WatchServicesResponse:
    """Return an event as a message.

    Args:
        event: the event.
        seal: signs a digest as a cursor.
    """
    cursor = seal(event.cursor) if event.cursor else ""
    if isinstance(event, Shown):
        return pb.WatchServicesResponse(service=_watched(event.standing, cursor))
    if isinstance(event, Gone):
        return pb.WatchServicesResponse(gone=pb.ServiceGone(service_id=str(event.service_id), cursor=cursor))
    if isinstance(event, Complete):
        keep = None if event.keep is None else map(str, event.keep)
        complete = pb.PictureComplete(forget_others=keep is not None, service_ids=keep, cursor=cursor)
        return pb.WatchServicesResponse(complete=complete)
    if isinstance(event, Kept):
        return pb.WatchServicesResponse(kept=pb.ServicesKept(service_ids=map(str, event.service_ids)))
    if isinstance(event, Beat):
        return pb.WatchServicesResponse(heartbeat=stream_pb2.Heartbeat(time=to_timestamp(now_us()), cursor=cursor))
    return pb.WatchServicesResponse(end=_end(event, cursor))


def _watched(standing: Standing, cursor: str) -> pb.WatchedService:
    row = StatefulService(standing.service, standing.state, standing.open_incidents)
    return pb.WatchedService(
        service=service_message(row),
        state_time=to_timestamp(standing.state_us),
        state_reason=standing.reason,
        cursor=cursor,
    )


def _end(event: End, cursor: str) -> stream_pb2.StreamEnd:
    return stream_pb2.StreamEnd(reason=f"STREAM_END_REASON_{event.reason.name}", cursor=cursor)
