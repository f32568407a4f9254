"""snowflake-twin [--port N] [--s3-endpoint URL] [--public-key FILE]: the twin on a loopback port."""

import argparse
from pathlib import Path

from .protocol.auth import public_key
from .server import Server


def main() -> None:
    """Serves until it is stopped."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8378)
    parser.add_argument("--s3-endpoint", help="where results are unloaded: http://…, or file:///folder/ whose sub-folders are buckets")
    parser.add_argument("--public-key", type=Path, action="append", default=[], help="PEM of the seeded users' public key; twice for two")
    given = parser.parse_args()
    server = Server(given.port, given.s3_endpoint, [public_key(p.read_text(encoding="utf-8")) for p in given.public_key])
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.twin.close()


if __name__ == "__main__":
    main()
