"""DO: a program in a string. Its effect is that of the statements that might run inside.

Conservative: PL/pgSQL is looked through for whatever could stay in the session; anything else is not.
"""

from collections.abc import Sequence

from plugins import tokens as tk
from plugins.scope import Scope
from plugins.session.effect import Effect
from plugins.session.functions import effect_of_calls
from plugins.statement import Part, word
from plugins.tokens import NAMES, Kind, Token, UnreadableError

BLOCK = "do block"
_TELLING = frozenset(
    {"temp", "temporary", "pg_temp", "listen", "load", "prepare", "discard", "reset", "execute", "hold"}
)
_BEFORE = frozenset({"then", "else", "loop", "begin", ";"})
_DEFINING = frozenset({"create", "alter", "drop", "execute", "import"})


def effect_of_block(part: Part, scope: Scope, *, exact: bool) -> Effect:
    """What a DO block may leave behind."""
    unknown = Effect(
        "do", "what the block does is not known here", pin=BLOCK, changes_schema=True, blurs=True
    )
    bodies = [token for token in part.tokens if token.kind in (Kind.STRING, Kind.ESCAPED)]
    at = next((at for at in range(len(part.tokens)) if part.word(at) == "language"), None)
    language = "plpgsql" if at is None or at + 1 >= len(part.tokens) else part.tokens[at + 1].name.lower()
    bodies = [token for token in bodies if token.name.lower() != "plpgsql"]
    plain = exact and not scope.is_off("standard_conforming_strings")
    if not plain or language != "plpgsql" or len(bodies) != 1 or bodies[0].kind is not Kind.STRING:
        return unknown
    try:
        tokens = tk.cut(bodies[0].name)
    except UnreadableError:
        return unknown
    names = frozenset([token.name for token in tokens if token.kind in NAMES])
    defines = bool(names & _DEFINING)
    if names & _TELLING or _sets(tokens):
        return Effect("do", "the block may change the session", pin=BLOCK, changes_schema=defines, blurs=True)
    local = any(token.word == "set" and word(tokens, at + 1) == "local" for at, token in enumerate(tokens))
    effect = effect_of_calls(tokens, names, exact=False, runs=False)
    if effect is not None and effect.pin:
        return Effect(
            "do", f"in the block: {effect.reason}", pin=effect.pin, changes_schema=defines, blurs=True
        )
    blurs = local or (effect is not None and effect.blurs)
    return Effect("do", "nothing in the block stays in the session", changes_schema=defines, blurs=blurs)


def _sets(tokens: Sequence[Token]) -> bool:
    """Whether a statement of the block begins with SET, SET LOCAL aside."""
    for at, token in enumerate(tokens):
        begins = at == 0 or word(tokens, at - 1) in _BEFORE or tokens[at - 1].text.endswith(">>")
        if token.word == "set" and begins and word(tokens, at + 1) != "local":
            return True
    return False
