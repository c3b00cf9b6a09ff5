"""Conversion between WatchServices and the contract's messages."""

from collections.abc import Callable

from sentinel.monitor.v1 import monitor_service_pb2 as pb
from sentinel.monitor.v1 import stream_pb2

from services.monitor.messages import label_filter, service_message
from services.monitor.model import StatefulService
from services.monitor.services import ServiceFilter
from services.monitor.watching.service_snapshot import ServiceSnapshot
from services.monitor.watching.watch import Event, KeepAlive, StreamEnd
from services.monitor.watching.watcher import ServiceRemoved, ServicesKept, ServiceUpdated, SyncComplete
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
    if isinstance(event, ServiceUpdated):
        return pb.WatchServicesResponse(service=_watched(event.snapshot, cursor))
    if isinstance(event, ServiceRemoved):
        return pb.WatchServicesResponse(gone=pb.ServiceGone(service_id=str(event.service_id), cursor=cursor))
    if isinstance(event, SyncComplete):
        keep = None if event.keep is None else map(str, event.keep)
        complete = pb.PictureComplete(forget_others=keep is not None, service_ids=keep, cursor=cursor)
        return pb.WatchServicesResponse(complete=complete)
    if isinstance(event, ServicesKept):
        return pb.WatchServicesResponse(kept=pb.ServicesKept(service_ids=map(str, event.service_ids)))
    if isinstance(event, KeepAlive):
        return pb.WatchServicesResponse(heartbeat=stream_pb2.Heartbeat(time=to_timestamp(now_us()), cursor=cursor))
    return pb.WatchServicesResponse(end=_end(event, cursor))


def _watched(snapshot: ServiceSnapshot, cursor: str) -> pb.WatchedService:
    row = StatefulService(snapshot.service, snapshot.state, snapshot.open_incidents)
    return pb.WatchedService(
        service=service_message(row),
        state_time=to_timestamp(snapshot.state_us),
        state_reason=snapshot.reason,
        cursor=cursor,
    )


def _end(event: StreamEnd, cursor: str) -> stream_pb2.StreamEnd:
    return stream_pb2.StreamEnd(reason=f"STREAM_END_REASON_{event.reason.name}", cursor=cursor)
