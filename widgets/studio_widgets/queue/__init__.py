"""The queue of a home: what is at work, what waits, what has failed lately."""
