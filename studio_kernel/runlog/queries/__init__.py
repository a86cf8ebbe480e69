"""Questions to the run log: the only SQL for reading. Every value is bound, never written into a statement.

The functions take a connection whose current database is a run log file and return finished values; nothing of the
connection outlives the call.
"""
