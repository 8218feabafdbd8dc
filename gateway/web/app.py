"""The Flask app: every part's blueprint, what each answer carries, and what templates know."""

import secrets
import time
from collections.abc import Iterable
from datetime import datetime

import structlog
from flask import Blueprint, Flask, Response, g, request
from flask_wtf.csrf import CSRFProtect
from jinja2 import ChoiceLoader, PackageLoader, PrefixLoader
from markupsafe import Markup

from gateway.agreement.windows import LONDON
from gateway.serving.headway import HEADWAY, WORK_SECONDS, connection_of
from gateway.web import (
    agreement,
    approving,
    collecting,
    home,
    ledger,
    machine,
    people,
    registers,
    sending,
    signin,
    watching,
)
from gateway.web.assets import Assets
from gateway.web.errors import tell_errors
from gateway.web.navigation import shown
from gateway.web.security import secure
from gateway.web.site import Site, keep
from gateway.web.visitor import PAGES, maybe_visitor

PARTS: tuple[Blueprint, ...] = (
    home.PART,
    machine.PART,
    signin.PART,
    sending.PART,
    collecting.PART,
    watching.PART,
    approving.PART,
    agreement.PART,
    registers.PART,
    ledger.PART,
    people.PART,
)
_COMMAND = Markup('<code class="gateway-code">%s</code>')
_LOG = structlog.get_logger("web")


def make_site(site: Site, parts: Iterable[Blueprint] = PARTS) -> Flask:
    """The app over those parts. Raises ValueError for a view that does not say who may see it."""
    app = Flask("gateway.web", static_folder=None)
    app.secret_key = site.secret
    app.url_map.merge_slashes = False
    app.before_request(lambda: _begin(site))  # first: every refusal has a reference
    app.after_request(_end)
    secure(app, site.parts.settings.web)
    assets = Assets()
    app.extensions["assets"] = assets
    _know_templates(app, site, assets)
    with app.app_context():
        keep(site)
    refuse_forgery(app)
    signin.install(app, site)
    for part in parts:
        app.register_blueprint(part)
    tell_errors(app)
    require_roles(app)
    return app


def refuse_forgery(app: Flask) -> None:
    """Every write carries the token of a form of ours, or is refused before a view sees it."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    forgery = CSRFProtect(app)

    @app.before_request
    def check() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if view is not None and not getattr(view, PAGES).streams:
            forgery.protect()  # one that takes a file looks by itself, before the file: `uploads`


def require_roles(app: Flask) -> None:
    """Raises ValueError naming each view that was not added by `page`."""
    unsaid = sorted(
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not hasattr(app.view_functions[rule.endpoint], PAGES)
    )
    if unsaid:
        raise ValueError(f"views that do not say who may see them: {', '.join(unsaid)}")


def _know_templates(app: Flask, site: Site, assets: Assets) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    macros = PackageLoader("govuk_frontend_jinja")
    app.jinja_loader = ChoiceLoader(
        [PackageLoader("gateway.web"), PrefixLoader({"govuk_frontend_jinja": macros})]
    )
    app.jinja_env.filters["london"] = _london
    app.jinja_env.filters["commands"] = _commands
    app.jinja_env.globals.update(
        asset=assets.address,
        rehearsal=site.parts.home.is_rehearsal,
    )

    @app.context_processor
    def known() -> dict[str, object]:
        who = maybe_visitor()
        return {
            "visitor": who,
            "cspNonce": g.get("nonce", ""),
            "navigation": shown(who),
            "now": site.now().astimezone(LONDON),
        }


def _london(at: datetime) -> str:
    """A point in time as people here read it."""
    return f"{at.astimezone(LONDON):%-d %B %Y, %H:%M}"


def _commands(words: str) -> Markup:
    """Words that name commands between backticks, as they do on a terminal."""
    pieces = enumerate(words.split("`"))
    return Markup("").join(_COMMAND % piece if place % 2 else piece for place, piece in pieces)


def _begin(site: Site) -> None:
    g.started = time.monotonic()
    g.visitors = site.visitors
    g.reference = secrets.token_hex(5)
    HEADWAY.give(connection_of(request.environ), WORK_SECONDS)


def _end(answer: Response) -> Response:
    who = maybe_visitor()
    _LOG.info(
        "request",
        reference=g.get("reference"),
        method=request.method,
        route=request.endpoint,
        status=answer.status_code,
        code=g.get("code"),
        person=who.id if who else None,
        milliseconds=round((time.monotonic() - g.get("started", time.monotonic())) * 1000),
    )
    return answer
