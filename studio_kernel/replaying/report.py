"""What came of a replay, in words and numbers: the verdict, what differs, and whether the one explains the other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal, TypeAlias

from studio_kernel.domain.conditions import ConditionChange, ConditionChanges, Effect
from studio_kernel.domain.values import Json
from studio_kernel.metrics.sameness import Sameness

Verdict: TypeAlias = Literal["identical", "within tolerance", "different", "not compared"]
Explained: TypeAlias = Literal["yes", "perhaps", "no", "nothing to explain"]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far two results may be apart and still count as repeated.

    Attributes
    ----------
    psnr_db : float
        The least peak signal-to-noise ratio, decibels.
    largest : float
        The largest difference of a channel, 0 … 255.
    copy_psnr_db : float
        The least ratio for a file that is a copy in another format or size, whose `largest` says nothing.

    Notes
    -----
    Measured with ``studio-tiny``, 4 prompts, 128 × 128, 20 steps, torch 2.13 on a CPU, against one thread and float32:
    two threads ≥ 90 dB and at most 1 level, a pass of eight ≥ 95 dB and 1; float16 57 to 61 dB and 4; bfloat16 42 to
    50 dB and 28; an autoencoder in tiles 33 to 35 dB and 74. So the usual tolerance takes in rounding and float16, and
    not what a person may see. JPEG of quality 75 to 95 is 36 to 43 dB from the picture that it was made of. Larger
    models and other devices may be further apart by rounding alone.
    """

    psnr_db: float = 50.0
    largest: float = 4.0
    copy_psnr_db: float = 35.0

    def covers(self, found: Sameness, *, is_copy: bool = False) -> bool:
        """Whether results so far apart count as repeated."""
        if is_copy:
            return found.psnr_db >= self.copy_psnr_db
        return not found.note and found.psnr_db >= self.psnr_db and found.largest <= self.largest


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """Whether a result repeats.

    Attributes
    ----------
    original : str
        What was repeated: a run or a file.
    recorded_run : str or None
        Its run in this home.
    run : str
        The new run.
    verdict : {"identical", "within tolerance", "different", "not compared"}
        Identical: byte for byte, or else pixel for pixel.
    changes : ConditionChanges
        Which recorded inputs are others now, and what was not recorded.
    numbers : Sameness or None
        How far the results are apart, the worst of all files; `None` = there was nothing to compare.
    tolerance : Tolerance
        What the verdict goes by.
    notes : tuple of str
        What else should be known.
    is_copy : bool
        What it is compared with is a copy in another format or size.
    """

    original: str
    recorded_run: str | None
    run: str
    verdict: Verdict
    changes: ConditionChanges
    numbers: Sameness | None
    tolerance: Tolerance = Tolerance()
    notes: tuple[str, ...] = ()
    is_copy: bool = False

    @property
    def differs(self) -> tuple[ConditionChange, ...]:
        """The recorded inputs that are others now."""
        return self.changes.differs

    @property
    def is_repeated(self) -> bool:
        """Whether the result came out the same, or within the tolerance."""
        return self.verdict in ("identical", "within tolerance")

    @property
    def explained(self) -> Explained:
        """Whether what differs among the inputs explains what differs in the result."""
        if self.verdict in ("identical", "not compared"):
            return "nothing to explain"
        if not self.differs:
            return "yes" if self.is_copy and self.is_repeated else "no"
        needed: set[Effect] = {"anything", "precision", "seams"}
        return "yes" if self.verdict == "within tolerance" or needed & {c.effect for c in self.differs} else "perhaps"

    @property
    def text(self) -> str:
        """All of it in plain words."""
        lines = [f"{self.original}: {self._result}.", *(f"  {each.text}" for each in self.differs), self._reason]
        if self.changes.unrecorded:
            lines.append(f"Not recorded then: {', '.join(self.changes.unrecorded)}.")
        return "\n".join([*filter(None, lines), *self.notes])

    def __str__(self) -> str:
        return self.text

    def __repr__(self) -> str:
        return f"<ReplayReport of {self.original}: {self.verdict}>"

    def to_json(self) -> dict[str, Json]:
        """Return the JSON form."""
        return {
            "original": self.original,
            "recorded_run": self.recorded_run,
            "run": self.run,
            "verdict": self.verdict,
            "explained": self.explained,
            "differs": [each.to_json() for each in self.differs],
            "unrecorded": list(self.changes.unrecorded),
            "same": self.changes.same,
            "numbers": self.numbers.to_json() if self.numbers else None,
            "tolerance": {"psnr_db": self.tolerance.psnr_db, "largest": self.tolerance.largest},
            "is_copy": self.is_copy,
            "notes": list(self.notes),
            "text": self.text,
        }

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{escape(each.label)}</td><td>{escape(recorded)}</td><td>{escape(now)}</td></tr>"
            for each in self.differs
            for recorded, now in [each.values_in_words]
        )
        head = "<tr><th>input</th><th>recorded</th><th>now</th></tr>"
        table = f"<table>{head}{rows}</table>" if rows else ""
        more = [self._reason, *self.notes]
        if self.changes.unrecorded:
            more.append(f"Not recorded then: {', '.join(self.changes.unrecorded)}.")
        told = "".join(f"<p>{escape(line)}</p>" for line in more if line)
        result = f"<p><b>{escape(self.verdict)}</b> – {escape(self.original)}: {escape(self._result)}.</p>"
        return f"<div>{result}{table}{told}</div>"

    @property
    def _result(self) -> str:
        found = self.numbers
        if found is None:
            return f"run again as {self.run}; there is no file to compare with"
        if self.verdict == "identical":
            return "identical, byte for byte" if found.same_bytes else _SAME_CONTENT
        apart = _apart(found)
        return f"{self.verdict}: {apart}" if apart else self.verdict

    @property
    def _reason(self) -> str:
        if self.verdict == "not compared":
            return "" if self.differs else _NOTHING_DIFFERS
        if self.verdict == "identical":
            return "What differs has changed nothing." if self.differs else _NOTHING_DIFFERS
        if not self.differs and self.explained == "yes":
            return _NOTHING_DIFFERS
        if not self.differs:
            return f"{_NOTHING_DIFFERS[:-1]}, so something that is not recorded does, or the engine does not repeat."
        return _reason(self.differs, self.explained)


_SAME_CONTENT = "identical in what it shows; the files differ in what they say of themselves"
_NOTHING_DIFFERS = "No recorded input differs."
_EFFECTS: dict[Effect, str] = {
    "anything": "can change a result in any way",
    "precision": "rounds to fewer or more digits, which can be seen in places",
    "seams": "changes pixels where tiles meet",
    "rounding": "changes the last digits by rounding",
}


def _reason(differs: Sequence[ConditionChange], explained: Explained) -> str:
    by_effect = {effect: [each.label for each in differs if each.effect == effect] for effect in _EFFECTS}
    told = "; ".join(f"{', '.join(names)}: {_EFFECTS[effect]}" for effect, names in by_effect.items() if names)
    if explained == "yes":
        return f"That explains the difference ({told})."
    return f"Usually that changes less ({told}), so something that is not recorded may differ too."


def _apart(found: Sameness) -> str:
    psnr = f"PSNR {found.psnr_db:.1f} dB, " if math.isfinite(found.psnr_db) else ""
    share = f"{found.share:.2%} differ" if found.share else ""
    largest = f"{psnr}largest difference {found.largest:g} of 255, {share}" if found.largest else share
    return "; ".join(filter(None, [largest, found.note]))
