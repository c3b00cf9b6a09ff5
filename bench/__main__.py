"""`make bench`: measure speed and size beside their targets. `python -m bench NAME …` measures only some of it."""

import shutil
import sys
import tempfile
from pathlib import Path

from bench import (
    heartbeat,
    hostile,
    identity,
    isolation_attacks,
    isolation_database,
    isolation_worker,
    judge,
    kinds,
    loading,
    metrics,
    probes,
    refusals,
    report,
    rest,
    revocation,
    rollup,
    size,
    start,
    status,
    streams,
    strict_json,
    takeover,
    watch,
    wire,
)

MEASURES = {
    "start": start.measure,
    "metrics": metrics.measure,
    "wire": wire.measure,
    "kinds": kinds.measure,
    "judge": judge.measure,
    "hostile": hostile.measure,
    "refusals": refusals.measure,
    "identity": identity.measure,
    "heartbeat": heartbeat.measure,
    "revocation": revocation.measure,
    "probes": probes.measure,
    "loading": loading.measure,
    "size": size.measure,
    "streams": streams.measure,
    "takeover": takeover.measure,
    "status": status.measure,
    "rest": rest.measure,
    "strict-json": strict_json.measure,
    "rollup": rollup.measure,
    "watch": watch.measure,
    "isolation-database": isolation_database.measure,
    "isolation-tls": isolation_worker.measure_tls,
    "isolation-attacks": isolation_attacks.measure,
    "isolation-evaluate": isolation_worker.measure_evaluate,
}


def main(names: list[str]) -> int:
    """Measure all benchmarks, or the named ones; return 1 if a target is missed, 2 if a name is unknown."""
    if unknown := set(names) - set(MEASURES):
        sys.stderr.write(f"bench: {', '.join(sorted(unknown))}: there are {', '.join(MEASURES)}\n")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="sb-"))
    folder.chmod(0o711)
    try:
        lines = [line for name in names or MEASURES for line in MEASURES[name](folder)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report.write(lines)
    return 0 if all(line.ok for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
