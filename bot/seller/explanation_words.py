"""Words of explanations and audit findings, in the seller's language, from seller.yaml."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bot.domain.errors import TemplateError
from bot.domain.shop import LOCALES
from bot.domain.untrusted_text import quote
from bot.seller.words import QUOTED_MAX, SellerWords
from bot.texts.template_engine import Compiled, TemplateEnvironment
from bot.texts.word_files import load_words


class ExplanationWords:
    """Sentences by table and name; `seller` has the names of templates, states and so on."""

    def __init__(self, seller: SellerWords) -> None:
        self.seller = seller
        self._sentences = _sentences(self.seller.locale, self.seller.reader)

    def has(self, table: str, name: str) -> bool:
        return (table, name) in self._sentences

    def say(self, table: str, name: str, values: Mapping[str, Any] | None = None) -> str:
        """The sentence, its times in the seller's zone; the name and values where there is none."""
        shown = {key: self._shown(key, value) for key, value in (values or {}).items()}
        sentence = self._sentences.get((table, name))
        try:
            if sentence:
                return sentence.fill(shown)
        except TemplateError:  # an old record may lack a value; its name and the rest still help
            pass
        bare = ", ".join(f"{key}={value}" for key, value in (values or {}).items() if value is not None)
        return f"{name} ({bare})" if bare else name

    def _shown(self, name: str, value: Any) -> Any:
        if hasattr(value, "astimezone"):
            return value.astimezone(self.seller.zone)
        if not isinstance(value, str):
            return value
        match name:
            case "template":
                return self.seller.template(value)
            case "state":
                return self.seller.state(value)
            case "order_state":
                return self.seller.order_state(value)
            case "category":
                return self.seller.category(value)
        return quote(value, QUOTED_MAX)


@lru_cache(maxsize=4 * len(LOCALES))
def _sentences(locale: str, reader: str) -> dict[tuple[str, str], Compiled]:
    """By table and name. `audit` is one table, `story` is several."""
    words = load_words(locale, "seller.yaml")
    tables: dict[str, dict[str, str]] = {**words.get("story", {}), "audit": words.get("audit", {})}
    environment = TemplateEnvironment(reader)
    return {
        (table, name): Compiled(environment, f"{locale}/seller.yaml {table} {name}", sentence)
        for table, sentences in tables.items()
        for name, sentence in sentences.items()
    }
