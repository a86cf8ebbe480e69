"""``python -m studio_kernel.cli``, the same as ``studio``."""

from studio_kernel.cli.main import main

main(prog_name="studio")
