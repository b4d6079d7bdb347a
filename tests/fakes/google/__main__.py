"""Run the fake by itself: its URL is the first line it prints."""

import argparse
import signal
import sys

from tests.fakes.google.server import FakeGoogle


def main() -> None:
    """Serve until SIGINT or SIGTERM, or until standard input closes if so asked."""
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.google", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--allow-anonymous", action="store_true", help="ask for no token")
    parser.add_argument("--token-lifetime", type=int, default=3599, help="seconds")
    parser.add_argument("--keep-requests", type=int, default=10_000, help="how many to record")
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()
    ends = {signal.SIGINT, signal.SIGTERM}
    if not options.until_stdin_closes:
        signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before any thread inherits the mask
    with FakeGoogle(
        port=options.port,
        allow_anonymous=options.allow_anonymous,
        token_lifetime=options.token_lifetime,
        keep_requests=options.keep_requests,
    ) as fake:
        print(fake.url, flush=True)
        if options.until_stdin_closes:
            sys.stdin.read()
        else:
            signal.sigwait(ends)


if __name__ == "__main__":
    main()
