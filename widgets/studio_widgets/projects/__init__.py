"""The projects of a home: which there are, what is in them, and which one is worked in."""
