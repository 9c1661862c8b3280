"""One candidate, one case, one process: sets up a library, works, prints what that cost.

`candidate.py CASE LIBRARY COUNT`, with the receiver in `OTEL_EXPORTER_OTLP_ENDPOINT`. The answer is
one line of JSON.
"""

# Before all else: what is imported from here on is part of what a start costs.
import time

STARTED_NS = time.process_time_ns()

import sys  # noqa: E402


def main() -> None:
    """Works, and says what it cost."""
    case, library, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    if case == "start":
        cost = start(library)
    else:
        import web
        import work

        cost = (work.WORK | web.WORK)[case](library, count)
    import json

    print(json.dumps(cost), flush=True)


def start(library: str) -> dict[str, float]:
    """Everything up to the first thing that could be recorded."""
    if library != "bare":
        import libraries

        libraries.set_up(library, libraries.SIGNALS)
    cpu_ns = time.process_time_ns() - STARTED_NS
    return {"cpu_ms": cpu_ns / 1e6, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """The most memory that this program had. Not by `getrusage`, which counts its parent in."""
    with open("/proc/self/status") as status:
        [line] = [line for line in status if line.startswith("VmHWM")]
    return int(line.split()[1]) / 1024


main()
