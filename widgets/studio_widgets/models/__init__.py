"""The models of a home as a table: what is on this machine, what services have, how often each was used."""
