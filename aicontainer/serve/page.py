"""The page at ``/``: the model, a form to try it, and how a program asks. One document, which loads nothing else."""

import base64
import hashlib
import html
import json
import shlex
from pathlib import Path
from string import Template

from aicontainer.serve.about import About, Feature
from aicontainer.serve.request import Reply

# more features than a person would fill in, or read
MOST = 100
ADDRESS = "http://localhost:8080"  # the page's script puts the real one in its place
_FOLDER = Path(__file__).parent


def reply(about: About) -> Reply:
    """The page of a model, with headers that forbid it to load or to run anything that is not its own."""
    style, script = (_FOLDER.joinpath(name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "connect-src 'self'",
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    headers = (
        ("Content-Security-Policy", policy),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cache-Control", "no-cache"),  # the next version of the model has another page
    )
    return Reply(200, _document(about, style, script).encode(), "text/html; charset=utf-8", headers)


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _document(about: About, style: str, script: str) -> str:
    shown = about.features[:MOST]
    written = {
        "name": about.name,
        "version": about.version,
        "target": about.target,
        "unit": f" ({about.unit})" if about.unit else "",
        "count": f"{len(about.features)} feature{'s' if len(about.features) > 1 else ''}",
        "caption": "As in the rows that it was trained on" if about.measured else "Usual values, from the scaling",
        "low": "Lowest" if about.measured else "From",
        "high": "Highest" if about.measured else "To",
        **_examples(about),
    }
    left_out = len(about.features) - len(shown)
    ready = {
        "style": style,
        "script": script,
        "facts": "".join(_fact(name, value) for name, value in _facts(about)),
        "form": _form(about.features) if not left_out else "<p>It has too many features for a form.</p>",
        "rows": "\n".join(map(_row, shown)),
        "more": f"<p>And {left_out} more.</p>" if left_out else "",
    }
    template = Template(_FOLDER.joinpath("page.html").read_text(encoding="utf-8"))
    return template.substitute({name: html.escape(text) for name, text in written.items()} | ready)


def _facts(about: About) -> list[tuple[str, str]]:
    facts = [("Version", about.version), ("Link", about.link), ("Features", str(len(about.features)))]
    if about.loss is not None:
        facts.append(("Loss in training", f"{about.loss:#.9g}"))
        facts.append(("Rows in training", str(about.rows)))
    return facts


def _fact(name: str, value: str) -> str:
    return f"<div><dt>{name}</dt><dd>{html.escape(value)}</dd></div>"


def _row(feature: Feature) -> str:
    numbers = "".join(f"<td>{number:.6g}</td>" for number in (feature.low, feature.mean, feature.high))
    return f'<tr><th scope="row">{html.escape(feature.name)}</th>{numbers}</tr>'


def _form(features: tuple[Feature, ...]) -> str:
    fields = "\n".join(_field(number, feature) for number, feature in enumerate(features))
    return (
        f'<form aria-labelledby="try"><div class="fields">{fields}</div>\n'
        '<button>Predict</button>\n<output aria-live="polite"></output>\n'
        '<details><summary>What was sent, and what came back</summary><pre tabindex="0" id="spoken">'
        "Nothing yet: press Predict.</pre></details></form>\n"
        "<noscript><p>The form needs JavaScript; the examples below do not.</p></noscript>"
    )


def _field(number: int, feature: Feature) -> str:
    name = html.escape(feature.name)
    hint = f"{feature.low:.6g} to {feature.high:.6g}"
    return (
        f'<div><label for="f{number}">{name}</label>'
        f'<input id="f{number}" name="{name}" type="number" step="any" value="{feature.mean:.4g}" '
        f'data-low="{feature.low!r}" data-high="{feature.high!r}" data-hint="{hint}" aria-describedby="h{number}">'
        f'<p class="hint" id="h{number}">{hint}</p></div>'
    )


def _examples(about: About) -> dict[str, str]:
    shown = about.features[:MOST]
    row = {feature.name: float(f"{feature.mean:.4g}") for feature in shown}
    named = json.dumps({"rows": [row]}, ensure_ascii=False)
    tensor = {"name": "rows", "shape": [1, len(shown)], "datatype": "FP64", "data": list(row.values())}
    infer = f"{ADDRESS}/v2/models/{about.name}/infer"
    return {
        "curl": f"curl {ADDRESS}/predict -d {shlex.quote(named)}",
        "infer": f"curl {infer} -d {shlex.quote(json.dumps({'inputs': [tensor]}))}",
        "python": "\n".join(
            (
                "import json, urllib.request",
                "",
                f"rows = [{row!r}]",
                'body = json.dumps({"rows": rows}).encode()',
                f'with urllib.request.urlopen("{ADDRESS}/predict", body) as answer:',
                "    print(json.load(answer))",
            )
        ),
    }
