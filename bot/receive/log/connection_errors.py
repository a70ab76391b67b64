"""Explain why a server of the log cannot be connected to: with the remedy, and without secrets."""

import ssl

from nats.errors import AuthorizationError, SecureConnWantedError

_NAME_MISMATCH = frozenset({62, 64})  # OpenSSL's error codes, for a host name and for an IP address
_NOT_VALID_NOW = frozenset({9, 10})  # not valid yet, or no longer


def explain(error: Exception) -> str:
    """One sentence without the error's own text, which may hold an address or a password."""
    match error:
        case ssl.SSLCertVerificationError():
            found = error.verify_message.rstrip(".")
            return f"its certificate is not valid: {found}; {_remedy(error.verify_code)}"
        case ssl.SSLError():
            reason = error.reason or type(error).__name__
            return f"no encryption could be agreed on: {reason}; see what its `tls` block asks for"
        case SecureConnWantedError():
            return "it offers no encryption, so nothing was said to it; give it a `tls` block"
        case OSError():
            return f"it does not answer: {type(error).__name__}"
    if isinstance(error, AuthorizationError) or "authorization violation" in str(error).lower():
        return "it refuses our user and password, or our token; write in `ingest` what its settings say"
    return type(error).__name__


def _remedy(code: int) -> str:
    if code in _NAME_MISMATCH:
        return "write in `ingest` the name that it is made out to"
    if code in _NOT_VALID_NOW:
        return "renew it, or set the clock of this machine"
    return "name a file with the authority that signed it in SSL_CERT_FILE"
