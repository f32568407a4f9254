"""Clients of a gateway, several at a time, for as long as somebody wants. Must not know what they ask."""

import threading


class Clients:
    """Threads that ask a gateway from entering until it is ended."""

    def __init__(self, work):
        """`work`: what each thread does with its number, until `stop` is set."""
        self.stop, self.lock = threading.Event(), threading.Lock()
        self.threads = [threading.Thread(target=one, args=(n,), daemon=True) for n, one in enumerate(work)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.end()

    def end(self):
        """No more requests."""
        self.stop.set()
        for thread in self.threads:
            thread.join(20)
