"""Tell this machine itself from others: what goes to it needs no encryption."""

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """True for 127.0.0.0/8, ::1 and localhost. Other names are not looked up: what they mean can change."""
    name = host.strip().rstrip(".").lower()
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")
