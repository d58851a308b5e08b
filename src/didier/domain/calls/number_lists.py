"""Lists of callers' numbers: which of them a DID names, and what stands in them for numbers."""

BLANK = "BLANK"
"""What stands in lists for calls without a number."""

AREA_CODE = "XXXXXXX"
"""What stands for the rest of a number behind its area code."""


def groups(listed: str) -> tuple[str, ...]:
    """Return the groups in a list with commas; a blank behind a comma belongs to the name."""
    return tuple(name.rstrip(" ") for name in listed.split(","))


def area_code(number: str) -> str:
    """Return what stands for all numbers that begin as *number* does."""
    return f"{number[:3]}{AREA_CODE}"
