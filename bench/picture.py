"""What was found as a picture: for each measure the contenders' processor time as bars, plain SVG."""

from html import escape

from bench.contenders import CHAT, DRAIN, INTAKE
from bench.results import Found

TITLES = {
    INTAKE: "Taken in and kept",
    CHAT: "A whole chat, until the answer is noted as sent",
    DRAIN: "A due reminder sent and noted",
}
LEGEND = (
    "Microseconds of processor for each message, so shorter is better. Dark: the program;"
    " pale: its database or Redis. *: a crash of the machine would lose it."
)
WIDTH, NAMES, ROW, GAP = 820, 230, 22, 46
OURS, THEIRS = ("#0b7285", "#66d9e8"), ("#868e96", "#ced4da")


def drawn(found: Found) -> str:
    parts, top = list[str](), 16
    for measure, title in TITLES.items():
        bars = [
            (name, of[measure]["processor_us"], of["outlives_a_crash"])
            for name, of in found["contenders"].items()
            if measure in of
        ]
        if bars:
            parts.append(_text(16, top + 14, title, "bold"))
            parts += _bars(bars, top + 26)
            top += len(bars) * ROW + GAP
    parts.append(_text(16, top + 6, LEGEND))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top + 24}" font-family="sans-serif"'
        f' font-size="13"><rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n'
    )


def _bars(bars: list[tuple[str, dict[str, float], bool]], top: int) -> list[str]:
    scale = (WIDTH - NAMES - 90) / max(1, *(sum(cost.values()) for _, cost, _ in bars))
    parts = []
    for place, (name, cost, keeps) in enumerate(bars):
        y, x = top + place * ROW, float(NAMES)
        parts.append(_text(NAMES - 8, y + 13, name if keeps else f"{name} *", anchor="end"))
        for value, colour in zip(cost.values(), OURS if name.startswith("xiaoer") else THEIRS, strict=False):
            length = round(value * scale, 1)
            parts.append(f'<rect x="{x:g}" y="{y}" width="{length:g}" height="{ROW - 6}" fill="{colour}"/>')
            x += length
        parts.append(_text(round(x) + 6, y + 13, f"{sum(cost.values()):,.0f}"))
    return parts


def _text(x: int, y: int, words: str, weight: str = "normal", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" font-weight="{weight}" text-anchor="{anchor}">{escape(words)}</text>'
