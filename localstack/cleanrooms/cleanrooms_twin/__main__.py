"""Starts the stand-alone server: `python -m cleanrooms_twin --port N`. Must not know anything but its arguments."""

import argparse
import os

from .server import Server


def main():
    """Serves until it is ended."""
    parser = argparse.ArgumentParser(prog="cleanrooms-twin", description="A twin of AWS Clean Rooms on a loopback port.")
    parser.add_argument("--port", type=int, default=0, help="0 picks a free one")
    parser.add_argument("--s3-endpoint", default=os.environ.get("CLEANROOMS_S3_ENDPOINT"),
                        help="where buckets are: http://127.0.0.1:4566, or file:///folder/ whose sub-folders are buckets")
    arguments = parser.parse_args()
    server = Server(arguments.port, arguments.s3_endpoint)
    print(f"cleanrooms-twin listens at http://127.0.0.1:{server.server_port}", flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass


if __name__ == "__main__":
    main()
