"""Models for the tests: a small one of a few sentences, and the one that comes with the program."""

import pytest

from bot.understanding.examples import Example
from bot.understanding.model import Model
from bot.understanding.training import train
from tests.understanding.sentences import SMALL


@pytest.fixture(scope="session")
def small() -> Model:
    return train([Example(text, intent) for intent, texts in SMALL.items() for text in texts])
