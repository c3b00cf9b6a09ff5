"""Settings: environment variables, read and checked when a process starts."""
