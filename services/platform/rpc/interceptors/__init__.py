"""The links of the chain that every call passes, outermost first in chain.py."""
