"""A module whose import fails, as one of a service may on some machine."""

raise RuntimeError("this module is broken")
