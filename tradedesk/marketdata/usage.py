"""Who uses the bars of a symbol. Trading and research register what they use, because this app imports neither."""

from collections.abc import Callable, Collection, Iterable

# The uses of a symbol's bars in a timeframe as parts of a sentence, for example "1 account holds it"; none when it
# is not used. The third value is the id of the user whose uses count; None for those of all users. The uses of the
# users in the fourth value do not count.
Uses = Callable[[str, str, int | None, Collection[int]], list[str]]
_questions: list[Uses] = []
# What has to be kept up to date: the id of the user who trades or holds it, the symbol and the timeframe.
Used = tuple[int, str, str]
_lists: list[Callable[[], Iterable[Used]]] = []


def register(question: Uses) -> None:
    """Ask `question` before bars are hidden or deleted."""
    if question not in _questions:
        _questions.append(question)


def register_list(everything: Callable[[], Iterable[Used]]) -> None:
    """Ask for all that is traded or held, so that its bars are kept up to date."""
    if everything not in _lists:
        _lists.append(everything)


def all_in_use() -> set[Used]:
    return {used for everything in _lists for used in everything()}


def uses_of(symbol: str, timeframe: str, user_id: int | None = None, not_of: Collection[int] = ()) -> list[str]:
    """What uses these bars, for example ["1 account holds it", "2 strategies trade it"]. user_id: only what this
    user has; None for all users, except those in `not_of`."""
    return [use for question in _questions for use in question(symbol, timeframe, user_id, not_of)]
