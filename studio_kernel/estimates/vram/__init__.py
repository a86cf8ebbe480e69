"""How much device memory a pipeline takes, found without a GPU and without weights.

The pipeline's own code runs on tensors that have a shape and no contents, in a process of its own, and every
allocation is followed. `subject` and `trace` are what goes in and comes out and need no torch; everything else here
imports it and is never imported by a kernel.
"""
