"""Countries of one clock: whose phone is of one, or who reads what only it writes, lives by its zone."""

_ZONES = {  # by the code that begins a phone number
    "+31": "Europe/Amsterdam",
    "+32": "Europe/Brussels",
    "+33": "Europe/Paris",
    "+353": "Europe/Dublin",
    "+39": "Europe/Rome",
    "+41": "Europe/Zurich",
    "+43": "Europe/Vienna",
    "+44": "Europe/London",
    "+49": "Europe/Berlin",
    "+65": "Asia/Singapore",
    "+81": "Asia/Tokyo",
    "+82": "Asia/Seoul",
    "+852": "Asia/Hong_Kong",
    "+853": "Asia/Macau",
    "+86": "Asia/Shanghai",
    "+886": "Asia/Taipei",
}
_WRITTEN_IN = {"Asia/Shanghai": ("zh-CN", "zh-Hans"), "Asia/Taipei": ("zh-TW", "zh-Hant")}


def is_of_zone(zone: str, phone: str | None, locale: str) -> bool:
    """Whether a buyer lives by this zone, by their phone (E.164), or without one by what they read."""
    if phone is not None:
        return any(phone.startswith(code) for code, of_code in _ZONES.items() if of_code == zone)
    return locale.startswith(_WRITTEN_IN.get(zone, ("-",)))
