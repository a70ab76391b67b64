"""What was found as a picture: for each measure the contenders' rates as bars, plain SVG."""

from html import escape

from bench.contenders import CHAT, DRAIN, INTAKE
from bench.report import Found

TITLES = {
    INTAKE: "Taken in and kept, deliveries a second",
    CHAT: "Whole journeys of a chat, answers a second",
    DRAIN: "Due reminders sent and noted, messages a second",
}
WIDTH, NAMES, ROW, GAP = 820, 230, 22, 46
COLOURS = {"ours": "#0b7285", "keeps": "#868e96", "forgets": "#ced4da"}


def drawn(found: Found) -> str:
    parts, top = list[str](), 16
    for measure, title in TITLES.items():
        bars = [
            (name, of[measure]["per_second"], _colour(name, of))
            for name, of in found["contenders"].items()
            if measure in of
        ]
        if bars:
            parts.append(_text(16, top + 14, title, "bold"))
            parts += _bars(bars, top + 26)
            top += len(bars) * ROW + GAP
    legend = "dark: Xiaoer; grey: keeps what it acknowledged; pale: a crash of the machine would lose it"
    parts.append(_text(16, top + 6, legend))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 24}" font-family="sans-serif"'
        f' font-size="13"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _colour(name: str, of: Found) -> str:
    if name.startswith("xiaoer"):
        return COLOURS["ours"]
    return COLOURS["keeps" if of["outlives_a_crash"] else "forgets"]


def _bars(bars: list[tuple[str, int, str]], top: int) -> list[str]:
    most = max(rate for _, rate, _ in bars)
    room = WIDTH - NAMES - 90
    parts = []
    for place, (name, rate, colour) in enumerate(bars):
        y = top + place * ROW
        length = max(1, round(room * rate / most))
        parts.append(_text(NAMES - 8, y + 13, name, anchor="end"))
        parts.append(f'<rect x="{NAMES}" y="{y}" width="{length}" height="{ROW - 6}" fill="{colour}"/>')
        parts.append(_text(NAMES + length + 6, y + 13, f"{rate:,}"))
    return parts


def _text(x: int, y: int, words: str, weight: str = "normal", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" text-anchor="{anchor}">{escape(words)}</text>'
