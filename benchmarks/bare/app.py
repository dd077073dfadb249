"""The least that a function can be: what interpreter and runtime cost by themselves."""


def handler(event: object, context: object) -> object:
    """Answer with what came in."""
    del context
    return event
