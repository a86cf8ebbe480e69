"""OpenAPI documents as the services publish them, and the entries that come of them."""

import json
from typing import Any

import pytest

from servers.fal_schema import openapi_of
from studio_kernel.catalog import build
from studio_kernel.catalog.loader import load
from studio_kernel.catalog.openapi.about import About
from studio_kernel.catalog.openapi.document import describe, read_document
from studio_kernel.domain.model import ModelCard
from studio_kernel.domain.tasks import Task
from studio_kernel.errors import CatalogError

CARDS = [card for card in load().models.values() if card.engine == "fal"]
SAME = ("name", "type", "label", "min", "max", "unit", "group", "description", "required", "multiple", "max_items")


def card_of(document: dict[str, Any], endpoint: str = "fal-ai/x/y", **about: Any) -> ModelCard:
    card, mistakes = build.model("fal/x", describe(document, About(endpoint, **about)).entry, build.Shelf())
    assert mistakes == []
    return card


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_the_document_of_a_card_gives_that_card_back(card: ModelCard) -> None:
    """All 270, through documents that have what the published ones have."""
    again = card_of(openapi_of(card), card.source.endpoint)
    assert again.tasks == card.tasks
    assert [each.sent_as for each in again.parameters] == [each.sent_as for each in card.parameters]
    for was, now in zip(card.parameters, again.parameters, strict=True):
        assert {name: getattr(now, name) for name in SAME} == {name: getattr(was, name) for name in SAME}
        if not was.open_choices:
            assert now.choices == was.choices
        if isinstance(was.default, (str, int, float, bool)):
            assert now.default == was.default
        if not was.is_media:
            assert now.max_length == was.max_length
    assert again.output is not None
    assert card.output is not None
    known = ("kind", "path", "other_fields", "inline_parameter")
    assert [again.output.get(name) for name in known] == [card.output.get(name) for name in known]


def test_the_task_is_guessed_where_no_category_is_said() -> None:
    missed = []
    for card in CARDS:
        document = openapi_of(card)
        del document["info"]["x-fal-metadata"]["category"]
        if card_of(document, card.source.endpoint).tasks != card.tasks:
            missed.append(card.source.endpoint)
    assert len(missed) <= 4, missed


def fal(properties: dict[str, Any], output: dict[str, Any] | None = None, **schemas: Any) -> dict[str, Any]:
    """Return a document with inputs as given, in the form of fal's published ones."""
    made = output or {"images": {"type": "array", "items": {"$ref": "#/components/schemas/Image"}}}
    return {
        "openapi": "3.0.4",
        "info": {"x-fal-metadata": {"endpointId": "fal-ai/x/y", "category": "text-to-image"}},
        "components": {
            "schemas": {
                "XYInput": {"type": "object", "properties": properties, "required": ["prompt"]},
                "XYOutput": {"type": "object", "properties": made},
                "Image": {"type": "object", "properties": {"url": {"type": "string"}}},
                **schemas,
            }
        },
        "paths": {},
    }


PROMPT = {"prompt": {"type": "string", "description": "What to draw."}}


