"""Updates: merge a partial message into the stored object, and validate the result by the contract's rules."""

from collections.abc import Callable

from sentinel.monitor.v1 import monitor_service_pb2 as pb

from services.checks.check_settings import SETTING_FIELDS
from services.checks.specs.kinds import KINDS
from services.monitor.drafts import CheckDraft, ServiceDraft, refuse_other_kind
from services.monitor.maintenance.messages import window_draft, window_settings
from services.monitor.maintenance.window import Window, WindowDraft
from services.monitor.messages import check_draft, check_settings, service_draft, service_settings
from services.monitor.model import Check, Service
from services.platform import field_mask
from services.platform.rpc.field_rules import FieldRules

_OF_A_SERVICE = frozenset({"name", "url", "description", "labels"})
_OF_A_CHECK = frozenset({"name", *KINDS, *SETTING_FIELDS})
_OF_A_WINDOW = frozenset({"name", "service_id", "start_time", "duration", "rrule", "time_zone"})


class Updates:
    """A reader of update requests.

    The draft is made from the stored object under its lock, so that two updates of different fields both take effect,
    and a rule over two fields holds whichever update comes last.
    """

    def __init__(self) -> None:
        self._rules = FieldRules()

    def of_service(self, request: pb.UpdateServiceRequest) -> Callable[[Service], ServiceDraft]:
        """Return a function from the stored service to its draft; it raises InvalidArgument if a rule is violated."""

        def draft_of(service: Service) -> ServiceDraft:
            message = service_settings(service)
            field_mask.update(message, request.service, request.update_mask, _OF_A_SERVICE)
            self._rules.validate(message, "service")
            return service_draft(message)

        return draft_of

    def of_check(self, request: pb.UpdateCheckRequest) -> Callable[[Check], CheckDraft]:
        """Return a function from the stored check to its draft; it raises InvalidArgument if a rule is violated."""

        def draft_of(check: Check) -> CheckDraft:
            message = check_settings(check)
            field_mask.update(message, request.check, request.update_mask, _OF_A_CHECK)
            # First, because rules that depend on the kind would give a misleading error.
            refuse_other_kind(check, message.WhichOneof("kind") or check.spec.KIND)
            self._rules.validate(message, "check")
            return check_draft(message)

        return draft_of

    def of_window(self, request: pb.UpdateMaintenanceWindowRequest) -> Callable[[Window], WindowDraft]:
        """Return a function from the stored window to its draft; it raises InvalidArgument if a rule is violated."""

        def draft_of(window: Window) -> WindowDraft:
            message = window_settings(window)
            field_mask.update(message, request.window, request.update_mask, _OF_A_WINDOW)
            self._rules.validate(message, "window")
            return window_draft(message)

        return draft_of
