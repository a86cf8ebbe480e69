"""The files of one run, small and side by side, one of them chosen."""
