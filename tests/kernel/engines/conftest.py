from engine_fixtures import lora_file, tiny_random

__all__ = ["lora_file", "tiny_random"]
