"""Secrets in settings: how long they must be, so that nobody finds them by trying."""

from typing import Annotated

from pydantic import AfterValidator, SecretStr

from bot.domain.errors import wrong

SECRET_LENGTH = 16  # characters; a signature tells whether a guess is right, so a short one is soon found


def _long_enough(secret: SecretStr) -> SecretStr:
    if len(secret.get_secret_value().strip()) < SECRET_LENGTH:
        raise wrong("secret_short", length=SECRET_LENGTH)
    return secret


Secret = Annotated[SecretStr, AfterValidator(_long_enough)]
