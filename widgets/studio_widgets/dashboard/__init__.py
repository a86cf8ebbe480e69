"""The dashboard of a home: its pages, the address of each, and what they share."""
