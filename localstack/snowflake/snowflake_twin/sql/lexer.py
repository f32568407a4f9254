"""Text to tokens, as Snowflake reads it: words, quoted names, strings, dollar strings, numbers, signs; comments are dropped.

Must not know any statement.
"""

import re
from dataclasses import dataclass

from ..errors import syntax

WORD, NAME, STRING, NUMBER, SIGN = "word", "name", "string", "number", "sign"
SIGNS = ("=>", "->", "::", "||", "<=", ">=", "<>", "!=")
ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b", "f": "\f"}
SPACE = re.compile(r"\s+")
LINE_COMMENT = re.compile(r"(--|//)[^\n]*")
WORDS = re.compile(r"[^\W\d][\w$]*")
NUMBERS = re.compile(r"\d+(\.\d*)?([eE][+-]?\d+)?|\.\d+([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Token:
    """One token; `text` is what it says (a quoted name without its quotes), `start` and `end` are places in the source."""

    kind: str
    text: str
    start: int
    end: int


def _until(source: str, start: int, mark: str) -> int:
    found = source.find(mark, start)
    if found < 0:
        raise error_at(source, start)
    return found


def error_at(source: str, place: int) -> Exception:
    """A syntax error with its line and position."""
    before = source[:place]
    rest = source[place:].split(None, 1)
    return syntax(rest[0] if rest else "<EOF>", before.count("\n") + 1, place - (before.rfind("\n") + 1))


def _quoted(source: str, start: int) -> Token:
    """A name in double quotes; a doubled quote is one."""
    text, at = "", start + 1
    while True:
        end = _until(source, at, '"')
        text += source[at:end]
        if source[end + 1:end + 2] == '"':
            text, at = text + '"', end + 2
            continue
        return Token(NAME, text, start, end + 1)


def _string(source: str, start: int) -> Token:
    """A string in single quotes, with doubled quotes and backslash escapes."""
    text, at = [], start + 1
    while at < len(source):
        sign = source[at]
        if sign == "\\" and at + 1 < len(source):
            text.append(ESCAPES.get(source[at + 1], source[at + 1]))
            at += 2
        elif sign == "'" and source[at + 1:at + 2] == "'":
            text.append("'")
            at += 2
        elif sign == "'":
            return Token(STRING, "".join(text), start, at + 1)
        else:
            text.append(sign)
            at += 1
    raise error_at(source, start)


def tokens(source: str) -> list[Token]:
    """Every token of a text."""
    found: list[Token] = []
    at = 0
    while at < len(source):
        if match := SPACE.match(source, at) or LINE_COMMENT.match(source, at):
            at = match.end()
        elif source.startswith("/*", at):
            at = _until(source, at + 2, "*/") + 2
        else:
            found.append(_token(source, at))
            at = found[-1].end
    return found


def _token(source: str, at: int) -> Token:
    if source.startswith("$$", at):
        end = _until(source, at + 2, "$$")
        return Token(STRING, source[at + 2:end], at, end + 2)
    if source[at] == '"':
        return _quoted(source, at)
    if source[at] == "'":
        return _string(source, at)
    for kind, shape in ((WORD, WORDS), (NUMBER, NUMBERS)):
        if match := shape.match(source, at):
            return Token(kind, match.group(), at, match.end())
    sign = next((s for s in SIGNS if source.startswith(s, at)), source[at])
    return Token(SIGN, sign, at, at + len(sign))


def split(source: str) -> list[str]:
    """Statements of a text, parted by semicolons outside strings and comments. Empty ones are dropped."""
    parts, start, found = [], 0, tokens(source)
    began = False
    for token in found:
        if token.kind == SIGN and token.text == ";":
            if began:
                parts.append(source[start:token.start])
            start, began = token.end, False
        else:
            began = True
    if began:
        parts.append(source[start:])
    return [p.strip() for p in parts]
