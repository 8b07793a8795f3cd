"""Tricks that are a shape of the tree: a WHERE that is missing or always true, a UNION with what it should not be."""

from sqlglot import exp

from plugins.firewall import names
from plugins.firewall.folding import FIXED, TRUE, Folding, operands
from plugins.firewall.seen import MAYBE, NO, YES, Seen, is_own
from plugins.shortening import LONG
from plugins.statement import Part


def no_where(seen: Seen) -> int:
    if seen.trouble:
        return MAYBE
    found = NO
    for one in seen.parts:
        if one.kind == "unknown" and {"update", "delete"} & one.said and not _at_cursor(one):
            found = max(found, MAYBE)
        folding = _folding(seen, one)
        for node in one.nodes:
            if isinstance(node, exp.Update | exp.Delete) and not isinstance(node.parent, exp.When):
                where = node.args.get("where")
                value = folding.of(where) if where is not None else TRUE
                found = max(found, YES if value == TRUE else MAYBE if value == FIXED else NO)
            if isinstance(node, exp.Merge) and any(
                isinstance(one, exp.Update) or (isinstance(one, exp.Var) and one.name.upper() == "DELETE")
                for one in node.args["whens"].find_all(exp.Update, exp.Var)
            ):
                value = folding.of(node.args["on"])
                found = max(found, YES if value == TRUE else MAYBE if value == FIXED else NO)
    return found


def _at_cursor(one: Part) -> bool:
    """WHERE CURRENT OF, which the parser does not know, of one statement alone."""
    words = [token.word for token in one.tokens]
    counted = words.count("update") + words.count("delete") + words.count("where")
    return (
        words[-4:-1] == ["where", "current", "of"] and counted == 2 and not {"or", "on", "having"} & one.said
    )


def tautology(seen: Seen) -> int:
    found = MAYBE if seen.trouble else NO
    for one in seen.parts:
        if one.kind == "unknown" and {"where", "having", "on", "or"} & one.said and not _at_cursor(one):
            found = max(found, MAYBE)
        folding = _folding(seen, one)
        for node in one.nodes:
            match node:
                case exp.Where():
                    found = max(found, _always(node.this, folding, begins=True))
                case exp.Having():
                    found = max(found, _always(node.this, folding, begins=False))
                case exp.Join() if node.args.get("on") is not None:
                    found = max(found, _always(node.args["on"], folding, begins=True))
                case _:
                    pass
            if found == YES:
                return YES
    return found


def _always(predicate: exp.Expr, folding: Folding, *, begins: bool) -> int:
    """A part of a predicate is true whatever the row. `begins`: constants in the first place of it say nothing, for
    programs that put conditions together begin with `1 = 1`, and `ON true` joins all with all."""
    found = NO
    todo: list[tuple[exp.Expr, bool]] = [(predicate, begins)]
    while todo and found < YES:
        node, first = todo.pop()
        node = node.unnest() if isinstance(node, exp.Paren) else node
        match node:
            case exp.And():
                todo += [(one, first and not at) for at, one in enumerate(operands(node))]
            case exp.Or():
                value = folding.of(node)
                found = max(found, _said(value))
                todo += [
                    (one, False) for one in operands(node) if isinstance(one.unnest(), exp.And | exp.Not)
                ]
            case exp.Boolean():
                pass  # AND TRUE changes nothing
            case _:
                value = folding.of(node)
                if not first or not _plain(node):
                    found = max(found, _said(value))
    return found


def _plain(node: exp.Expr) -> bool:
    """A comparison of literals."""
    return not any(isinstance(one, exp.Column | exp.Select) for one in node.walk())


def _said(value: str) -> int:
    return YES if value == TRUE else MAYBE if value == FIXED else NO


def _folding(seen: Seen, one: Part) -> Folding:
    return Folding(exact=seen.exact, whole=len(one.tokens) <= LONG)


def union(seen: Seen) -> int:
    found = MAYBE if seen.trouble or (seen.unread and seen.has("union", "except", "intersect")) else NO
    for node in seen.nodes():
        if isinstance(node, exp.SetOperation) and not isinstance(node.parent, exp.SetOperation):
            first, *others = _branches(node)
            # What is put in comes behind what was there.
            if _tables(first) and not _own(first) and any(_own(one) or _blank(one) for one in others):
                return YES
    return found


def _branches(node: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    todo = [node]
    while todo:
        one = todo.pop().unnest()
        if isinstance(one, exp.SetOperation):
            todo += [one.expression, one.this]
        else:
            found.append(one)
    return found


def _tables(branch: exp.Expr) -> list[exp.Table]:
    return [one for one in branch.find_all(exp.Table) if isinstance(one.this, exp.Identifier)]


def _own(branch: exp.Expr) -> bool:
    """It reads the server's catalogue, or asks what server this is."""
    if any(is_own(one) for one in _tables(branch)):
        return True
    if _tables(branch):
        return False
    asked = {one.sql("postgres").partition("(")[0].lower() for one in branch.find_all(exp.Func)}
    asked |= {one.name.lower() for one in branch.find_all(exp.Column)}
    return not asked.isdisjoint(names.SERVER | names.SERVER_WORDS)


def _blank(branch: exp.Expr) -> bool:
    """NULLs, or several whole numbers, and nothing else: how the number of columns is tried out."""
    if not isinstance(branch, exp.Select):
        return False
    source = branch.args.get("from_")
    if source is None:
        shown = [_bare(one) for one in branch.expressions]
    elif isinstance(source.this, exp.Values):
        shown = [_bare(one) for row in source.this.expressions for one in row.unnest().expressions]
    else:
        return False
    nulls = sum(isinstance(one, exp.Null) for one in shown)
    numbers = sum(isinstance(one, exp.Literal) and not one.is_string for one in shown)
    return bool(shown) and nulls + numbers == len(shown) and (nulls == len(shown) or len(shown) > 1)


def _bare(node: exp.Expr) -> exp.Expr:
    node = node.unalias().unnest()
    return _bare(node.this) if isinstance(node, exp.Cast) else node
