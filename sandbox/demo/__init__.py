"""The demo: a finance department's story, played on a running sandbox and checked step by step.

Lives here: the story (`story`), the people who play it through the official clients (`office`), and how it is told
(`telling`). It knows nothing of the app but its queues, its log and what Azure shows afterwards.
"""

from sandbox.demo.telling import main

__all__ = ["main"]
