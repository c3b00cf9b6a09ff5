"""The memory of a process, freed parts included."""

from pathlib import Path


def holds(pid: int, *needles: bytes) -> set[bytes]:
    """Return which of some byte strings are in the writable memory of a process."""
    found: set[bytes] = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, access, *_ = line.split()
            if not access.startswith("rw"):
                continue
            start, end = (int(address, 16) for address in span.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except OSError:  # gone meanwhile
                continue
            found |= {needle for needle in needles if needle in content}
    return found
