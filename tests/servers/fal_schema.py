"""OpenAPI documents of fal's endpoints, made of catalog cards, and what fal says of arguments that do not fit them."""

from __future__ import annotations

import re

import jsonschema

_OUTPUTS = {"images": "Image", "image": "Image", "video": "File", "audio": "File"}
_FILE = {
    "type": "object",
    "required": ["url"],
    "properties": {
        "url": {"type": "string"},
        "content_type": {"type": "string"},
        "file_name": {"type": "string"},
        "file_size": {"type": "integer"},
    },
}
_IMAGE = _FILE | {"properties": _FILE["properties"] | {"width": {"type": "integer"}, "height": {"type": "integer"}}}


def openapi_of(card) -> dict:
    """Return the document of the endpoint that a card is of, as the service publishes them."""
    endpoint = card.source.endpoint
    name = "".join(part.capitalize() for part in re.split(r"[^A-Za-z0-9]+", endpoint))
    submit = {"post": {"requestBody": _body(f"{name}Input"), "responses": {"200": _answer("QueueStatus")}}}
    status = {"get": {"responses": {"200": _answer("QueueStatus")}}}
    cancel = {"put": {"responses": {"200": {"description": "Cancelled"}}}}
    result = {"get": {"responses": {"200": _answer(f"{name}Output")}}}
    return {
        "openapi": "3.0.4",
        "info": {
            "title": f"Queue OpenAPI for {endpoint}",
            "version": "1.0.0",
            "x-fal-metadata": {
                "endpointId": endpoint,
                "category": str(card.default_task),
                "playgroundUrl": f"https://fal.ai/models/{endpoint}",
                "documentationUrl": f"https://fal.ai/models/{endpoint}/api",
            },
        },
        "servers": [{"url": "https://queue.fal.run"}],
        "components": {
            "schemas": {
                f"{name}Input": _input(card),
                f"{name}Output": _output(card),
                "File": _FILE,
                "Image": _IMAGE,
                "QueueStatus": {
                    "type": "object",
                    "required": ["status", "request_id"],
                    "properties": {"status": {"type": "string"}, "request_id": {"type": "string"}},
                },
            }
        },
        "paths": {
            f"/{endpoint}": submit,
            f"/{endpoint}/requests/{{request_id}}/status": status,
            f"/{endpoint}/requests/{{request_id}}/cancel": cancel,
            f"/{endpoint}/requests/{{request_id}}": result,
        },
    }


def _body(schema):
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"required": True, "content": content}


def _answer(schema):
    return {"description": "OK"} | {
        "content": {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    }


def _input(card):
    properties = {one.sent_as or one.name: _property(one) for one in card.parameters}
    if inline := (card.output or {}).get("inline_parameter"):
        properties[inline] = {"type": "boolean", "title": "Sync Mode", "default": False}
    for name in (card.output or {}).get("own_keys") or {}:
        properties[name] = {"type": "string", "title": "Api Key"}
    required = [one.sent_as or one.name for one in card.parameters if one.required]
    return {
        "type": "object",
        "title": "Input",
        "properties": properties,
        "required": required,
        "x-fal-order-properties": list(properties),
    }


def _property(parameter):
    one = _one(parameter)
    if parameter.multiple:
        one = {"type": "array", "items": one} | ({"maxItems": parameter.max_items} if parameter.max_items else {})
    one |= {"title": parameter.title, "description": parameter.description}
    default = parameter.default
    if isinstance(default, (str, int, float, bool)):
        one["default"] = default
    return one


def _one(parameter):
    if parameter.type == "size":
        side = {"type": "integer"} | _bounds(parameter)
        pixels = {"type": "object", "properties": {"width": side, "height": side}, "required": ["width", "height"]}
        return {"anyOf": [{"type": "string", "enum": list(parameter.choices)}, pixels]}
    if parameter.is_media:
        return {"type": "string", "format": "uri"}
    if parameter.type in ("integer", "number"):
        return {"type": parameter.type} | _bounds(parameter) | _choices(parameter)
    if parameter.type == "boolean":
        return {"type": "boolean"}
    if parameter.type == "object":
        return {"type": "object"}
    longest = {"maxLength": parameter.max_length} if parameter.max_length else {}
    return {"type": "string"} | longest | _choices(parameter)


def _bounds(parameter):
    low = {"minimum": parameter.min} if parameter.min is not None else {}
    return low | ({"maximum": parameter.max} if parameter.max is not None else {})


def _choices(parameter):
    return {"enum": list(parameter.choices)} if parameter.choices and not parameter.open_choices else {}


def _output(card):
    output = card.output or {}
    name = output["path"].partition(".")[0].removesuffix("[]")
    one = {"$ref": f"#/components/schemas/{_OUTPUTS[output['kind']]}"}
    properties = {name: {"type": "array", "items": one} if "[]" in output["path"] else one}
    properties |= {other: {} for other in output.get("other_fields") or ()}
    return {"type": "object", "title": "Output", "properties": properties, "required": [name]}


def arguments_schema(document) -> dict:
    """Return the schema of the arguments in an OpenAPI document; it can be used alone, and takes no unknown names."""
    schemas = document["components"]["schemas"]
    body = next(path["post"] for path in document["paths"].values() if "post" in path)["requestBody"]
    name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return schemas[name] | {"additionalProperties": False, "components": {"schemas": schemas}}


def problems_of(schema, arguments) -> list[dict]:
    """Return what the service would say is wrong with arguments; empty = nothing."""
    errors = sorted(jsonschema.Draft202012Validator(schema).iter_errors(arguments), key=lambda one: str(one.path))
    return [problem for error in errors for problem in _problems(error)]


def _problems(error):
    loc = ["body", *error.absolute_path]
    if error.validator == "required":
        missing = next(name for name in error.validator_value if name not in error.instance)
        return [_problem([*loc, missing], "Field required", "missing", {}, error.instance)]
    if error.validator == "additionalProperties":
        unknown = [name for name in error.instance if name not in error.schema["properties"]]
        return [
            _problem([*loc, name], "Extra inputs are not permitted", "extra_forbidden", {}, None) for name in unknown
        ]
    limit = error.validator_value
    text, kind, context = {
        "minimum": (f"Input should be greater than or equal to {limit}", "greater_than_equal", {"ge": limit}),
        "maximum": (f"Input should be less than or equal to {limit}", "less_than_equal", {"le": limit}),
        "enum": (f"Input should be one of {limit}", "literal_error", {"expected": limit}),
        "maxLength": (f"String should have at most {limit} characters", "string_too_long", {"max_length": limit}),
        "maxItems": (f"List should have at most {limit} items", "sequence_too_long", {"max_length": limit}),
        "type": (f"Input should be a valid {limit}", f"{limit}_type", {}),
        "anyOf": ("Input should be a preset or a size in pixels", "one_of", {"expected": []}),
    }.get(error.validator, (error.message, "value_error", {}))
    return [_problem(loc, text, kind, context, error.instance)]


def _problem(loc, text, kind, context, value):
    return {"loc": loc, "msg": text, "type": kind, "ctx": context, "input": value, "url": "https://docs.fal.ai/errors"}
