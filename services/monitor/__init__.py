"""The monitor service: services, checks, incidents, maintenance windows, uptime."""
