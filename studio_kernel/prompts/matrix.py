"""The prompt matrix: a prompt with and without each of some additions."""

from __future__ import annotations

from studio_kernel.prompts.template import escape


def prompt_matrix(prompt: str, *additions: str) -> str:
    """Return the template of `prompt` with and without each addition, separated by commas.

    Swept, it makes every combination: ``2 ** len(additions)`` prompts, each addition an axis of its own. In
    `Studio.generate` the seed chooses one of them.

    Parameters
    ----------
    prompt : str
        What all of them begin with; may hold alternatives and wildcards itself.
    *additions : str
        Plain texts.

    Raises
    ------
    ValueError
        When there are no additions, or an addition is empty or given twice.

    Notes
    -----
    As the script "Prompt matrix" of AUTOMATIC1111's web UI does with ``a busy city|illustration|night``.

    Examples
    --------
    >>> prompt_matrix("a busy city", "illustration", "night")
    'a busy city{|, illustration}{|, night}'
    """
    if not additions or not all(addition.strip() for addition in additions):
        raise ValueError("a prompt matrix needs additions, such as 'illustration', 'night', and none that is empty")
    if len(set(additions)) < len(additions):
        raise ValueError(f"a prompt matrix needs additions that differ, not {', '.join(map(repr, additions))}")
    return prompt + "".join(f"{{|, {escape(addition.strip())}}}" for addition in additions)
