"""Values of a template's parameters: some that were declared, some that nobody declared, and which is which. Must not know platforms."""

import re

HOSTILE = ("", "NULL", "abc", "1 OR 1=1", "1e3", "5.0", "x' OR '1'='1", "') --", "%", "٥٥", "9223372036854775807", "-9223372036854775808", "99999999999999999999",
           "0", "-1", "54", "1000", "40-64", "65+", "2026-02-30", "0001-01-01", "9999-12-31", "inf", "nan", "\u0000", "true")


def fitting(rng, parameter):
    """A value that was declared."""
    if "values" in parameter:
        return str(rng.choice(parameter["values"]))
    low, high = parameter.get("min", -20), parameter.get("max", 60)
    return {
        "int64": lambda: str(rng.randint(int(low), int(high))), "float64": lambda: str(round(rng.uniform(low, high), 2)), "boolean": lambda: "true",
        "utf8": lambda: rng.choice(("food", "Gold", "%o%", "18-24", "web")), "date": lambda: "2024-06-01", "timestamp": lambda: "2024-06-01 00:00:00",
    }[parameter["type"]]()


def within(parameter, value):
    """Whether a value is what was declared."""
    try:
        if parameter["type"] == "int64":
            number = int(value) if re.fullmatch(r"\s*[+-]?\d+\s*", value) else None
        else:
            number = float(value) if parameter["type"] == "float64" else value
    except ValueError:
        return False
    if number is None or "values" in parameter and number not in parameter["values"]:
        return False
    return parameter.get("min", number) <= number <= parameter.get("max", number)
