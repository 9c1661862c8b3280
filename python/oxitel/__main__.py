"""`python -m oxitel WORD`."""

from __future__ import annotations

import sys

USAGE = """\
python -m oxitel cost -- python app.py   what telemetry costs this program, with us and with the SDK
"""


def main(words: list[str]) -> int:
    """Hands over to the word; the exit code."""
    if words[:1] == ["cost"]:
        from oxitel._cost import command

        return command.main(words[1:])
    is_asked_for = words[:1] in (["-h"], ["--help"])
    print(USAGE, end="", file=sys.stdout if is_asked_for else sys.stderr)
    return 0 if is_asked_for else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
