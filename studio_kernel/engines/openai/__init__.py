"""What OpenAI offers, and servers that speak its protocol: pictures, judging content, text.

``engine`` makes pictures, ``images`` turns a request into its arguments and an answer into files, ``usage`` counts what
it cost; ``moderation`` judges texts and pictures; ``text`` is any endpoint for chats. All go through the ``openai``
package, with what ``connection`` adds: nothing is repeated, and whoever waits can stop. ``refusals`` says what its
errors mean. Importing this package does not import ``openai``.
"""

from studio_kernel.engines.openai.engine import OpenAIEngine

__all__ = ["OpenAIEngine"]
