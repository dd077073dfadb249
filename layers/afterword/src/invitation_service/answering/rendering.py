"""Pages out of templates: HTML that needs no script, loads nothing and is kept by nobody."""

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from aws_lambda_powertools.event_handler import Response

from invitation_service.colours import DEFAULT, ink_on, usable
from invitation_service.texts.catalogue import LANGUAGES, Texts, texts_in
from invitation_service.web.answers import Answer

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent / "templates"
_HEADERS = {
    # The address is a secret: it is told to nobody, and what it shows is kept by nobody.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}


def page(
    template: str,
    texts: Texts,
    *,
    status: int = 200,
    colour: str = DEFAULT,
    figures: Mapping[str, int] | None = None,
    query: Mapping[str, str | int] | None = None,
    **values: Any,  # noqa: ANN401 - whatever the template wants.
) -> Answer:
    """Return a page.

    Args:
        template: Its name in `templates`, without `.html`.
        texts: The language that it speaks.
        status: The answer's status.
        colour: The survey's, as `#rrggbb`.
        figures: Numbers that the stylesheet measures by.
        query: What the links to the other languages carry along.
        values: What the template is told; it escapes all of it.
    """
    style = _style(usable(colour), figures or {})
    told = {
        "language": texts.language,
        "languages": [_language(tag, query or {}) for tag in LANGUAGES],
        "rated": "",
        "say": texts.say,
        "style": style,
    }
    body = _environment().get_template(f"{template}.html").render(told | values)
    return Response(
        status_code=status,
        content_type="text/html; charset=utf-8",
        body=body,
        headers={**_HEADERS, "Content-Language": texts.language, **_policy(style)},
    )


def redirect(query: Mapping[str, str | int]) -> Answer:
    """Return an answer that sends the browser to the same page with another query, by GET."""
    # Relative: which address stands before the page, only the browser knows for sure.
    headers = {**_HEADERS, "Location": f"?{urlencode(query)}"}
    return Response(status_code=303, content_type="text/plain", body="", headers=headers)


def _language(tag: str, query: Mapping[str, str | int]) -> dict[str, str]:
    name = texts_in(tag).say("language.name")
    return {"tag": tag, "name": name, "query": urlencode({"lang": tag, **query})}


def _style(colour: str, figures: Mapping[str, int]) -> str:
    variables = {"accent": colour, "on-accent": ink_on(colour), **figures}
    told = ";".join(f"--{name}:{value}" for name, value in variables.items())
    return f":root{{{told}}}\n{_stylesheet()}"


def _policy(style: str) -> dict[str, str]:
    # By its hash this one stylesheet counts, and nothing that somebody might smuggle in.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    rules = (
        "default-src 'none'",
        f"style-src 'sha256-{digest}'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
    return {"Content-Security-Policy": "; ".join(rules)}


@cache
def _stylesheet() -> str:
    return (_FOLDER / "page.css").read_text(encoding="utf-8")


@cache
def _environment() -> "Environment":
    # A tenth of a second and more, which most calls of the API can do without.
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
