"""The probe of a DNS check makes its question once."""

from services.checks.specs.dns import DnsSpec
from services.worker.kinds.dns import DnsProbe


def test_the_question_is_made_once() -> None:
    probe = DnsProbe(DnsSpec("acme.test", "A", ("192.0.2.1",), server="192.0.2.53"))

    assert probe.query is probe.query
    assert len(probe.query.expected) == 1
    assert probe.query.server is not None
    assert probe.query.server.host == "192.0.2.53"
