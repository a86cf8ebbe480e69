"""The words of the studio as types: parameters, models, requests, sweeps, runs, assets, events, provenance.

Pure: frozen dataclasses and functions. No files, clock, network, torch, DuckDB or widgets in here; everything above
imports it and it imports nothing of the project but ``errors``.
"""
