"""A property that is worked out when it is first asked for, and then kept.

In: a method. Out: its value, the same from then on. Nothing is locked: two threads that ask at once work it out twice,
to the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Self, TypeVar, overload

V = TypeVar("V")


class once(Generic[V]):  # noqa: N801  # a decorator is written like this, as `property` is
    """A property that is kept, as `functools.cached_property`, but without its lock.

    Until Python 3.12 all objects of a class share that lock: whoever answers a small request would wait for the thread
    that works on a large one.

    Examples
    --------
    >>> class Circle:
    ...     @once
    ...     def area(self) -> float:
    ...         print("worked out")
    ...         return 3.14
    >>> circle = Circle()
    >>> circle.area + circle.area
    worked out
    6.28
    """

    def __init__(self, make: Callable[[Any], V]) -> None:
        self._make, self.__doc__ = make, make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...

    @overload
    def __get__(self, instance: object, owner: type) -> V: ...

    def __get__(self, instance: object | None, owner: type) -> Self | V:
        if instance is None:
            return self
        value: V = self._make(instance)
        instance.__dict__[self._name] = value
        return value
