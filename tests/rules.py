"""make rules: each rule that keeps a minute from being lost or doubled is taken out in a copy, and a test must see it."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
QUICK = (
    "tests/cli/test_acts.py",
    "tests/pure/test_outbox.py",
    "tests/pure/test_journal.py",
    "tests/cli/test_bulk.py",
    "tests/cli/test_review.py",
)
OTHERS = (
    "tests/cli/test_in_doubt.py", "tests/cli/test_outbox.py", "tests/cli/test_goes_on.py", "tests/cli/test_track.py",
    "tests/cli/test_lost_minutes.py", "tests/cli/test_refusals.py", "tests/cli/test_said_before.py",
    "tests/cli/test_change.py", "tests/cli/test_undo.py", "tests/cli/test_split.py", "tests/cli/test_spans.py",
    "tests/cli/test_fill.py", "tests/cli/test_forgotten.py",
)  # fmt: skip
MACHINE = ("tests/cli/test_outbox_machine.py",)  # the last resort, since it takes minutes


class Rule(NamedTuple):
    """A rule in words, and how it is taken out: the text of a file under src/alga, and what stands there instead."""

    name: str
    file: str
    text: str
    instead: str


RULES = (
    # --- one operation ---
    Rule("in doubt from before it is sent", "outbox/transitions.py", "operation._replace(sent_at=now, ahead=ahead)", "operation"),
    Rule("a no to what was in doubt is looked at", "outbox/transitions.py",
         " or (verdict is Verdict.NO and before.in_doubt)", ""),
    Rule("an entry is one operation's only", "delivery/recognise.py", "if same and entry.id not in taken and", "if same and"),
    Rule("an entry made before is not adopted", "delivery/recognise.py",
         "transitions.made_since(operation, entry.created_at)", "True"),
    Rule("sent with its key, or one of the same user", "outbox/journal.py",
         "(fingerprint = ? OR coalesce(user_id = ?, 0))", "(fingerprint = ? OR coalesce(user_id = ?, 0) OR 1)"),
    Rule("a start is sent once", "outbox/transitions.py", "return Step.KEEP if operation.kind is Kind.START else Step.SEND",
         "return Step.SEND"),
    Rule("a start is sent by its own command only", "outbox/transitions.py",
         "if operation.kind is Kind.START and not own:", "if False:"),
    Rule("an edit goes only while the entry is as it was seen", "delivery/recognise.py",
         "Seen.NOT_DONE if same else Seen.CHANGED", "Seen.NOT_DONE"),
    Rule("a change is looked at before a later sending", "outbox/transitions.py",
         "return Step.SEND if checked or operation.kind is Kind.CREATE else Step.LOOK", "return Step.SEND"),
    Rule("what was only remembered is looked at", "outbox/transitions.py", "own and not operation.remembered", "own"),
    Rule("one alga sends at a time", "outbox/journal.py", 'lock.execute("BEGIN EXCLUSIVE")', 'lock.execute("SELECT 1")'),
    Rule("a version on each row", "outbox/journal.py", "WHERE id = ? AND version = ?", "WHERE id = ? AND ? >= 0"),
    Rule("a doubt outlives a try that did not leave", "outbox/transitions.py",
         "operation._replace(sent_at=before.sent_at, ahead=before.ahead, tries=before.tries, reason=reason)",
         "operation._replace(sent_at=None, ahead=before.ahead, tries=before.tries, reason=reason)"),
    Rule("what is about the same entry keeps its order", "outbox/transitions.py",
         "return operation.entry_id is not None and operation.entry_id == earlier.entry_id", "return False"),
    Rule("another end is a stop elsewhere", "outbox/transitions.py", " and abs(ended_at - end) <= AT_MOST_BETWEEN", ""),
    Rule("refused later is set aside", "outbox/transitions.py", "accepted = not own or before", "accepted = before"),
    Rule("refused while in doubt is set aside", "outbox/transitions.py", "before.sent_at is not None or holds_time", "holds_time"),
    Rule("the time of a timer is set aside, not closed", "outbox/transitions.py", " or holds_time(operation)\n", "\n"),
    Rule("every step is on the disk", "outbox/journal.py", "'FULL' if self._durable", "'OFF' if self._durable"),
    Rule("what fails again and again rests", "outbox/transitions.py",
         "return operation.tried_at <= now < operation.tried_at + pause", "return False"),
    Rule("where nobody can tell, it waits", "outbox/transitions.py",
         "return Step.SEND if look.guarded and not tried else Step.WAIT", "return Step.SEND"),
    Rule("Ctrl-C takes back what was not sent", "outbox/outbox.py",
         'self._given_up(self.journal.get(operation.id), "Interrupted.", own)', "self.journal.get(operation.id)"),
    Rule("a script's key counts for ever", "outbox/journal.py", " AND changed_at < ? AND key IS NULL", " AND changed_at < ?"),
    Rule("time that waits counts as taken", "delivery/sender.py", "for each in here if _takes_time(each)]", "for each in here if False]"),
    Rule("what is approved later is what was seen", "delivery/recognise.py",
         "if operation.kind is Kind.APPROVE and not same:", "if False:"),
    # --- many ---
    Rule("nobody else sends what an act is sending", "outbox/outbox.py",
         "with self._alone(WAIT):\n            return batch", "if True:\n            return batch"),
    Rule("rows are in doubt from before their call", "outbox/batch.py", "transitions.sending(each, now, ahead) for each", "each for each"),
    Rule("what was not sent is taken back", "outbox/batch.py", "if why.verdict is not Verdict.NOT_SENT:", "if False:"),
    Rule("without a connection it waits", "outbox/batch.py", "if why.verdict is not Verdict.NOT_SENT:", "if True:"),
    Rule("what an answer does not tell is looked for", "outbox/batch.py", "if told is None:\n                yield operation, True", "if told is None:\n                pass"),
    Rule("what is not there is sent alone", "outbox/batch.py",
         "operation.id in self._own)\n        return None", "operation.id in self._own)\n        return transitions.done(operation, None)"),
    Rule("what is counted and not listed is not sent again", "outbox/batch.py", "if told is None and unlisted:", "if False:"),
    Rule("a place that was not left is not free", "outbox/batch.py", "if any(state is not State.DONE for state in before):", "if False:"),
    Rule("what needs a place waits for it", "outbox/batch.py", " or set(operation.after) & set(going):", ":"),
    Rule("no change overtakes an older one of the same entry", "outbox/batch.py",
         " or operation.entry_id in self._older:", ":"),
    Rule("rows of an earlier run are looked for first", "outbox/batch.py", "going = self._not_found(going)", "going = [*going]"),
    Rule("an entry is one row's only", "delivery/recognise.py", "taken |= {found.id} if found else set()", "pass"),
    Rule("an interrupted call stays in doubt", "outbox/batch.py",
         'return [*calls, Call(part, [Interrupted("Interrupted.")] * len(part))], pressed', "return calls, pressed"),
    Rule("a call that did not leave leaves no doubt", "outbox/batch.py",
         "self._save([self._restored(each, before[each.id]) for each in sending if each.id not in left])", "pass"),
    Rule("a missing right ends the run", "outbox/batch.py", "isinstance(result.error, RoleForbids) or ", ""),
    Rule("rows that overlap are faulty", "bulk/plan.py", "elif clash := diary.clash(start, end):", "elif clash := None:"),
    Rule("rows that are there already are not sent", "bulk/plan.py", "if found := same.get(_place(draft.asked)):", "if found := None:"),
    Rule("rows that an earlier run left are gone on with", "bulk/plan.py",
         "waiting.get(draft.place, new)", "new"),
    Rule("until it is known whose key this is, rows go alone", "delivery/sender.py",
         "if kind is Kind.CREATE and work_items.own_user(self._on.client, self._on.cache) is None:", "if False:"),
    Rule("what is deleted is read back", "delivery/recognise.py", "Seen.NOT_DONE if about(each) in there else Seen.DONE", "Seen.DONE"),
    Rule("what is changed is read back", "delivery/recognise.py",
         "if operation.kind is Kind.EDIT and not unmet(operation.asked, entry, self._on.zone):", "if operation.kind is Kind.EDIT:"),
    Rule("what another client changed after ours stands", "outbox/batch.py", "if told is None and look and _changed_by_others(operation, look):", "if False:"),
    Rule("Ctrl-C at a commit takes back what was not sent", "outbox/batch.py", "new = self._journal.of_act()", "new = self._journal.of_act()[:0]"),
    Rule("only a ring goes as one", "bulk/plan.py", "or _ring(left, needs)", "or left"),
    Rule("later, too, a change waits for the other", "outbox/outbox.py", "each.id in operation.after or ", ""),
    Rule("an edit that a server ignores is no change", "delivery/sender.py", "if not operation.timer and (said :=", "if False and (said :="),
    # --- the day, and taking back ---
    Rule("undo: what was changed since is left", "outbox/undo.py", "entry.content != stored.content", "False"),
    Rule("undo: what was approved since is left", "outbox/undo.py", "entry.approval_status != stored.approval_status:", "False:"),
    Rule("undo: looked at again after the question", "commands/undo.py",
         "        plans = _plans(session, act)  # what was changed", "        # what was changed"),
    Rule("undo: parts and the whole, both or none", "outbox/undo.py", "refused |= dict.fromkeys(members, why)", "pass"),
    Rule("undo: the part is deleted before the entry has its time", "outbox/undo.py", "plan.inverse._replace(after=after)", "plan.inverse"),
    Rule("undo: only a draft is created again", "outbox/undo.py",
         'if before.approval_status not in (None, "DRAFT"):', "if False:"),
    Rule("undo: a script's key stays spent", "outbox/undo.py", "state=State.DROPPED, undone=True", "state=State.DROPPED"),
    Rule("undo: a script's act needs its number", "commands/undo.py", "act.typed and not (act.undone", "not (act.undone"),
    Rule("split: a part that is refused is not closed", "outbox/transitions.py",
         "bool(operation.after) and operation.kind is Kind.CREATE", "False"),
    Rule("split: billable minutes have the same sum", "commands/split.py",
         "[after - before for before, after in zip([0, *upto], upto, strict=False)]", "[each // len(upto) for each in upto]"),
    Rule("split: only drafts", "commands/split.py", 'if entry.approval_status not in (None, "DRAFT"):', "if False:"),
    Rule("several spans are held against each other", "commands/log.py", "            raise Overlaps(f", "            str(f"),
    Rule("a forgotten timer is not recorded", "commands/stop.py",
         "if running.minutes(now) <= session.profile.longest_timer:", "if True:"),
    Rule("fill: replies are kept until they are recorded", "commands/fill.py", "proposals.keep(path, [*others, *kept])", "pass"),
)  # fmt: skip


def caught(rule: Rule, tests: tuple[str, ...], copy: Path) -> str:
    """The test that sees the rule missing; '' for none."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-p",
        "no:cacheprovider",
        "-o",
        "addopts=--import-mode=importlib",
        "-q",
    ]
    env = {**os.environ, "PYTHONPATH": str(copy / "src"), "PYTHONDONTWRITEBYTECODE": "1", "ALGA_TEST_EXAMPLES": "200"}
    done = subprocess.run([*command, *tests], cwd=copy, env=env, capture_output=True, text=True, check=False)
    failed = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    assert done.returncode in (0, 1), f"{rule.name}: {done.stdout[-2000:]}{done.stderr[-500:]}"
    return failed[1] if failed else ""


