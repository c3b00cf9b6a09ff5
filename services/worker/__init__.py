"""The worker: takes shards, runs checks on their slots, records results, streams them."""
