"""Parameters that are Y or N."""

from didier.vicidial.call import Call


def is_on(call: Call, name: str) -> bool:
    """Say whether the optional parameter *name* is Y."""
    return name in call.parameters.values and flag(call, name) == "Y"


def is_flag(call: Call, name: str) -> bool:
    """Say whether the parameter *name* is Y or N, or was not given."""
    return name not in call.parameters.values or flag(call, name) in {"", "Y", "N"}


def flag(call: Call, name: str) -> str:
    """Return a parameter that is Y or N; lower case is understood."""
    value = call.get(name)
    return value.upper() if value in {"y", "n"} else value
