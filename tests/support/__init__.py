"""What tests and benchmarks share: servers, clients, records."""
