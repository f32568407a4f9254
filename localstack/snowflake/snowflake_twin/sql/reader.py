"""Reads tokens one after another: words, names, strings, lists, properties. Must not know any statement."""

from collections.abc import Callable
from typing import TypeVar

from . import lexer
from .lexer import NAME, NUMBER, SIGN, STRING, WORD, Token
from .names import folded

T = TypeVar("T")


class Reader:
    """A place in a statement."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.tokens = lexer.tokens(source)
        self.at = 0

    def peek(self, ahead: int = 0) -> Token | None:
        """The token that comes, None at the end."""
        place = self.at + ahead
        return self.tokens[place] if place < len(self.tokens) else None

    def fail(self) -> Exception:
        """A syntax error at this place."""
        token = self.peek()
        return lexer.error_at(self.source, token.start if token else len(self.source))

    def sees(self, *words: str) -> bool:
        """Whether these words and signs come next."""
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or token.kind not in (WORD, SIGN) or token.text.upper() != word:
                return False
        return True

    def take(self, *words: str) -> bool:
        """Steps over these words if they come next."""
        if not self.sees(*words):
            return False
        self.at += len(words)
        return True

    def expect(self, *words: str) -> None:
        """Steps over these words, which must come."""
        if not self.take(*words):
            raise self.fail()

    def one_of(self, *words: str) -> str:
        """One word of a choice."""
        for word in words:
            if self.take(*word.split()):
                return word
        raise self.fail()

    def next(self, *kinds: str) -> Token:
        """The next token, which must be of one of these kinds."""
        token = self.peek()
        if token is None or token.kind not in kinds:
            raise self.fail()
        self.at += 1
        return token

    def name(self) -> str:
        """One identifier."""
        token = self.next(WORD, NAME)
        return folded(token.text, token.kind == NAME)

    def path(self, most: int = 3) -> list[str]:
        """A dotted name; IDENTIFIER('…') stands for one."""
        if self.sees("IDENTIFIER", "("):
            self.at += 2
            inner = Reader(self.string())
            self.expect(")")
            names = inner.path(most)
            inner.end()
            return names
        names = [self.name()]
        while len(names) < most and self.take("."):
            names.append(self.name())
        if self.sees("."):
            raise self.fail()
        return names

    def string(self) -> str:
        """A string literal."""
        return self.next(STRING).text

    def number(self) -> int:
        """A whole number."""
        token = self.next(NUMBER)
        if not token.text.isdigit():
            self.at -= 1
            raise self.fail()
        return int(token.text)

    def boolean(self) -> bool:
        """TRUE or FALSE."""
        return self.one_of("TRUE", "FALSE") == "TRUE"

    def items(self, read: Callable[[], T]) -> list[T]:
        """One or more, parted by commas."""
        found = [read()]
        while self.take(","):
            found.append(read())
        return found

    def braced(self, read: Callable[[], T]) -> list[T]:
        """A list in parentheses, which may be empty."""
        self.expect("(")
        if self.take(")"):
            return []
        found = self.items(read)
        self.expect(")")
        return found

    def comment(self) -> str | None:
        """COMMENT = '…', if it comes."""
        if not self.take("COMMENT"):
            return None
        self.expect("=")
        return self.string()

    def skip_braced(self) -> str:
        """The text of a balanced pair of parentheses, without them."""
        opening = self.peek()
        self.expect("(")
        depth = 1
        while depth:
            token = self.next(WORD, NAME, STRING, NUMBER, SIGN)
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == SIGN else 0
        assert opening is not None
        return self.source[opening.end:self.tokens[self.at - 1].start]

    def rest(self) -> str:
        """Everything that is left, as it stands."""
        token = self.peek()
        if token is None:
            raise self.fail()
        self.at = len(self.tokens)
        return self.source[token.start:self.tokens[-1].end]

    def until(self, *words: str) -> str:
        """The text up to a word outside parentheses, or to the end."""
        first, depth = self.peek(), 0
        if first is None:
            raise self.fail()
        end = first.start
        while (token := self.peek()) is not None:
            if depth == 0 and token.kind == WORD and any(self.sees(*w.split()) for w in words):
                break
            depth += {"(": 1, ")": -1}.get(token.text, 0) if token.kind == SIGN else 0
            end = token.end
            self.at += 1
        if end == first.start:
            raise self.fail()
        return self.source[first.start:end]

    def end(self) -> None:
        """Nothing may follow."""
        if self.take(";") and self.peek() is None:
            return
        if self.peek() is not None:
            raise self.fail()
