"""Settings: environment variables that are read and validated when a process starts."""
