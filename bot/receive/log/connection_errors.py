"""Why a server of the log cannot be spoken to, in words that name the mend and hold no secret."""

import ssl

from nats.errors import AuthorizationError, SecureConnWantedError

_OF_ANOTHER_NAME = frozenset({62, 64})  # OpenSSL's numbers, for a host's name and for an IP address
_OF_ANOTHER_TIME = frozenset({9, 10})  # not valid yet, or no longer


def why(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            found = error.verify_message.rstrip(".")
            return f"its certificate is not valid: {found}; {_mend(error.verify_code)}"
        case ssl.SSLError():
            told = error.reason or type(error).__name__
            return f"no encryption could be agreed on: {told}; see what its `tls` block asks for"
        case SecureConnWantedError():
            return "it offers no encryption, so nothing was said to it; give it a `tls` block"
        case OSError():
            return f"it does not answer: {type(error).__name__}"
    if isinstance(error, AuthorizationError) or "authorization violation" in str(error).lower():
        return "it refuses our user and password, or our token; write in `ingest` what its settings say"
    return type(error).__name__  # the text of others may hold an address


def _mend(code: int) -> str:
    if code in _OF_ANOTHER_NAME:
        return "write in `ingest` the name that it is made out to"
    if code in _OF_ANOTHER_TIME:
        return "renew it, or set the clock of this machine"
    return "name a file with the authority that signed it in SSL_CERT_FILE"
