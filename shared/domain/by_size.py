"""The one way to split what is too much for one message, record or batch."""

from collections.abc import Callable, Iterable, Iterator


def by_size[T](items: Iterable[T], size_of: Callable[[T], int], *, most: int, most_items: int) -> Iterator[list[T]]:
    """Items in as few groups as hold them, in their order: of at most `most` in size, and at most so many.

    One that is larger by itself is a group of its own.
    """
    group: list[T] = []
    room = most
    for item in items:
        size = size_of(item)
        if group and (size > room or len(group) == most_items):
            yield group
            group, room = [], most
        group.append(item)
        room -= size
    if group:
        yield group
