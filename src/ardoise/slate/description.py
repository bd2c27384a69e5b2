"""The HTTP routes described in OpenAPI 3.1, for tools; people read the docs.

The page itself talks over the WebSocket ``/ws``, which OpenAPI cannot describe.
"""

from typing import Any

Json = dict[str, Any]

_SENTENCE: Json = {
    "type": "object",
    "properties": {"sentence": {"type": "string", "minLength": 1}},
    "required": ["sentence"],
    "additionalProperties": False,
}
_TOKEN: Json = {
    "name": "token",
    "in": "query",
    "required": True,
    "description": "The token of this start, as in the printed address.",
    "schema": {"type": "string"},
}


def _refusal(about: str) -> Json:
    """Return an answer that says one sentence, as text to who asks for HTML."""
    return {
        "description": about,
        "content": {
            "application/json": {"schema": _SENTENCE},
            "text/plain": {"schema": {"type": "string", "minLength": 1}},
        },
    }


def _file(about: str, *media_types: str) -> Json:
    return {"description": about, "content": {kind: {} for kind in media_types}}


def _name(*known: str) -> Json:
    schema: Json = {"type": "string", "minLength": 1}
    if known:
        schema["enum"] = list(known)
    return {"name": "name", "in": "path", "required": True, "schema": schema}


_FORBIDDEN = _refusal("The Host or the Origin is another, or the token is missing.")
_MISSING = _refusal("There is no such file.")
_METHOD = _refusal("There is no such method here.")
_OF_GET = {"403": _FORBIDDEN, "404": _MISSING, "405": _METHOD}

DESCRIPTION: Json = {
    "openapi": "3.1.0",
    "info": {
        "title": "ardoise slate",
        "version": "1",
        "description": "A local page where a network learns and reads what is drawn.",
    },
    "paths": {
        "/": {
            "get": {
                "operationId": "page",
                "summary": "The page.",
                "parameters": [_TOKEN],
                "responses": {"200": _file("The page.", "text/html"), **_OF_GET},
            }
        },
        "/page/{name}": {
            "get": {
                "operationId": "page_file",
                "summary": "A script, style or image of the page, from a fixed table.",
                "parameters": [_name()],
                "responses": {
                    "200": _file(
                        "The file.",
                        *("text/javascript", "text/css", "text/html"),
                        *("image/png", "image/svg+xml"),
                    ),
                    **_OF_GET,
                },
            }
        },
        "/words/{name}": {
            "get": {
                "operationId": "word_file",
                "summary": "The page's sentences in one language.",
                "parameters": [_name("en.json", "fr.json")],
                "responses": {
                    "200": {
                        "description": "Key → sentence with {placeholders}.",
                        "content": {
                            "application/json": {
                                "schema": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                }
                            }
                        },
                    },
                    **_OF_GET,
                },
            }
        },
        "/openapi.json": {
            "get": {
                "operationId": "description",
                "summary": "This description.",
                "responses": {
                    "200": _file("OpenAPI 3.1.", "application/json"),
                    **_OF_GET,
                },
            }
        },
        "/photo": {
            "post": {
                "operationId": "photo",
                "summary": "Read the digits on a photo, as ardoise read --json does.",
                "parameters": [
                    _TOKEN,
                    {
                        "name": "Origin",
                        "in": "header",
                        "required": True,
                        "description": "http:// and the Host: browsers send it.",
                        "schema": {"type": "string"},
                    },
                ],
                "requestBody": {
                    "required": True,
                    "description": (
                        "uint16 w | uint16 h | w · h grey levels of one byte, in rows; "
                        "little-endian, each side from 1 to 1600."
                    ),
                    "content": {
                        "application/octet-stream": {
                            "schema": {"type": "string", "format": "binary"}
                        }
                    },
                },
                "responses": {
                    "200": {
                        "description": "What was read.",
                        "content": {"application/json": {"schema": {"type": "object"}}},
                    },
                    "403": _FORBIDDEN,
                    "405": _METHOD,
                    "408": _refusal("The body was not there in time."),
                    "413": _refusal("The body is too large."),
                    "422": _refusal("It is no photo, or cannot be read."),
                },
            }
        },
    },
}
