"""What the scripts of all views share."""
