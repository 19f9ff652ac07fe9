"""``/openapi.json``: every address of the server in OpenAPI 3.1, true to the model that is served.

https://spec.openapis.org/oas/v3.1.1. What it promises is held by tests, which read the answers by these schemas.
"""

from typing import Any

from aicontainer import __version__
from aicontainer.serve.about import About
from aicontainer.serve.datatypes import DATATYPES
from aicontainer.serve.protocol import DATATYPE, OUTPUTS
from aicontainer.serve.tensors import ROWS

Schema = dict[str, Any]
# a description of a million features would help nobody: beyond, rows are described as lists only
MOST_NAMED = 1000

_TEXT: Schema = {"type": "string"}
_NUMBER: Schema = {"type": "number"}
_WHOLE: Schema = {"type": "integer"}
_PARAMETERS: Schema = {
    "type": "object",
    "additionalProperties": {"type": ["string", "number", "boolean", "null"]},
}


def description(about: About, row_limit: int) -> dict[str, Any]:
    """The whole description, ready to be written as JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{about.name}: predicts {about.target}",
            "version": about.version,
            "description": f"A linear model behind the Open Inference Protocol, version 2. Server {__version__}.",
        },
        "paths": {
            "/predict": {"post": _post("Predict rows by the names of their features", "Rows", "Predictions")},
            **_protocol(about),
            "/metrics": {"get": _get("What has happened so far", {"text/plain": {"schema": _TEXT}})},
            "/": {"get": _get("A page that shows the model, with a form", {"text/html": {"schema": _TEXT}})},
            "/openapi.json": {"get": _get("This description", _json({"type": "object"}))},
        },
        "components": {"schemas": _schemas(about, row_limit)},
    }


def _protocol(about: About) -> dict[str, Any]:
    paths: dict[str, Any] = {
        "/v2": {"get": _get("What this server is", _json(_named("Server")))},
        "/v2/health/live": {"get": _get("Whether the process answers", _json(_named("Live")))},
        "/v2/health/ready": {"get": _ready("Whether it would predict now")},
    }
    for version in ("", f"/versions/{about.version}"):
        address = f"/v2/models/{about.name}{version}"
        paths[address] = {"get": _get("What the model takes and gives", _json(_named("Metadata")))}
        paths[f"{address}/ready"] = {"get": _ready("Whether the model would predict now")}
        paths[f"{address}/infer"] = {"post": _post("Predict tensors", "Inference", "Inferred")}
    return paths


def _get(summary: str, content: Schema) -> Schema:
    return {"summary": summary, "responses": {"200": {"description": "The answer", "content": content}}}


def _ready(summary: str) -> Schema:
    said = _get(summary, _json(_named("Ready")))
    said["responses"]["503"] = {"description": "Not now: it is stopping", "content": _json(_named("Ready"))}
    return said


def _post(summary: str, takes: str, gives: str) -> Schema:
    said = _get(summary, _json(_named(gives)))
    said["requestBody"] = {"required": True, "content": _json(_named(takes))}
    refusals = {
        "400": "The body cannot be used; the path names the place of the fault",
        "413": "The body has too many bytes, or too many rows",
        "415": "The body is compressed",
        "503": "Too many requests at once; Retry-After says when to come again",
    }
    for status, meaning in refusals.items():
        said["responses"][status] = {"description": meaning, "content": _json(_named("Refusal"))}
    return said


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _named(schema: str) -> Schema:
    return {"$ref": f"#/components/schemas/{schema}"}


def _object(properties: dict[str, Schema], *optional: str) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
    }


def _list(items: Schema, **limits: int) -> Schema:
    return {"type": "array", "items": items, **limits}


def _schemas(about: About, row_limit: int) -> dict[str, Schema]:
    return {
        "Rows": _rows(about, row_limit),
        "Predictions": _object(
            dict.fromkeys(("model", "version", "target", "unit"), _TEXT)
            | {"predictions": _list(_NUMBER), "scores": _list(_NUMBER)}
        ),
        "Inference": _object(
            {
                "id": _TEXT,
                "parameters": _PARAMETERS,
                "inputs": _list(_named("Input"), minItems=1),
                "outputs": _list(_named("WantedOutput")),
            },
            *("id", "parameters", "outputs"),
        ),
        "Input": _input(about),
        "WantedOutput": _object({"name": {"enum": list(OUTPUTS)}, "parameters": _PARAMETERS}, "parameters"),
        "Inferred": _object(
            {
                "model_name": {"const": about.name},
                "model_version": {"const": about.version},
                "id": _TEXT,
                "outputs": _list(_named("Output"), minItems=1),
            },
            "id",
        ),
        "Output": _object(
            {
                "name": {"enum": list(OUTPUTS)},
                "datatype": {"const": DATATYPE},
                "shape": _list(_WHOLE, minItems=1, maxItems=1),
                "data": _list(_NUMBER),
                "parameters": _PARAMETERS,
            },
            *("data", "parameters"),
        ),
        **_probes(),
        "Refusal": _object({"error": _TEXT, "path": _TEXT}),
    }


def _probes() -> dict[str, Schema]:
    ready = {"ready": {"type": "boolean"}, "name": _TEXT, "version": _TEXT, "reason": _TEXT, "refused": _TEXT}
    tensors = _list(_object({"name": _TEXT, "datatype": _TEXT, "shape": _list(_WHOLE)}))
    return {
        "Server": _object({"name": _TEXT, "version": _TEXT, "extensions": _list(_TEXT)}),
        "Live": _object({"live": {"const": True}}),
        "Ready": _object(ready, *("name", "version", "reason", "refused")),
        "Metadata": _object(
            {
                "name": _TEXT,
                "versions": _list(_TEXT),
                "platform": _TEXT,
                "inputs": tensors,
                "outputs": tensors,
                "parameters": {"type": "object"},
            }
        ),
    }


def _rows(about: About, row_limit: int) -> Schema:
    width = len(about.features)
    ways = [_list(_list(_NUMBER, minItems=width, maxItems=width), minItems=1, maxItems=row_limit)]
    if width <= MOST_NAMED:
        values = {feature.name: {**_NUMBER, "examples": [float(f"{feature.mean:.4g}")]} for feature in about.features}
        named = {**_object(values), "additionalProperties": False}
        ways.insert(0, _list(named, minItems=1, maxItems=row_limit))
    return {**_object({"rows": {"anyOf": ways}}), "additionalProperties": False}


def _input(about: About) -> Schema:
    width = len(about.features)
    said = _object(
        {
            "name": _TEXT,
            "shape": _list({**_WHOLE, "minimum": 1}, minItems=1, maxItems=2),
            "datatype": {"enum": list(DATATYPES)},
            "data": _list({"anyOf": [_NUMBER, {"type": "boolean"}, _list({"type": ["number", "boolean"]})]}),
            "parameters": _PARAMETERS,
        },
        *("data", "parameters"),
    )
    ways = f"Either one input {ROWS!r} of shape [n, {width}], or one input for each feature, by its name, of shape [n]"
    said["description"] = f"{ways} or [n, 1]. Without data, the numbers follow the JSON as bytes."
    return said
