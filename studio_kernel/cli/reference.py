"""The reference page of the command line, written from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator

import click

from studio_kernel.cli.main import main

HEAD = """# Command line

Made by `make reference` from the commands themselves. `generate` and `sweep` also take an option for every parameter of
the chosen model: `studio generate --model studio-tiny --help` lists them.
"""


def page() -> str:
    """Return the page."""
    sections = (f"\n## `{path}`\n\n```text\n{text}\n```\n" for path, text in _helps(main, "studio"))
    return HEAD + "".join(sections)


def _helps(command: click.Command, path: str) -> Iterator[tuple[str, str]]:
    context = click.Context(command, info_name=path, max_content_width=110, terminal_width=110)
    yield path, command.get_help(context)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _helps(child, f"{path} {name}")


if __name__ == "__main__":
    click.echo(page(), nl=False)
