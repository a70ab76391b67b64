"""Why there is no figure."""


class CannotMeasure(Exception):
    """What was to be measured did not do its work; the text says what went wrong."""
