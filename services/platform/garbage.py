"""How often Python searches a process for garbage: objects that refer to each other in a cycle."""

import gc

_RARELY = (5_000, 10, 1_000)


def collect_rarely() -> None:
    """Search more rarely than by default, for processes whose work makes many objects and hardly any cycles.

    Calls and probes make short-lived objects by the hundred, so Python's default costs more than it finds. To search
    many more objects at once would stop everything for tens of milliseconds.
    """
    gc.set_threshold(*_RARELY)


def freeze_existing_objects() -> None:
    """Leave out of all later searches what is there by now, and so lives as long as the process.

    Searching the modules and everything that was built at the start stops the process for 50 ms at a time.
    """
    gc.collect()
    gc.freeze()
