"""Engines turn one request into events. They know no log, no asset store, no catalog and no widgets."""
