"""Export: files of runs as one download, in the sizes and formats of a preset."""
