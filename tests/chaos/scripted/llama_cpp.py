"""A stand-in for llama_cpp, found first on PYTHONPATH: the Researcher's worker runs as it is, its model is a script.

Only what `engine.researcher.__main__` uses. An answer is a pure function of the question: whatever fits the schema,
drawn by the hash of the messages. Real answers differ from one asking to the next; the journal's tape deals with that,
and here a search that asks again must not be told apart from one that did not.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
from typing import Any

WORDS = """
    steps gradients batches labels longer shorter noisier steadier rows passes weights adapters few many letters words
    answers prompts earlier later carry blur sharpen settle wander repeat cover miss gather spread lift lower
"""


def llama_supports_gpu_offload() -> bool:
    return False


class LlamaGrammar:
    """The schema itself."""

    def __init__(self, schema: dict[str, Any]) -> None:
        self.schema = schema

    @classmethod
    def from_json_schema(cls, text: str, verbose: bool = True) -> LlamaGrammar:
        return cls(json.loads(text))


class Llama:
    """No weights: the file is not even read."""

    def __init__(self, path: str, **settings: Any) -> None:
        self.path = path

    def create_chat_completion(
        self, messages: list[dict[str, str]], *, grammar: LlamaGrammar, **settings: Any
    ) -> dict[str, Any]:
        question = json.dumps([messages, grammar.schema], sort_keys=True)
        draw = random.Random(hashlib.sha256(question.encode()).digest())
        text = json.dumps(answer(grammar.schema, draw))
        usage = {"prompt_tokens": len(question.split()), "completion_tokens": len(text.split())}
        return {"choices": [{"message": {"content": text}}], "usage": usage}


def answer(schema: dict[str, Any], draw: random.Random) -> Any:
    """A value that fits the schema, of the kinds of schema that the Researcher's questions have."""
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return draw.choice(schema["enum"])
    if "anyOf" in schema:
        return answer(draw.choice(schema["anyOf"]), draw)
    match schema["type"]:
        case "object":
            return {name: answer(part, draw) for name, part in schema["properties"].items()}
        case "array":
            count = draw.randint(schema["minItems"], schema["maxItems"])
            return [answer(schema["items"], draw) for _ in range(count)]
        case "boolean":
            return draw.random() < 0.5
        case "string":
            return sentence(schema["pattern"], draw)
    raise ValueError(f"no script for {schema}")


def sentence(pattern: str, draw: random.Random) -> str:
    """A few words; behind one of the openings where the pattern has some."""
    told = " ".join(draw.sample(WORDS.split(), 10)) + "."
    openings = re.match(r"\^\((.*)\) \(because\|when\|as\) ", pattern)
    return f"{draw.choice(openings[1].split('|'))} because {told}" if openings else told.capitalize()
