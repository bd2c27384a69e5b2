"""The HTTP routes are what their description says, whatever is sent to them."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)
from served import TOKEN, guarded, make_hub

from ardoise.slate.app import make_app, no_photo
from ardoise.slate.description import DESCRIPTION
from ardoise.slate.guard import HEADERS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
# Where schemathesis asks, without a network.
HOST = "testserver"

schema = schemathesis.openapi.from_asgi("/openapi.json", guarded(hosts=(HOST,)))
quick = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@schema.parametrize()
@quick
def test_whatever_is_sent(case):
    """Tokens and origins that are made up: mostly refusals, and always one sentence."""
    check(case.call(), case, CHECKS)


@schema.parametrize()
@quick
def test_whatever_a_page_sends(case):
    """With the token and the Origin of the page: what stands behind the guard."""
    case.headers = {**(case.headers or {}), "Origin": f"http://{HOST}"}
    case.query = {**(case.query or {}), "token": TOKEN}
    response = case.call()
    check(response, case, [*CHECKS, unsupported_method])
    assert response.status_code != 403


def check(response, case, checks):
    case.validate_response(response, checks=checks)
    for name, value in HEADERS.items():
        assert response.headers[name.lower()] == [value]


def test_every_route_is_described():
    app = make_app(make_hub(), no_photo)
    described = {
        (path, method.upper())
        for path, methods in DESCRIPTION["paths"].items()
        for method in methods
    }
    routes = {
        (route.path, method)
        for route in app.routes
        for method in getattr(route, "methods", None) or ()
    }
    assert {(path, method) for path, method in routes if method != "HEAD"} == described
    assert {route.path for route in app.routes} - {p for p, _ in described} == {"/ws"}


@pytest.mark.parametrize("path", DESCRIPTION["paths"])
def test_every_refusal_is_described(path):
    [operation] = DESCRIPTION["paths"][path].values()
    assert {"200", "403", "405"} <= operation["responses"].keys()
