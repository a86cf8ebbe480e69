"""What a run would take before it is made: memory, time and money."""
