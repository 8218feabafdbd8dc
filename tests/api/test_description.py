"""The API as described and as it is: the same routes, a page that follows, and no 5xx."""

from pathlib import Path

import schemathesis
from at_the_api import Api
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from gateway.api.app import make_app
from gateway.api.face import make_face
from gateway.api.openapi import document
from gateway.api.page import page
from gateway.api.rates import Rates
from gateway.bootstrap import open_face
from gateway.serving.ranges import RangeUnsatisfiable, wanted_span
from gateway.settings import Home


def app_of(api: Api) -> Flask:
    """The app over an API's home, in this process."""
    with open_face(Home(api.home.root)) as parts:
        return make_app(make_face(parts))


def test_the_description_has_every_route_and_no_other(shared_api: Api) -> None:
    served = {
        (method, rule.rule.replace("<package:", "{").replace("<drop:", "{").replace(">", "}"))
        for rule in app_of(shared_api).url_map.iter_rules()
        for method in rule.methods or ()
        if method != "HEAD"
    }
    described = {
        (method.upper(), path) for path, told in document()["paths"].items() for method in told
    }
    assert served == described
    assert shared_api.get("/openapi.json").json == document()


def test_the_page_is_made_from_the_description(checkout: Path) -> None:
    written = (checkout / "docs" / "api.md").read_text(encoding="utf-8")
    assert written == page(), "python -m gateway.api.page > docs/api.md"


def test_a_fault_of_ours_tells_nothing(shared_api: Api) -> None:
    app = app_of(shared_api)

    def fail() -> str:
        raise RuntimeError("a secret")

    app.add_url_rule("/fail", "fail", fail)
    told = app.test_client().get("/fail")
    assert (told.status_code, told.json and told.json["code"]) == (500, "internal")
    assert "secret" not in told.text


def test_schemathesis_finds_no_5xx(shared_api: Api) -> None:
    schema = schemathesis.openapi.from_dict(document())
    schema.config.update(base_url=shared_api.url("").removesuffix("/api/v1"))
    tokens = [shared_api.fresh("dfe"), shared_api.fresh("ofsted"), "nonsense"]
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=8,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy(), token=st.sampled_from(tokens))
        def ask(case: schemathesis.Case, token: str) -> None:
            told = case.call(headers={"Authorization": f"Bearer {token}"})
            assert told.status_code < 500, (case.method, case.path, told.text)
            documented = case.operation.definition.raw["responses"]
            assert str(told.status_code) in documented or told.status_code in (400, 404, 405)

        ask()


@given(st.one_of(st.none(), st.text(max_size=40), st.from_regex(r"bytes=\d*-\d*")), st.integers(0))
def test_a_range_lies_within_the_file(header: str | None, size: int) -> None:
    try:
        span = wanted_span(header, size)
    except RangeUnsatisfiable:
        return
    assert span is None or 0 <= span.start < span.stop <= size


def test_a_bucket_refills_evenly() -> None:
    now = [0.0]
    rates = Rates(60, lambda: now[0])
    assert [rates.take("a") for _ in range(61)] == [0] * 60 + [1]
    assert rates.take("b") == 0
    now[0] = 2.0
    assert [rates.take("a") for _ in range(3)] == [0, 0, 1]
