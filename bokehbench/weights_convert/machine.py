"""The stack machine of pickle, whose results are data: no import, no look-up, no call of what a file names.

The opcodes are those of protocols 2 to 5 that pickle writes for plain values and objects; the older ways to
make objects, extension codes and buffers outside of the stream are refused (Python's pickletools documents
them).
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any, BinaryIO

from bokehbench.errors import InputError
from bokehbench.weights_convert import allowed
from bokehbench.weights_convert.values import Name, StandIn

Persistent = Callable[[Any], Any]
"""What a persistent id, a value of the pickle, stands for."""
CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_TUPLE": tuple,
    "EMPTY_LIST": list,
    "EMPTY_DICT": dict,
    "EMPTY_SET": set,
}
GIVEN = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"),
    *("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BINSTRING", "SHORT_BINSTRING"),
}
"""Opcodes whose value stands in the stream."""


def read(stream: BinaryIO, persistent: Persistent) -> Any:
    """The value of the next pickle of a stream; the stream is left behind it.

    Raises:
        InputError: what is no pickle, is cut short, or says something that no checkpoint needs.
    """
    machine = _Machine(persistent)
    at = 0
    try:
        for opcode, argument, position in pickletools.genops(stream):
            at = position or 0
            if opcode.name == "STOP":
                return machine.stack.pop()
            machine.step(opcode.name, argument)
    except InputError as error:
        raise InputError(f"the pickle {error} (byte {at})") from error
    except (IndexError, KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise InputError(f"the pickle is damaged or cut short (byte {at})") from error
    raise InputError("the pickle has no end")


class _Machine:
    """Stack, marks and memo of one pickle."""

    def __init__(self, persistent: Persistent) -> None:
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}
        self.persistent = persistent

    def step(self, name: str, argument: Any) -> None:
        """Do what one opcode says."""
        if name in CONSTANTS:
            self.stack.append(CONSTANTS[name]())
        elif name in GIVEN:
            self.stack.append(argument)
        elif name in ("BINPUT", "LONG_BINPUT"):
            self.memo[argument] = self.stack[-1]
        elif name in ("BINGET", "LONG_BINGET"):
            self.stack.append(self.memo[argument])
        elif name in STEPS:
            STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise InputError(f"uses the opcode {name}, which torch.save does not write")

    def since_mark(self) -> list[Any]:
        """What lies above the last mark, taken off together with it."""
        items, self.stack = self.stack, self.below.pop()
        return items

    def mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def pop(self, _: Any) -> None:
        self.stack.pop()

    def pop_mark(self, _: Any) -> None:
        self.since_mark()

    def tuple_of(self, count: int) -> None:
        items = self.stack[len(self.stack) - count :]
        if len(items) < count:
            raise IndexError
        del self.stack[len(self.stack) - count :]
        self.stack.append(tuple(items))

    def tuple_since_mark(self, _: Any) -> None:
        items = self.since_mark()  # changes which list the stack is
        self.stack.append(tuple(items))

    def append(self, _: Any) -> None:
        value = self.stack.pop()
        self._extend([value])

    def appends(self, _: Any) -> None:
        self._extend(self.since_mark())

    def _extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if type(target) is not list:
            raise InputError("appends to what is no list")
        target.extend(values)

    def add_items(self, _: Any) -> None:
        values = self.since_mark()
        target = self.stack[-1]
        if type(target) is not set:
            raise InputError("adds to what is no set")
        target.update(allowed.hashable(value) for value in values)

    def frozen_set(self, _: Any) -> None:
        items = {allowed.hashable(value) for value in self.since_mark()}
        self.stack.append(items)

    def set_item(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def set_items(self, _: Any) -> None:
        self._set(self.since_mark())

    def _set(self, pairs: list[Any]) -> None:
        target = self.stack[-1]
        items = target.items if isinstance(target, StandIn) else target
        if type(items) is not dict:
            raise InputError("sets items of what is no dictionary")
        for key, value in zip(pairs[::2], pairs[1::2], strict=True):
            items[allowed.hashable(key)] = value

    def name(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self.stack.append(allowed.named(module, name))

    def name_on_stack(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(allowed.named(module, name))

    def call(self, _: Any) -> None:
        arguments, function = self.stack.pop(), self.stack.pop()
        self.stack.append(allowed.called(function, arguments))

    def new(self, _: Any) -> None:
        arguments, of = self.stack.pop(), self.stack.pop()
        self.stack.append(_made(of, arguments))

    def new_with_names(self, _: Any) -> None:
        _named, arguments, of = self.stack.pop(), self.stack.pop(), self.stack.pop()
        self.stack.append(_made(of, arguments))

    def build(self, _: Any) -> None:
        state = self.stack.pop()
        target = self.stack[-1]
        if isinstance(target, StandIn):
            target.state = state
        elif type(target) is not dict or type(state) is not dict:
            raise InputError("gives attributes to what has none")
        # Attributes of a dictionary (`_metadata` of a state dict) say nothing about its tensors.

    def persistent_id(self, _: Any) -> None:
        self.stack.append(self.persistent(self.stack.pop()))


def _made(of: Any, arguments: Any) -> Any:
    """An object without its constructor: a stand-in, or an empty dictionary or set."""
    if not isinstance(of, Name) or not isinstance(arguments, tuple):
        raise InputError("makes an object of what is no class")
    return allowed.called(of, arguments)


STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "MEMOIZE": _Machine.memoize,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "TUPLE": _Machine.tuple_since_mark,
    "TUPLE1": lambda machine, _: machine.tuple_of(1),
    "TUPLE2": lambda machine, _: machine.tuple_of(2),
    "TUPLE3": lambda machine, _: machine.tuple_of(3),
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "ADDITEMS": _Machine.add_items,
    "FROZENSET": _Machine.frozen_set,
    "SETITEM": _Machine.set_item,
    "SETITEMS": _Machine.set_items,
    "GLOBAL": _Machine.name,
    "STACK_GLOBAL": _Machine.name_on_stack,
    "REDUCE": _Machine.call,
    "NEWOBJ": _Machine.new,
    "NEWOBJ_EX": _Machine.new_with_names,
    "BUILD": _Machine.build,
    "BINPERSID": _Machine.persistent_id,
}
