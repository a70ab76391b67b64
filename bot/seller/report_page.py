"""The report of a case as one HTML file, to read, to print and to keep: it loads nothing from anywhere."""

from html import escape

from bot.domain.untrusted_text import quote
from bot.seller.report import LINE_MAX, Report, Word
from bot.seller.words import SellerWords

LINES = 60  # of one word or message

_STYLE = """
:root{color-scheme:light dark;--ground:#fff;--ink:#1c2128;--soft:#59636e;--edge:#d1d9e0;
  --buyer:#eef4fb;--bot:#eefaf0;--person:#fbf1fa}
@media (prefers-color-scheme:dark){:root{--ground:#12161c;--ink:#e6edf3;--soft:#9ba7b4;--edge:#363e48;
  --buyer:#16273b;--bot:#14291b;--person:#301f30}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:46rem;padding:1.5rem 1rem 3rem;background:var(--ground);color:var(--ink);
  font:1rem/1.55 system-ui,"Noto Sans CJK SC","Noto Sans CJK TC",sans-serif;overflow-wrap:anywhere}
h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
h2{font-size:1.05rem;margin:1.75rem 0 .5rem}
p{margin:0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.3rem 1.25rem;margin:0}
dt,time{color:var(--soft)}
dd{margin:0}
ul,ol{list-style:none;margin:0;padding:0}
ul li{padding:.15rem 0}
ol li{margin:0 0 .6rem;padding:.5rem .8rem;border:1px solid var(--edge);border-radius:.5rem}
ol header{display:flex;flex-wrap:wrap;justify-content:space-between;gap:0 1rem;font-size:.9rem}
.buyer{background:var(--buyer);margin-right:12%}
.bot{background:var(--bot);margin-left:12%}
.person{background:var(--person);margin-left:12%}
@media (max-width:30rem){dl{grid-template-columns:1fr;gap:0}dd{margin:0 0 .5rem}
  .buyer{margin-right:4%}.bot,.person{margin-left:4%}}
@media print{:root{--ground:#fff;--ink:#000;--soft:#444;--edge:#999;--buyer:#fff;--bot:#fff;--person:#fff}
  body{max-width:none;padding:0;font-size:10.5pt}ol li{break-inside:avoid}h2{break-after:avoid}}
@page{margin:18mm}
"""

_PAGE = """<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<dl>
{facts}
</dl>
{parts}
</main>
</body>
</html>
"""


def as_page(report: Report, words: SellerWords) -> str:
    """The whole file, in the seller's language. Whatever people wrote is text in it, and nothing else."""
    facts = (f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in report.facts)
    parts = (
        ("asked", f"<p>{_text(report.asked)}</p>"),
        ("orders", _list("ul", [f"<li>{_text(line)}</li>" for line in report.orders])),
        ("talk", _list("ol", [_word(word, words) for word in report.talk])),
    )
    shown = (f"<h2>{_text(words.summary(name, {}))}</h2>\n{part}" for name, part in parts if part)
    return _PAGE.format(
        lang=escape(words.reader),
        title=_text(report.title),
        style=_STYLE,
        facts="\n".join(facts),
        parts="\n".join(shown),
    )


def _list(kind: str, items: list[str]) -> str:
    listed = "\n".join(items)
    return f"<{kind}>\n{listed}\n</{kind}>" if items else ""


def _word(word: Word, words: SellerWords) -> str:
    lines = [cleaned for line in word.text.splitlines()[:LINES] if (cleaned := _text(line))]
    if word.picture:
        lines.insert(0, _text(words.summary("picture", {})))
    said = "<br>\n".join(lines or [_text(words.summary("no_words", {}))])
    head = f"<b>{_text(words.summary(word.who, {}))}</b><time>{_text(words.moment(word.at))}</time>"
    return f'<li class="{escape(word.who)}"><header>{head}</header><p dir="auto">{said}</p></li>'


def _text(text: str) -> str:
    """One line that is text and nothing else, without what is not seen or turns the line around."""
    return escape(quote(text, LINE_MAX) or "")
