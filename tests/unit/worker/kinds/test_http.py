"""The probe of an HTTP check makes its request once, and keeps little of it."""

import tracemalloc

from services.checks.specs.http import HttpSpec
from services.worker.kinds.http import HttpProbe


def test_the_request_is_made_once() -> None:
    probe = HttpProbe(HttpSpec(url="http://t/"))

    assert probe.encoded_request is probe.encoded_request
    assert probe.encoded_request.bytes.startswith(b"GET / HTTP/1.1\r\n")


def test_what_is_kept_of_a_check_is_no_more_than_half_a_kilobyte() -> None:
    specs = [HttpSpec(url=f"https://shop-{number}.example.com/status/{number}") for number in range(10_000)]
    assert HttpProbe(HttpSpec(url="https://warm.example.com/")).encoded_request
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        probes = [HttpProbe(spec) for spec in specs]
        assert all(probe.encoded_request for probe in probes)
        each = (tracemalloc.get_traced_memory()[0] - before) / len(specs)
    finally:
        tracemalloc.stop()

    assert each <= 512
