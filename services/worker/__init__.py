"""The worker: leases shards, runs checks on their slots, records results, streams them."""
