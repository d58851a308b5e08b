"""Copies of many: which targets are sent, in how many requests, and what became of each."""

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence

from didier.client import errors
from didier.client.vicidial import lines, parameters
from didier.client.vicidial.calls import Answer, FunctionCall, refusal
from didier.client.vicidial.errors import Added, CopyInterrupted, Exists, NotReached, Refused, Result
from didier.domain import patterns, targets
from didier.errors import InvalidRange

LIST_BYTES = 2_000
"""Most bytes that VICIdial takes in ``new_dids``, counted as it counts them: decoded, commas included."""

RANGE_LIMIT = 100_000
"""Most targets that a list with ranges may come to."""

OnResult = Callable[[Result], object]


def expand(to: str | Iterable[str]) -> list[str]:
    """Return the targets that *to* names, those of a range (``18002220000-18002220099``) one by one.

    A range that is impossible, or with which the list would come to more than `RANGE_LIMIT`, stays as it is.
    """
    items = (to,) if isinstance(to, str) else to
    return list(targets.expand((str(item).strip() for item in items), RANGE_LIMIT))


def examine(to: str | Iterable[str], *, non_latin: bool) -> list[str | Refused]:
    """Return the targets that *to* names; those of which VICIdial would make something else are refused."""
    first: dict[str, str] = {}
    examined: list[str | Refused] = []
    for target in expand(to):
        reason = _range_problem(target) or parameters.pattern_problem(target, non_latin=non_latin)
        if reason is None and (before := first.get(patterns.key(target))) is not None:
            reason = f"it appears earlier, as {before}"
        if reason is None:
            first[patterns.key(target)] = target
        examined.append(target if reason is None else Refused(target, reason))
    return examined


def _range_problem(target: str) -> str | None:
    match targets.parse(target):
        case targets.Range():
            return f"a list with ranges may come to {RANGE_LIMIT:,} targets at most"
        case InvalidRange(reason=reason):
            return reason
    return None


def split(examined: Iterable[str | Refused], limit: int = LIST_BYTES) -> Iterator[list[str | Refused]]:
    """Yield *examined* in parts, in order; the targets of a part make a list of at most *limit* bytes."""
    part: list[str | Refused] = []
    size = -1  # the comma before the first one is none
    for item in examined:
        needed = 0 if isinstance(item, Refused) else 1 + len(item.encode())
        if part and size + needed > limit:
            yield part
            part, size = [], -1
        part.append(item)
        size += needed
    if part:
        yield part


def copy(
    source: str,
    to: str | Iterable[str],
    description: str | None = None,
    on_result: OnResult | None = None,
    *,
    non_latin: bool = False,
) -> Generator[FunctionCall, Answer, list[Result]]:
    """Copy *source* to each target; return the outcome of each, in the order given."""
    fixed = {
        "source_did_pattern": parameters.pattern(source, non_latin=non_latin),
        **parameters.described(description, non_latin=non_latin),
    }
    parts = list(split(examine(to, non_latin=non_latin)))
    results: list[Result] = []
    for number, part in enumerate(parts, 1):
        asked = _sent(part)
        reported, problem = yield from _part(asked, fixed)
        known = _in_order(part, reported)
        results += known
        if on_result:
            for result in known:
                on_result(result)
        if problem:
            rest = [target for later in parts[number:] for target in _sent(later)]
            _interrupt(results, asked[len(reported) :], rest, problem)
    return results


def _sent(part: Iterable[str | Refused]) -> list[str]:
    return [item for item in part if not isinstance(item, Refused)]


def _in_order(part: Sequence[str | Refused], reported: Sequence[Result]) -> list[Result]:
    answers = iter(reported)
    placed = (item if isinstance(item, Refused) else next(answers, None) for item in part)
    return [result for result in placed if result is not None]


def _part(
    asked: list[str], fixed: dict[str, str]
) -> Generator[FunctionCall, Answer, tuple[list[Result], errors.DidierError | None]]:
    if not asked:
        return [], None
    # Not repeatable: VICIdial goes on though the connection is lost, so a repeat would run beside the
    # first attempt and tell what that one makes as there before.
    call = FunctionCall("copy_did", {**fixed, "new_dids": ",".join(asked)})
    try:
        answer = yield call
    except errors.DidierError as error:
        return [], error
    return read(answer, asked, call)


def read(
    answer: Answer, asked: Sequence[str], call: FunctionCall
) -> tuple[list[Result], errors.DidierError | None]:
    """Return what an answer tells of the targets that were *asked* for, and what is wrong with it if it is.

    The results are those of the first targets; of the others nothing is told.
    """
    reported: list[Result] = []
    answered = lines.read(answer.text)
    for line in answered:
        if line.kind != "NOTICE":
            break
        result = _result(line)
        if result is None or [result.pattern] != list(asked[len(reported) : len(reported) + 1]):
            return reported, answer.unexpected()
        reported.append(result)
    if not answered or len(answered) != len(reported) + 1:
        return reported, refusal(answered[-1], call, answer) if answered else answer.unexpected()
    closing = answered[-1]
    ended = closing.text in {"DIDS HAVE BEEN ADDED", "NO DIDS ADDED"}
    if ended and len(reported) == len(asked):
        return reported, None
    return reported, answer.unexpected() if ended else refusal(closing, call, answer)


def _result(line: lines.Line) -> Result | None:
    match line.text, line.data:
        case "DID HAS BEEN ADDED", (pattern, _, number, rows) if _is_number(number):
            # Of two that the column holds as one, VICIdial tells the second as added, with no rows.
            return Exists(pattern) if rows == "0" else Added(pattern, int(number))
        case "DID ALREADY EXISTS", (pattern,):
            return Exists(pattern)
        case (("DID PATTERN IS NOT VALID" | "DID RANGE IS NOT VALID"), (pattern,)):  # Didier's words
            return Refused(pattern, "the server says that it is not valid")
    return None


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20


def _interrupt(results: list[Result], asked: list[str], rest: list[str], problem: errors.DidierError) -> None:
    """Raise *problem* if no target is concerned yet, otherwise `CopyInterrupted` with what is known."""
    not_made = isinstance(problem, NotReached) or (
        isinstance(problem, errors.ProblemError) and not isinstance(problem, errors.Unavailable)
    )
    unknown, unsent = ([], [*asked, *rest]) if not_made else (asked, rest)
    if not unknown and all(isinstance(result, Refused) for result in results):
        raise problem
    raise CopyInterrupted(results, unknown, unsent, problem) from problem
