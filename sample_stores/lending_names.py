"""The books, people and words of the sample library; all people are invented, all addresses end in `.example`."""

from __future__ import annotations

from typing import Any, NamedTuple


class Work(NamedTuple):
    """A book as the catalogue has it."""

    title: str
    authors: tuple[str, ...]
    year: int
    language: str
    subjects: tuple[str, ...]

    def described(self, isbn: str) -> dict[str, Any]:
        """The nested record that goes into `Copy.Acquired`."""
        return {
            "title": self.title,
            "authors": list(self.authors),
            "published": {"year": self.year, "language": self.language},
            "subjects": list(self.subjects),
            "isbn": isbn,
        }


WORKS = (
    Work("Max Havelaar", ("Multatuli",), 1860, "nl", ("novel", "colonial history")),
    Work("Oeroeg", ("Hella S. Haasse",), 1948, "nl", ("novella",)),
    Work("De ontdekking van de hemel", ("Harry Mulisch",), 1992, "nl", ("novel", "philosophy")),
    Work("Jip en Janneke", ("Annie M.G. Schmidt", "Fiep Westendorp"), 1953, "nl", ("children", "picture book")),
    Work("Cien años de soledad", ("Gabriel García Márquez",), 1967, "es", ("novel", "magic realism")),
    Work("Księgi Jakubowe", ("Olga Tokarczuk",), 2014, "pl", ("novel", "history")),
    Work("ノルウェイの森", ("村上春樹",), 1987, "ja", ("novel",)),
    Work("Мастер и Маргарита", ("Михаил Булгаков",), 1967, "ru", ("novel", "satire")),
    Work("بين القصرين", ("نجيب محفوظ",), 1956, "ar", ("novel", "Cairo")),
    Work("Americanah", ("Chimamanda Ngozi Adichie",), 2013, "en", ("novel",)),
    Work("L’amica geniale", ("Elena Ferrante",), 2011, "it", ("novel", "Naples")),
    Work("Trollvinter", ("Tove Jansson",), 1957, "sv", ("children", "winter")),
    Work("Bröderna Lejonhjärta", ("Astrid Lindgren",), 1973, "sv", ("children",)),
    Work("Benim Adım Kırmızı", ("Orhan Pamuk",), 1998, "tr", ("novel", "painting")),
    Work("Good Omens", ("Terry Pratchett", "Neil Gaiman"), 1990, "en", ("novel", "comedy")),
    Work("The C Programming Language", ("Brian W. Kernighan", "Dennis M. Ritchie"), 1978, "en", ("computing",)),
)

BRANCHES = (
    ("NDE", "Noorderkade", "Kade 12", "3511 AB", 52.0931, 5.1182),
    ("MLN", "De Molen", "Molenwerf 3", "3521 CK", 52.0779, 5.1043),
    ("ZWT", "Zwartwater", "Zwartwaterlaan 88", "3584 GJ", 52.0674, 5.1512),
)

MEMBERS = (
    "Aïsha el Mansouri", "Bram de Wit", "Cécile Dufour", "Daan Verhoeven", "Elżbieta Wójcik", "Fenna Hoekstra",
    "Gökhan Yılmaz", "Hanneke Smit", "Ingrid Sørensen", "João Ferreira", "Kwame Mensah", "Lotte Bakker",
    "Mihai Ștefănescu", "Nadia Haddad", "Oksana Коваль", "Pieter-Jan Maes", "Quirine van Dam", "Rosa Núñez",
    "Søren Kjær", "Tình Nguyễn", "Ursula Groß", "Vasilis Παππάς", "Wietske Dijkstra", "Xiǎomíng 李", "Yara Sluis",
    "Zeynep Aydın",
)  # fmt: skip

STREETS = ("Oudegracht", "Twijnstraat", "Lange Nieuwstraat", "Maliebaan", "Voorstraat", "Amsterdamsestraatweg")
INTERESTS = ("crime", "gardening", "poetry", "chess", "cooking", "history of science", "bandes dessinées", "俳句")
REMARKS = (
    "coffee ring on page 112",
    "spine loose",
    "pencil notes, “très intéressant!”",
    "corner chewed by a dog",
    "dust jacket missing",
    "damp, dried in the press",
)
NOTES = (
    "Prefers large print.",
    "Card found at the tram stop, kept at the desk.",
    "Asked for the Polish original – told: Księgi Jakubowe, shelf P4 🙂",
    "Grandchild collects the books.\nKnows the card number by heart.",
)
STAFF = ("M. Terpstra", "J. O’Connor", "S. Ünal", "P. van ’t Hof")


def isbn_of(number: int) -> str:
    """A 13-digit ISBN with a right check digit for the work of that number."""
    digits = f"97890{number + 1:03d}{(number * 7919) % 10000:04d}"
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(digits))
    return digits + str(-weighted % 10)
