"""Everything that is known of one run."""