@pytest.mark.parametrize(
    ("schema", "fields"),
    [
        ({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 9}, {"type": "null"}]}, {"type": "integer", "max": 9}),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 2}, {"type": "number", "min": 0, "max": 2}),
        ({"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 5}, {"min": 1, "max": 4}),
        ({"type": "integer", "minimum": 0, "exclusiveMinimum": True, "maximum": 5}, {"min": 1}),
        ({"type": "integer", "minimum": 8, "maximum": 64, "multipleOf": 8}, {"step": 8}),
        ({"anyOf": [{"type": "string", "enum": ["a", "b"]}, {"type": "null"}]}, {"choices": ("a", "b")}),
        ({"anyOf": [{"enum": ["a"], "type": "string"}, {"type": "string"}]}, {"choices": ("a",), "open_choices": True}),
        ({"enum": [4, 8], "type": "integer"}, {"type": "integer", "choices": (4, 8)}),
        ({"const": "only"}, {"type": "text", "choices": ("only",)}),
        ({"allOf": [{"$ref": "#/components/schemas/Mood"}], "default": "calm"}, {"choices": ("calm", "wild")}),
        ({"type": ["string", "null"], "maxLength": 20}, {"type": "text", "max_length": 20}),
        ({"type": "array", "items": {"type": "string"}, "maxItems": 3}, {"multiple": True, "max_items": 3}),
        ({"type": "array", "items": {"$ref": "#/components/schemas/Weight"}}, {"type": "object", "multiple": True}),
        ({"anyOf": [{"$ref": "#/components/schemas/Size"}, {"enum": ["square"]}]}, {"type": "size", "max": 4096}),
        ({"type": "boolean", "default": False}, {"type": "boolean", "default": False}),
        ({"type": "number", "default": 3}, {"type": "number", "default": 3.0}),
        ({}, {"type": "text"}),
    ],
)
def test_the_forms_of_a_value_are_understood(schema: dict[str, Any], fields: dict[str, Any]) -> None:
    side = {"type": "integer", "exclusiveMinimum": 0, "maximum": 4096}
    schemas = {
        "Mood": {"enum": ["calm", "wild"], "type": "string"},
        "Weight": {"type": "object", "properties": {"path": {"type": "string"}}},
        "Size": {"type": "object", "properties": {"width": side, "height": side}},
    }
    parameter = card_of(fal({**PROMPT, "it": schema}, **schemas)).parameter("it")
    assert {name: getattr(parameter, name) for name in fields} == fields


@pytest.mark.parametrize(
    ("name", "schema", "type_"),
    [
        ("image_url", {"type": "string"}, "image"),
        ("mask_url", {"type": "string"}, "mask"),
        ("mask_video_url", {"type": "string"}, "video"),
        ("driving_audio_url", {"type": "string"}, "audio"),
        ("reference_url", {"type": "string", "examples": ["https://x.example/a.mp4"]}, "video"),
        ("style_url", {"type": "string", "description": "A picture whose style is taken."}, "image"),
        ("weights_url", {"type": "string"}, "text"),
        ("image_style", {"type": "string"}, "text"),
        ("input", {"type": "string", "format": "uri", "title": "Input video"}, "video"),
    ],
)
def test_what_kind_of_file_an_address_is_follows_from_its_name(name: str, schema: dict[str, Any], type_: str) -> None:
    assert card_of(fal({**PROMPT, name: schema})).parameter(name).type == type_


def test_names_that_a_request_cannot_hold_are_spelled_another_way() -> None:
    words = {"model": {"type": "string"}, "batch_size": {"type": "integer"}, "top-k": {"type": "integer"}}
    card = card_of(fal({**PROMPT, **words}))
    assert {p.name: p.sent_as for p in card.parameters if p.sent_as} == {
        "model_version": "model",
        "model_batch_size": "batch_size",
        "top_k": "top-k",
    }


def test_keys_are_no_parameters() -> None:
    own = {"type": "string", "description": "Your key for the OpenAI API."}
    described = describe(fal({**PROMPT, "api_key": own, "hf_token": {"type": "string"}}), About("fal-ai/x/y"))
    assert list(described.entry.parameters) == ["prompt"]
    assert described.entry.output is not None
    assert described.entry.output["own_keys"] == {"api_key": "openai"}
    assert "'hf_token'" in " ".join(described.notes)


def test_a_default_that_the_schema_itself_forbids_is_left_to_the_service() -> None:
    described = describe(fal({**PROMPT, "steps": {"type": "integer", "maximum": 4, "default": 9}}), About("fal-ai/x/y"))
    assert "its default cannot be given" in described.notes[0]
    entry = described.entry.parameters["steps"]
    assert entry is not None
    assert "the service uses 9" in str(entry.description)


