"""Reading the schemas of an OpenAPI document: what they refer to, and the forms that a value may have."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from studio_kernel.errors import CatalogError, Problem

Schema = Mapping[str, Any]

_DEPTH = 8


class Reader:
    """Follows the references of one document."""

    def __init__(self, document: Mapping[str, Any], endpoint: str) -> None:
        self._document, self._endpoint = document, endpoint
        self._schemas = object_of(object_of(document.get("components")).get("schemas"))
        if not self._schemas:
            raise mistake(endpoint, "the document has no 'components.schemas'; it is no OpenAPI document of a model")

    @property
    def input(self) -> Schema:
        """What a request holds."""
        return self._found("Input", self._bodies())

    @property
    def output(self) -> Schema:
        """What comes back."""
        return self._found("Output", self._answers())

    def resolved(self, schema: object, depth: int = _DEPTH) -> Schema:
        """Return a schema with what it refers to put in; what stands beside a reference comes first."""
        plain = object_of(schema)
        parts = [plain["$ref"]] if isinstance(plain.get("$ref"), str) else []
        inner = [self._referred(part) for part in parts] + list(list_of(plain.get("allOf")))
        if not inner or depth == 0:
            return plain
        merged: dict[str, Any] = {}
        for part in inner:
            merged |= self.resolved(part, depth - 1)
        return merged | {name: value for name, value in plain.items() if name not in ("$ref", "allOf")}

    def alternatives(self, schema: Schema) -> list[Schema]:
        """Return the forms that a value may have, without that of being left out."""
        many = [*list_of(schema.get("anyOf")), *list_of(schema.get("oneOf"))]
        kinds = schema.get("type")
        if not many and isinstance(kinds, list):
            many = [{**schema, "type": kind} for kind in kinds]
        forms = [self.resolved(each) for each in many] or [schema]
        return [inner for form in forms for inner in self._unfolded(form, schema) if inner.get("type") != "null"]

    def _unfolded(self, form: Schema, around: Schema) -> list[Schema]:
        nested = form is not around and ("anyOf" in form or "oneOf" in form)
        return self.alternatives(form) if nested else [form]

    def _referred(self, reference: str) -> Schema:
        name = reference.rpartition("/")[2]
        if name not in self._schemas:
            raise mistake(self._endpoint, f"the document refers to {reference!r}, which is not in it")
        return object_of(self._schemas[name])

    def _found(self, ending: str, candidates: Iterable[object]) -> Schema:
        for candidate in candidates:
            schema = self.resolved(candidate)
            if (
                schema
                and schema.get("title") != "QueueStatus"
                and "request_id" not in object_of(schema.get("properties"))
            ):
                return schema
        names = [name for name in self._schemas if name.endswith(ending) and "Validation" not in name]
        exact = [name for name in names if name == ending]
        if not names:
            raise mistake(self._endpoint, f"the document has no schema whose name ends in {ending!r}")
        return self.resolved(self._schemas[(exact or names)[0]])

    def _bodies(self) -> Iterator[object]:
        for path in object_of(self._document.get("paths")).values():
            body = object_of(object_of(object_of(path).get("post")).get("requestBody"))
            yield _json_schema(body)

    def _answers(self) -> Iterator[object]:
        """Yield what finished jobs answer with: the paths of a queue first, which only ``GET`` a result."""
        for verb in ("get", "post"):
            for address, path in object_of(self._document.get("paths")).items():
                answers = object_of(object_of(object_of(path).get(verb)).get("responses"))
                if not str(address).endswith(("/status", "/cancel")):
                    yield _json_schema(object_of(answers.get("200")))


def _json_schema(holder: Schema) -> object:
    return object_of(object_of(holder.get("content")).get("application/json")).get("schema")


def object_of(value: object) -> Mapping[str, Any]:
    """Return an object of a document; an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def list_of(value: object) -> list[Any]:
    """Return a list of a document; an empty one in place of anything else."""
    return list(value) if isinstance(value, list) else []


def mistake(field: str, message: str) -> CatalogError:
    """Return what is wrong with a document, as an error."""
    return CatalogError([Problem(field, message)])
