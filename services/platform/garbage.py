"""Settings of Python's cyclic garbage collector."""

import gc

_GC_THRESHOLDS = (5_000, 10, 1_000)


def raise_gc_thresholds() -> None:
    """Collect less often than by default, for processes that create many objects and hardly any cycles.

    Calls and probes create hundreds of short-lived objects, so the default costs more than it finds. Collecting many
    more objects at once would stop everything for tens of milliseconds.
    """
    gc.set_threshold(*_GC_THRESHOLDS)


def freeze_existing_objects() -> None:
    """Exclude all present objects from later collections; they live as long as the process.

    Scanning the modules and all that was built at the start stops the process for 50 ms at a time.
    """
    gc.collect()
    gc.freeze()
