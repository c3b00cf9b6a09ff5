"""The interceptors of every call; chain.py lists them, outermost first."""