def broken(rule: Rule, copy: Path) -> None:
    """The copy, without the rule."""
    path = copy / "src" / "alga" / rule.file
    text = path.read_text(encoding="utf-8")
    assert rule.text in text, f"{rule.name}: {rule.text!r} is not in {rule.file} any more"
    path.write_text(text.replace(rule.text, rule.instead), encoding="utf-8")


def main() -> int:
    """Take out those rules whose names have a word of the command line in them, or all."""
    wanted = [rule for rule in RULES if not sys.argv[1:] or any(word in rule.name for word in sys.argv[1:])]
    survived = []
    nothing = Rule("with every rule in its place", "outbox/batch.py", "", "")
    for rule in (nothing, *wanted):
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as directory:
            copy = Path(directory) / "alga"
            for name in ("src", "tests", "docs", "pyproject.toml", "README.md"):
                source = ROOT / name
                if source.is_dir():
                    shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
                else:
                    shutil.copy(source, copy / name)
            broken(rule, copy)
            where = (QUICK, OTHERS, MACHINE) if rule is not nothing else (QUICK, OTHERS)
            test = next(filter(None, (caught(rule, tests, copy) for tests in where)), "")
        if rule is nothing:
            assert not test, f"{test} fails {rule.name}"
            continue
        print(f"{rule.name:58} {time.monotonic() - began:5.0f} s  {test or 'SURVIVED'}", flush=True)
        survived += [] if test else [rule.name]
    print(f"{len(wanted)} rules, {len(survived)} survived.")
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
