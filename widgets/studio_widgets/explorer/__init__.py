"""The sweeps of a home, looked into: axes swapped, cells coloured and sorted by a number, one seen large."""