@pytest.mark.parametrize(
    ("output", "kind", "path"),
    [
        ({"video": {"$ref": "#/components/schemas/Image"}, "seed": {"type": "integer"}}, "video", "video.url"),
        ({"video": {"type": "string", "format": "uri"}}, "video", "video"),
        ({"seed": {}, "audio_file": {"$ref": "#/components/schemas/Image"}}, "audio", "audio_file.url"),
        ({"image_url": {"type": "string"}}, "image", "image_url"),
        ({"output": {"$ref": "#/components/schemas/Image"}}, "image", "output.url"),
    ],
)
def test_where_the_files_of_an_answer_are_is_read_from_its_schema(output: dict[str, Any], kind: str, path: str) -> None:
    card = card_of(fal(PROMPT, output))
    assert card.output is not None
    assert (card.output["kind"], card.output["path"]) == (kind, path)
    assert card.tasks[0].makes == kind


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (fal(PROMPT, {"model_mesh": {"$ref": "#/components/schemas/Image"}}), "makes no picture, video or audio"),
        (fal(PROMPT, {"text": {"type": "string"}}), "its answer has text"),
        ({"openapi": "3.0.4"}, "no 'components.schemas'"),
        ({"components": {"schemas": {"A": {"type": "object"}}}}, "whose name ends in 'Input'"),
        (fal({"it": {"$ref": "#/components/schemas/Nowhere"}}), "refers to '#/components/schemas/Nowhere'"),
    ],
)
def test_what_cannot_be_used_is_refused_in_words(document: dict[str, Any], words: str) -> None:
    with pytest.raises(CatalogError, match="fal-ai/x/y") as caught:
        describe(document, About("fal-ai/x/y"))
    assert words in str(caught.value)


def test_the_document_of_another_endpoint_is_refused() -> None:
    with pytest.raises(CatalogError, match="about 'fal-ai/x/y'"):
        describe(fal(PROMPT), About("fal-ai/other"))


VERSION = "a" * 64
REPLICATE: dict[str, Any] = {
    "owner": "somebody",
    "name": "painter",
    "description": "Paints pictures.",
    "latest_version": {
        "id": VERSION,
        "openapi_schema": {
            "components": {
                "schemas": {
                    "Input": {
                        "type": "object",
                        "required": ["prompt"],
                        "properties": {
                            "seed": {"type": "integer", "x-order": 2, "description": "Leave blank to choose one."},
                            "prompt": {"type": "string", "title": "Prompt", "x-order": 0},
                            "image": {"type": "string", "format": "uri", "x-order": 1},
                            "ratio": {
                                "allOf": [{"$ref": "#/components/schemas/ratio"}],
                                "default": "1:1",
                                "x-order": 3,
                            },
                        },
                    },
                    "Output": {"type": "array", "items": {"type": "string", "format": "uri"}},
                    "ratio": {"type": "string", "enum": ["1:1", "16:9"], "title": "ratio"},
                }
            }
        },
    },
}


def test_a_model_of_replicate_is_described_by_its_newest_version() -> None:
    card = card_of(REPLICATE, "somebody/painter", service="replicate")
    assert [each.name for each in card.parameters] == ["prompt", "image", "seed", "ratio"]
    assert card.parameter("image").type == "image"
    assert not card.parameter("image").required
    assert (card.parameter("ratio").choices, card.parameter("ratio").default) == (("1:1", "16:9"), "1:1")
    assert card.source.endpoint == f"somebody/painter:{VERSION}"
    assert (card.engine, card.creator, card.tasks) == ("replicate", "somebody", (Task.TEXT_TO_IMAGE,))
    assert card.output is not None
    assert (card.output["kind"], card.output["path"]) == ("images", "")


def test_an_official_model_of_replicate_has_no_version() -> None:
    official = {**REPLICATE, "latest_version": {**REPLICATE["latest_version"], "id": "hidden"}}
    assert card_of(official, "somebody/painter", service="replicate").source.endpoint == "somebody/painter"


def test_a_model_that_writes_text_is_refused() -> None:
    schema = json.loads(json.dumps(REPLICATE))
    schema["latest_version"]["openapi_schema"]["components"]["schemas"]["Output"] = {"type": "string"}
    with pytest.raises(CatalogError, match="holds no address of a file"):
        describe(schema, About("somebody/painter", "replicate"))


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_a_document_may_be_a_file(tmp_path, ending: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / f"it.{ending}"
    path.write_text(json.dumps(fal(PROMPT)))
    assert read_document(path)["components"]


@pytest.mark.parametrize("text", ["[1]", "{", "just words"])
def test_a_file_that_holds_no_document_is_refused(tmp_path, text: str) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "it.json"
    path.write_text(text)
    with pytest.raises(CatalogError, match=r"it\.json"):
        read_document(path)
