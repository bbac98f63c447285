"""`python -m sandbox <verb>`: the sandbox's command line. Each verb is a module with a `main(arguments)`."""

import importlib
import sys

_VERBS = {
    "up": "Azure on this machine with the app in it, until Ctrl-C",
    "world": "the standard world as JSON, to begin one of your own with",
    "demo": "a finance department's story, played and checked",
}


def main(arguments: list[str]) -> int:
    """Runs the verb that is named first and returns its exit status; 2 when there is no such verb."""
    if not arguments or arguments[0] not in _VERBS:
        asked_for_help = arguments[:1] in (["-h"], ["--help"])
        lines = [
            "usage: python -m sandbox VERB [options]",
            *(f"  {verb:6}{said}" for verb, said in _VERBS.items()),
        ]
        print("\n".join(lines), file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    status: int = importlib.import_module(f"sandbox.{arguments[0]}").main(arguments[1:])
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
