"""Files of runs on their way to the browser: in parts, asked for one by one, so that a page can stop at any time."""
