"""The domain of checks: what is probed, what a result is, which state follows. No I/O."""
