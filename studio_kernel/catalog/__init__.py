"""The catalog: files that anyone can edit, read into domain types.

What models, schedulers and LoRAs there are is data (``data/catalog/`` and ``<home>/catalog/``), never code. `entries`
says what may stand in a file, `loader` reads all of them, `models` is the collection people search.
"""
