"""WatchServices: the state of services, then every change."""
