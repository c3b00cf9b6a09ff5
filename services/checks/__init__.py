"""The domain of checks: specs, results, states. No I/O."""
