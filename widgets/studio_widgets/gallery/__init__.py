"""The gallery: every run of a home, newest first, by picture."""
