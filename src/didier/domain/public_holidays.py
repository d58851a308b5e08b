"""Public holidays of countries and their subdivisions, by the library of that name."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache

LANGUAGE = "en_US"
"""In which holidays are named, where the library knows their names in it."""

LATEST = 2100
"""The last year of which holidays are looked up: later ones are nobody's law yet."""

# The library is imported where it is needed: that takes a fifth of a second, and few have such schedules.


@lru_cache(maxsize=256)
def of(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    """Return the holidays of a year with their names; without *subdivision* those of all the country."""
    if year > LATEST:
        return {}
    import holidays

    found = holidays.country_holidays(country, subdivision or None, years=year, language=LANGUAGE)
    return dict(found.items())


@lru_cache(maxsize=1)
def countries() -> Mapping[str, tuple[str, ...]]:
    """Return the codes of the countries that are known, each with those of its subdivisions."""
    import holidays

    known = holidays.list_supported_countries(include_aliases=False)
    return {country: tuple(subdivisions) for country, subdivisions in sorted(known.items())}
