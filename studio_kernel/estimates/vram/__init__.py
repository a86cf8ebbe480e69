"""How much device memory a pipeline takes, found without a GPU and without weights.

The pipeline's own code runs on tensors that have a shape and no contents, in a process of its own, and every
allocation is followed. `tracer` is the door for a kernel; it needs no torch, and neither does what stands beside it:
`subject` and `trace`, which are what goes in and comes out, `weights`, `cache`, `client`, `messages` and `formula`.
`process` and what it traces with import torch and are never imported by a kernel; `devices` does for cards only.
"""
