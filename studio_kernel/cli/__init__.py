"""The command line: parse, call the studio, print. No rule of its own lives here."""
