"""Examples for the API's document, made from the schemas themselves, so that they cannot go stale.

What a schema or a field names under `examples` is taken; the rest is filled in by type. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Schema = Mapping[str, Any]
REF = "#/components/schemas/"
ID = "019ab0c4-5d2e-7c31-9f6a-2b8e4d1c7a90"
BY_FORMAT = {
    "uuid": ID,
    "date-time": "2026-11-22T13:00:00.000Z",
    "uri": "https://exemplo.com.br/",
    "date": "2026-11-22",
}
BY_TYPE: dict[str, Any] = {"boolean": False, "null": None}
#: Words that mean something, by the field that they stand in; any other field is filled with its name.
BY_NAME = {
    "answer": "ok",
    "billing_class": "single",
    "body": "Oi {{nome}}, temos novidades na loja!",
    "caller_id": "+551140028922",
    "carrier_message_id": "sim-7Yc2Kd91",
    "ddd": "DDD",
    "description": "Só até domingo, em todas as lojas",
    "email": "maria@exemplo.com.br",
    "error_code": "invalid_number",
    "events": "notification.status",
    "external_id": "pedido-4711",
    "fault": "missing_variable",
    "follow_up_on_status": "not_delivered",
    "label": "Loja do centro",
    "pause_reason": "insufficient_balance",
    "phone": "+5511999999999",
    "postback_data": "ver_ofertas",
    "rejects_url": f"/api/v1/contact-lists/{ID}/import/{ID}/rejects",
    "search": "maria",
    "surname": "Sobrenome",
    "text": "Ver ofertas",
    "title": "Oferta da semana",
    "url": "https://shop.example.com/sintalk",
    "ucs2_letters": "ã",
    "missing": "Cidade",
    "variables": "nome",
    "voice": "pt-BR",
}


def examples_of(schema: Schema, schemas: Mapping[str, Schema]) -> list[Any]:
    """The examples that a schema names, or the one that its fields add up to; never empty."""
    schema = _found(schema, schemas)
    return list(schema.get("examples") or [_made(schema, schemas)])


def example_of(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    """One value that the schema allows, for a field of this name."""
    schema = _found(schema, schemas)
    named = schema.get("examples")
    return named[0] if named else _made(schema, schemas, name)


def _found(schema: Schema, schemas: Mapping[str, Schema]) -> Schema:
    while "$ref" in schema and not schema.get("examples"):
        schema = schemas[schema["$ref"].removeprefix(REF)]
    return schema


def _made(schema: Schema, schemas: Mapping[str, Schema], name: str = "") -> Any:
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("default") is not None:
        return schema["default"]
    for several in ("anyOf", "oneOf"):
        if several in schema:
            may_be_null = any(one.get("type") == "null" for one in schema[several])
            return None if may_be_null else example_of(schema[several][0], schemas, name)
    return _by_type(schema, schemas, name)


def _left_out(field: Schema) -> bool:
    """What need not be there, and is nothing unless somebody says it."""
    return field.get("default", "") is None and not field.get("examples")


def _by_type(schema: Schema, schemas: Mapping[str, Schema], name: str) -> Any:
    kind = schema.get("type")
    if kind == "object":
        return {
            key: example_of(field, schemas, key)
            for key, field in schema.get("properties", {}).items()
            if key in schema.get("required", ()) or not _left_out(field)
        }
    if kind == "array":
        return [example_of(schema["items"], schemas, name)] * max(schema.get("minItems", 1), 1)
    if kind in ("integer", "number"):
        return schema.get("minimum", schema.get("exclusiveMinimum", -1) + 1)
    if kind == "string" and "format" not in schema:
        return BY_NAME.get(name, name or "texto")
    return BY_FORMAT.get(schema.get("format", "")) or BY_TYPE.get(str(kind))
