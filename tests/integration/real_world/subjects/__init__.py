"""The rows, in one file per subject."""
