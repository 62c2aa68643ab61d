"""Which column is what: guessed from Portuguese, English and Spanish headers, corrected by people. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from sintalk.contacts.cleaning import fold

FIELDS = ("name", "surname", "phone", "email", "ddd")

#: Headers we know, folded (`Número do Celular` is `numerodocelular`), the best first.
_KNOWN: dict[str, str] = {
    "name": "nome nomecompleto nomedocliente nomecliente nomedocontato nomecontato fullname completename "
    "name nombrecompleto nombreyapellido nombre nomerazaosocial razaosocial nomefantasia "
    "primeironome firstname givenname cliente contato contacto customer customername contact "
    "contactname destinatario pessoa paciente aluno",
    "surname": "sobrenome ultimonome lastname surname familyname apellido apellidos",
    "mobile": "celular telefonecelular telcelular fonecelular numerocelular numerodocelular celular1 cel "
    "whatsapp numerowhatsapp numerodowhatsapp whats wpp zap movel telefonemovel mobile mobilephone "
    "mobilenumber cellphone cellular cell telefonomovil telefonocelular numerodecelular movil",
    "phone": "telefone numerodetelefone numerodotelefone numerotelefone telefone1 fone fone1 tel tel1 phone "
    "phonenumber phone1 phone1value telephone telephonenumber msisdn destination telefono "
    "numerodetelefono telefono1 telefoneprincipal telefonecontato telefoneparacontato numero number "
    "destino",
    "fixed": "telefonefixo fixo telfixo fonefixo telefoneresidencial foneresidencial telefonecomercial "
    "fonecomercial residencial comercial landline homephone workphone telefonofijo fijo",
    "email": "email enderecodeemail emailaddress email1 email1value emailprincipal correioeletronico mail "
    "correio correoelectronico correo",
    "ddd": "ddd dddcelular dddtelefone dddtel ddd1 codigodearea codarea areacode codigoarea prefixo lada",
}
#: Words that give a longer header away (`Telefone do responsável`), tried when nothing is known exactly.
_TELLING: dict[str, tuple[str, ...]] = {
    "name": ("nome", "name", "nombre"),
    "surname": (),
    "mobile": ("celular", "whatsapp", "mobile", "movil"),
    "phone": ("telefone", "phone", "telefono", "fone"),
    "fixed": (),
    "email": ("email", "correo"),
    "ddd": (),
}
_WHERE_TO = frozenset(
    word for what in ("mobile", "phone", "fixed", "email", "ddd") for word in _KNOWN[what].split()
)
_NOT_A_NAME = ("sobrenome", "usuario", "user", "mae", "pai", "empresa", "arquivo", "file")
_NOT_REACHED = ("fixo", "residencial", "comercial", "landline", "home", "work", "fijo")


class Unmappable(ValueError):
    """The header does not say who or where to. `field` is `mapping` or `mapping.phone`; codes
    `cannot_be_mapped`, `unknown_column`."""

    def __init__(self, name: str, code: str, column: str = "") -> None:
        super().__init__(f"{name}: {code} {column}".strip())
        self.field = name
        self.code = code
        self.column = column


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Positions of what we know in a row; every other column is an attribute under its header."""

    name: int | None = None
    surname: int | None = None
    phone: int | None = None
    email: int | None = None
    ddd: int | None = None
    attributes: Mapping[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Columns:
        return cls(**stored)


def columns(header: Sequence[str], told: Mapping[str, Any] | None = None) -> Columns:
    """Guess, then let `told` decide: {"phone": "Celular 2", "email": None, "attributes": {"cidade": "City"}}.

    None (or an empty text) leaves a field out; without `attributes`, all columns left over become attributes.
    Raises Unmappable.
    """
    told = dict(told or {})
    chosen: dict[str, int | None] = {}
    named = {key: _column(header, f"mapping.{key}", told[key]) for key in FIELDS if told.get(key)}
    free = [i for i in range(len(header)) if i not in named.values()]
    guessed = _guess([fold(name) for name in header], free)
    for key in FIELDS:
        chosen[key] = named.get(key) if key in told else guessed.get(key)
    if chosen["phone"] is None and chosen["email"] is None:
        raise Unmappable("mapping", "cannot_be_mapped")
    attributes = _attributes(header, told.get("attributes"), {i for i in chosen.values() if i is not None})
    return Columns(**chosen, attributes=attributes)


def says_where_to(cell: str) -> bool:
    """Whether a cell is a known word for phones, addresses or area codes: then it is a header, and no content."""
    return fold(cell) in _WHERE_TO


def _column(header: Sequence[str], name: str, told: str) -> int:
    for compared in (str, fold):
        found = [i for i, column in enumerate(header) if compared(column) == compared(told)]
        if found:
            return found[0]
    raise Unmappable(name, "unknown_column", told)


def _guess(folded: list[str], free: list[int]) -> dict[str, int]:
    found: dict[str, int] = {}
    taken: set[int] = set()
    for exact in (True, False):
        for what in _KNOWN:
            if what in found:
                continue
            position = next(_matching(folded, [i for i in free if i not in taken], what, exact), None)
            if position is not None:
                found[what] = position
                taken.add(position)
    phone = next((found[what] for what in ("mobile", "phone", "fixed") if what in found), None)
    guess: dict[str, int] = {w: found[w] for w in ("name", "surname", "email", "ddd") if w in found}
    if "surname" in guess and "name" not in guess:
        guess["name"] = guess.pop("surname")
    return guess if phone is None else {**guess, "phone": phone}


def _matching(folded: list[str], free: list[int], what: str, exact: bool) -> Iterator[int]:
    """Positions whose header means this, the best first."""
    if exact:
        for word in _KNOWN[what].split():
            yield from (i for i in free if folded[i] == word)
        return
    never = _NOT_A_NAME if what == "name" else _NOT_REACHED if what in ("mobile", "phone") else ()
    for word in _TELLING[what]:
        yield from (i for i in free if word in folded[i] and not any(no in folded[i] for no in never))


def _attributes(header: Sequence[str], told: Mapping[str, str] | None, used: set[int]) -> dict[str, int]:
    if told is None:
        return {name: i for i, name in enumerate(header) if i not in used}
    return {name: _column(header, f"mapping.attributes.{name}", column) for name, column in told.items()}
