"""What the app costs: requests, CPU seconds, memory. Run everything with `python -m benchmarks`.

Lives here: measuring and printing. Nothing is judged but against a target that is printed beside it, and nothing
fails for being slow: what must hold whatever the machine (the requests) is held by tests as well.
"""
