"""How things are put in words: kinds, counts, shares."""

_STANDARD_NAMES = {"ip": "IP address"}


def kind_name(kind: str) -> str:
    """A kind's name as people write it inside a sentence: ``user_agent`` becomes ``user agent``."""
    return _STANDARD_NAMES.get(kind, kind.replace("_", " "))


def in_words(name: str) -> str:
    """A name from the tables in words: ``without prompt_template`` becomes ``without prompt template``."""
    return " ".join(kind_name(word) for word in name.split(" "))


def plural(number: int, noun: str) -> str:
    """A number and its noun: ``1 account``, ``1,200 accounts``, ``2 entities``, ``3 IP addresses``."""
    if number == 1:
        return f"1 {noun}"
    stem, ending = (noun[:-1], "ies") if noun.endswith("ty") else (noun, "es" if noun.endswith("s") else "s")
    return f"{number:,} {stem}{ending}"


def percent(share: float) -> str:
    """A share of 1 in percent: whole from 10 %, else one decimal."""
    if 0 < share < 0.001:
        return "<0.1%"
    return f"{share:.0%}" if share >= 0.0995 or share == 0 else f"{share:.1%}"
