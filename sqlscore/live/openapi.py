"""The description of `POST /score`: OpenAPI for machines, and a page for people that loads nothing from elsewhere."""

from __future__ import annotations

import html
from importlib.metadata import version
from typing import Any

from sqlscore.live.calls import own_parameters
from sqlscore.live.limits import Limits
from sqlscore.sql.public_functions import PUBLIC

ARROW = "application/vnd.apache.arrow.stream"

_STATUSES = {
    "401": "the header Authorization: Bearer TOKEN is missing or wrong",
    "408": "the body did not arrive in time",
    "413": "the body is too large",
    "415": "the body is neither JSON nor Arrow",
    "422": "a field is wrong, or there are too many sequences or events; the message names the field and the remedy",
    "429": "too many requests wait: ask again after Retry-After seconds",
    "500": "a defect: the server's log says more",
    "503": "it took too long, or the server stops",
}


def description(limits: Limits) -> dict[str, Any]:
    """The document of OpenAPI 3.1."""
    as_of = {"type": ["string", "null"], "description": "The moment of the score, ISO, UTC if it has no zone. Default: "
             "the newest event of the mapped table."}  # fmt: skip
    schemas = {
        "Event": {
            "type": "object",
            "required": ["event_time", "event_type"],
            "properties": {
                "event_time": {"type": ["string", "number"], "examples": ["2024-01-31T12:00:00Z"]},
                "event_type": {"type": "string", "examples": ["view"]},
            },
            "description": "One event, in any order. Mapped features go beside its time and action; the columns may "
            "have their own names or those of sqlscore.events.",
        },
        "Sequence": {
            "type": "object",
            "required": ["events"],
            "additionalProperties": False,
            "properties": {
                "id": {"description": "Any value, which the answer repeats."},
                "events": {
                    "description": "The events of one user, or plain actions in order of time.",
                    "anyOf": [
                        {"type": "array", "items": {"$ref": "#/components/schemas/Event"}},
                        {"type": "array", "items": {"type": "string"}},
                    ],
                },
                "as_of": as_of,
            },
        },
        "Call": {
            "description": "A function of SQL by its name, or with parameters. Its value stands under its name, or "
            'under "as".',
            "anyOf": [{"enum": [public.name for public in PUBLIC]}, *map(_call, PUBLIC)],
        },
        "Request": {
            "type": "object",
            "required": ["sequences"],
            "additionalProperties": False,
            "properties": {
                "sequences": {
                    "type": "array",
                    "minItems": 1,
                    "maxItems": limits.sequences,
                    "items": {"$ref": "#/components/schemas/Sequence"},
                },
                "functions": {
                    "type": "array",
                    "items": {"$ref": "#/components/schemas/Call"},
                    "default": ["score_events"],
                },
                "model": {"type": ["string", "null"], "description": "Default: the champion."},
                "mapping": {"type": "string", "default": "events"},
                "as_of": as_of,
            },
        },
        "Answer": {
            "type": "object",
            "required": ["results"],
            "properties": {"results": {"type": "array", "items": {"type": "object"}}},
        },
        "Refusal": {
            "type": "object",
            "required": ["error"],
            "properties": {
                "error": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
                }
            },
        },
    }
    refusals = {
        status: {"description": text, "content": _json("Refusal")} for status, text in _STATUSES.items()
    }  # fmt: skip
    options = [
        {"name": name, "in": "query", "schema": {"type": "string"}, "description": f"{text} Only beside Arrow."}
        for name, text in (
            ("functions", "As in Request, written as JSON."),
            ("model", "Default: the champion."),
            ("mapping", "Default: events."),
            ("as_of", "Of rows whose as_of is NULL."),
        )
    ]
    stream = {"schema": {"type": "string", "contentMediaType": ARROW}}
    post = {
        "summary": "Score sequences of events",
        "description": "Send one sequence as a Sequence, several as a Request, or a stream of Arrow IPC with a row for "
        "each sequence: the column events (a list of structs or texts), and id and as_of if needed.",
        "operationId": "score",
        "parameters": options,
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"anyOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("Request", "Sequence")]}
                },
                ARROW: stream,
            },
        },
        "responses": {
            "200": {
                "description": "Scores, in the order of the request.",
                "content": {**_json("Answer"), ARROW: stream},
            },
            **refusals,
        },
        "security": [{"token": []}],
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "sqlscore", "version": version("sqlscore")},
        "paths": {"/score": {"post": post}},
        "components": {"schemas": schemas, "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
    }


def page(limits: Limits) -> str:
    """The same for people, as HTML."""
    functions = "".join(
        f"<tr><td><code>{html.escape(public.name)}</code><td>{html.escape(', '.join(own_parameters(public)))}"
        f"<td>{html.escape(public.comment)}"
        for public in PUBLIC
    )
    statuses = "".join(f"<tr><td>{status}<td>{html.escape(text)}" for status, text in _STATUSES.items())
    return _PAGE.format(
        functions=functions,
        statuses=statuses,
        limits=f"{limits.body_bytes // 2**20} MiB, {limits.sequences:,} sequences and {limits.events:,} events a "
        f"request, {limits.seconds:g} seconds",
        arrow=ARROW,
    )


def _json(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{name}"}}}


def _call(public: Any) -> dict[str, Any]:
    required = [name for name, default in public.parameters if default is None]
    return {
        "type": "object",
        "title": public.name,
        "description": public.comment,
        "required": ["function", *required],
        "additionalProperties": False,
        "properties": {
            "function": {"const": public.name},
            "as": {"type": "string"},
            **{name: {} for name in own_parameters(public)},
        },
    }


_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>sqlscore: POST /score</title>
<style>body{{font:16px/1.5 system-ui;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse}}td{{border-bottom:1px solid #ccc;padding:.3rem .6rem;vertical-align:top}}
pre{{background:#f4f4f4;padding:1rem;overflow:auto}}</style>
<h1>POST /score</h1>
<p>Scores sequences of events with the functions of SQL. The description for machines is
<a href="openapi.json">openapi.json</a>.</p>
<pre>Authorization: Bearer TOKEN
Content-Type: application/json

{{"sequences": [{{"id": 7, "as_of": "2024-02-01", "events": [
    {{"event_time": "2024-01-31T12:00:00Z", "event_type": "view"}}]}}],
 "functions": ["churn_risk", {{"function": "predict_path", "n": 3}}]}}</pre>
<p>A sequence alone may be sent without "sequences" around it. Arrow: <code>{arrow}</code>, a row for each sequence with
the columns <code>events</code>, <code>id</code>, <code>as_of</code>; the other fields go into the address.</p>
<p>At most {limits}.</p>
<h2>Functions</h2><table>{functions}</table>
<h2>Statuses</h2><table>{statuses}</table>
</html>
"""
