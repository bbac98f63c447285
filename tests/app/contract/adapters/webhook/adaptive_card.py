"""What the published schema of adaptive cards, version 1.5, says of the elements that our cards are made of.

Only a schema lives here. Names, types, required properties and enumerations are those of
`schemas/1.5.0/adaptive-card.json` in the repository microsoft/AdaptiveCards (MIT). The many elements and properties
that no card of ours has are left out, so that a card with one of them does not pass.
"""

from typing import Any, Final

NEEDS: Final = "1.2"
"""The version since when there are all of these: RichTextBlock and TextRun are the latest."""

CARD: Final[dict[str, Any]] = {
    "$schema": "http://json-schema.org/draft-06/schema#",
    "type": "object",
    "required": ["type", "version"],
    "additionalProperties": False,
    "properties": {
        "type": {"enum": ["AdaptiveCard"]},
        "$schema": {"type": "string", "format": "uri"},
        "version": {"type": "string"},
        "fallbackText": {"type": "string"},
        "lang": {"type": "string"},
        "body": {"type": "array", "items": {"$ref": "#/definitions/RichTextBlock"}},
        "actions": {"type": "array", "items": {"$ref": "#/definitions/Action.OpenUrl"}},
    },
    "definitions": {
        "RichTextBlock": {
            "type": "object",
            "required": ["type", "inlines"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["RichTextBlock"]},
                "inlines": {"type": "array", "items": {"$ref": "#/definitions/TextRun"}},
                "separator": {"type": "boolean"},
            },
        },
        "TextRun": {
            "type": "object",
            "required": ["type", "text"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["TextRun"]},
                "text": {"type": "string"},
                "weight": {"enum": ["default", "lighter", "bolder"]},
                "size": {"enum": ["default", "small", "medium", "large", "extraLarge"]},
                "isSubtle": {"type": "boolean"},
            },
        },
        "Action.OpenUrl": {
            "type": "object",
            "required": ["type", "url"],
            "additionalProperties": False,
            "properties": {
                "type": {"enum": ["Action.OpenUrl"]},
                "title": {"type": "string"},
                "url": {"type": "string", "format": "uri-reference"},
            },
        },
    },
}
