"""The rows, a file for each subject."""
