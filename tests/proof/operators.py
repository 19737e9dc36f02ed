"""How a function is changed: some of cosmic-ray's operators, and some of our own."""

from collections.abc import Iterator
from typing import ClassVar

from cosmic_ray.operators.operator import Example, Operator
from cosmic_ray.operators.provider import OperatorProvider
from parso.python.tree import Name
from parso.tree import NodeOrLeaf

BINARY = ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "Mul_Add", "Pow_Mul", "FloorDiv_Mul")
BITS = ("Mod_FloorDiv", "BitAnd_BitOr", "BitOr_BitAnd")
ORDER = ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Lt_Gt", "Gt_Lt", "LtE_GtE", "GtE_LtE")
EQUALITY = ("Eq_NotEq", "NotEq_Eq", "Is_IsNot", "IsNot_Is")
CORE = (
    *(f"ReplaceBinaryOperator_{names}" for names in BINARY + BITS),
    *(f"ReplaceComparisonOperator_{names}" for names in ORDER + EQUALITY),
    *(f"ReplaceUnaryOperator_Delete_{name}" for name in ("USub", "Invert", "Not")),
    "NumberReplacer",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ZeroIterationForLoop",
)
OPERATIONS = ("arith_expr", "term", "power", "expr", "and_expr", "and_test", "or_test")


def text_of(*nodes: NodeOrLeaf) -> str:
    return "".join(node.get_code() for node in nodes).strip()


def replaced(node: NodeOrLeaf, text: str) -> Name:
    """A leaf that reads `text`, in the place of a node."""
    return Name(text, node.start_pos, node.get_first_leaf().prefix)


class TextOperator(Operator):
    """An operator that says which part of a node may become which text."""

    before: str
    after: tuple[str, ...]

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        """The node or one of its children, and what may stand there instead."""
        raise NotImplementedError

    def mutation_positions(self, node: NodeOrLeaf) -> list[tuple[tuple[int, int], tuple[int, int]]]:
        return [(part.start_pos, part.end_pos) for part, _ in self.changes(node)]

    def mutate(self, node: NodeOrLeaf, index: int) -> NodeOrLeaf:
        part, text = list(self.changes(node))[index]
        if part is node:
            return replaced(node, text)
        node.children[node.children.index(part)] = replaced(part, text)
        return node

    @classmethod
    def examples(cls) -> list[Example]:
        return [Example(cls.before, text, i) for i, text in enumerate(cls.after)]


class DropOperand(TextOperator):
    """An operation without one of its operands."""

    before = "y = a - b / c"
    after = ("y = - b / c", "y = a", "y = a - b")

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type in OPERATIONS:
            parts = node.children
            if parts[1].value == "-":
                yield node, text_of(*parts[1:])
            elif parts[1].value not in ("/", "//", "%", "**"):
                yield node, text_of(*parts[2:])
            for i in range(2, len(parts), 2):
                yield node, text_of(*parts[: i - 1], *parts[i + 1 :])


class SwapOperands(TextOperator):
    """An operation that does not commute, on its operands in the other order."""

    before = "y = a - b - x ** 2"
    after = ("y = b - a - x ** 2", "y = x ** 2 - (a - b)", "y = a - b - 2 ** x")

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type not in ("arith_expr", "term", "power"):
            return
        for i in range(1, len(node.children), 2):
            operator, right, *rest = node.children[i:]
            if operator.value in ("-", "/", "//", "%", "@", "**"):
                left = text_of(*node.children[:i])
                left = left if i == 1 else f"({left})"
                right = f"({text_of(right)})" if right.type == "factor" else text_of(right)
                after = "".join(part.get_code() for part in rest)
                yield node, f"{right} {operator.value} {left}{after}"


class DropStatement(TextOperator):
    """Nothing in the place of a statement that is there for its effect."""

    before = "x[0] = y; f(x)"
    after = ("pass; f(x)", "x[0] = y; pass")

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type == "simple_stmt":
            for statement in filter(self._has_effect, node.children):
                yield statement, "pass"

    def _has_effect(self, statement: NodeOrLeaf) -> bool:
        if statement.type == "expr_stmt":
            target, operator, *_ = statement.children
            return target.type == "atom_expr" or text_of(operator) in ReplaceToken.TOKENS
        return statement.type in ("raise_stmt", "del_stmt", "atom_expr") or statement == "raise"


class DropArgument(TextOperator):
    """A call without a keyword argument, or a method's without the last one."""

    before = "y = np.f(x, a, axis=1).sum(0)"
    after = (
        "y = np.f(x, a).sum(0)",
        "y = np.f(x, a, axis=1).sum()",
    )

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type != "trailer" or len(node.children) != 3 or node.children[0].value != "(":
            return
        given = node.children[1]
        arguments = given.children[::2] if given.type == "arglist" else [given]
        calls = node.parent.children
        place = calls.index(node)
        of_module = place == 2 and text_of(calls[0]) in ("np", "math") and len(arguments) == 1
        is_method = text_of(calls[place - 1]).startswith(".") and not of_module
        for i, argument in enumerate(arguments):
            by_name = argument.type == "argument" and argument.children[1] == "="
            last = i == len(arguments) - 1 and argument.type != "argument"
            if by_name or (last and is_method):
                rest = arguments[:i] + arguments[i + 1 :]
                yield node, f"({', '.join(map(text_of, rest))})"


class FixCondition(TextOperator):
    """A condition that always holds, or never does."""

    before = "y = a if b else c"
    after = ("y = a if True else c", "y = a if False else c")

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type in ("if_stmt", "test", "comp_if", "while_stmt"):
            for word, condition in zip(node.children, node.children[1:], strict=False):
                if getattr(word, "value", None) in ("if", "elif"):
                    yield condition, "True"
                if getattr(word, "value", None) in ("if", "elif", "while"):
                    yield condition, "False"


class ReplaceToken(TextOperator):
    """Another assignment in place, or a product of elements for one of matrices."""

    TOKENS: ClassVar = {
        "+=": "-=",
        "-=": "+=",
        "*=": "/=",
        "/=": "*=",
        "&=": "|=",
        "|=": "&=",
        "@": "*",
    }

    before = "x += a @ b"
    after = ("x -= a @ b", "x += a * b")

    def changes(self, node: NodeOrLeaf) -> Iterator[tuple[NodeOrLeaf, str]]:
        if node.type == "operator" and node.value in self.TOKENS:
            yield node, self.TOKENS[node.value]


OPERATORS: tuple[Operator, ...] = (
    *(OperatorProvider()[name]() for name in CORE),
    DropOperand(),
    SwapOperands(),
    DropStatement(),
    DropArgument(),
    FixCondition(),
    ReplaceToken(),
)
