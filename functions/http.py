"""What the HTTP triggers share: turning the platform's request into ours, and our answer into the platform's."""

import azure.functions as func

from shared.services.front import Answer
from shared.sources.posted import Posted


def posted(request: func.HttpRequest) -> Posted:
    """The request, as the services see it."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    return Posted(request.get_body(), headers, dict(request.params))


def answered(answer: Answer) -> func.HttpResponse:
    """The answer, as the platform sends it."""
    text, media_type = answer.content
    return func.HttpResponse(
        text.encode("utf-8", "replace"),
        status_code=answer.status,
        headers={"Content-Type": media_type, "Cache-Control": "no-store", **answer.headers},
    )
