"""The documentation is held against the program: examples parse, links lead somewhere, nothing is missing."""

from __future__ import annotations

import argparse
import importlib
import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from pacewright import errors
from pacewright.cli import main as command_line
from pacewright.cli.arguments import Parser
from pacewright.cluster.cib.parse import parse
from pacewright.cluster.snapshot import Snapshot
from pacewright.service import fact
from pacewright.service.survey import Survey

ROOT = Path(__file__).parents[2]
SERVICES = sorted((ROOT / "docs" / "services").glob("*.md"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")), *SERVICES]
LINKED = [*PAGES, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs" / "decisions").glob("*.md"))]
COMMANDS = tuple(command_line._COMMANDS)
PAGE_OF = {
    "service": "docs/service.md",
    "resource": "docs/resource.md",
    "owed": "docs/service.md",
    "reconcile": "docs/service.md",
    "guard": "docs/guard.md",
    "fact": "docs/fact.md",
    "history": "docs/history.md",
    "lab": "docs/lab.md",
    "demo": "README.md",
}
CIB = ROOT / "tests" / "golden" / "cibs" / "bookworm-constraints.xml"


def parser_of(command: str) -> argparse.ArgumentParser:
    """The real one, as `pacewright COMMAND` makes it."""
    module = importlib.import_module(f"pacewright.cli.{command}")
    parser = Parser(prog=f"pacewright {command}")
    module.configure(parser)
    return parser


def verbs_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def options_of(parser: argparse.ArgumentParser) -> Iterator[list[str]]:
    """Each option that `--help` shows, with all its names."""
    for action in parser._actions:
        if action.option_strings and action.dest != "help" and action.help != argparse.SUPPRESS:
            yield list(action.option_strings)


# -- reading pages ----------------------------------------------------------------------------------------------------


def code_lines(text: str) -> Iterator[str]:
    """The lines of indented and of fenced code blocks."""
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced or line.startswith("    "):
            yield line.strip()


def prose(text: str) -> str:
    """Everything but code blocks; only there `code` in the middle of a line means something."""
    fenced = re.sub(r"(?ms)^```.*?^```", "", text)
    return "\n".join(line for line in fenced.splitlines() if not line.startswith("    "))


def invocations(line: str) -> Iterator[list[str]]:
    """The command lines of ours on a line of a code block; those that one of them runs in a node, too."""
    bare = re.sub(r"^[#$] ", "", line)
    for piece in re.split(r"&&|\|\||[;&`]|\$\(|\)", bare):
        words = re.sub(r"\S*python3? -m pacewright\b", "pacewright", piece).split("#", 1)[0]
        found = re.search(r"^(?:time |exec )?pacewright\s+(?!:)(.*)$", words.strip())
        if found is not None:
            argv = shlex.split(re.sub(r"\d?>.*", "", found[1]))
            yield argv
            if "--" in argv and argv[argv.index("--") + 1 :][:1] == ["pacewright"]:
                yield argv[argv.index("--") + 2 :]


def is_pattern(argv: list[str]) -> bool:
    return any(character in word for word in argv for character in "[]|") or "..." in argv


def examples() -> list[tuple[str, list[str]]]:
    return [
        (page.name, argv)
        for page in PAGES
        for line in code_lines(page.read_text(encoding="utf-8"))
        for argv in invocations(line)
    ]


def patterns() -> list[tuple[str, list[str]]]:
    """What is a synopsis, or is named in the middle of a sentence, where placeholders stand and parts are left out."""
    named = [
        (page.name, words.split())
        for page in PAGES
        for words in re.findall(r"`pacewright ([^`]+)`", prose(page.read_text(encoding="utf-8")).replace("\n", " "))
    ]
    return [(page, argv) for page, argv in examples() if is_pattern(argv)] + named


def identity(example: tuple[str, list[str]]) -> str:
    return f"{example[0]}: {' '.join(example[1])}"


# -- examples ---------------------------------------------------------------------------------------------------------


def test_the_pages_have_examples() -> None:
    assert len(examples()) >= 30
    assert len(patterns()) >= 10
    assert {"README.md", "service.md", "fact.md", "lab.md"} <= {page for page, _ in examples()}


@pytest.mark.parametrize("example", [e for e in examples() if not is_pattern(e[1])], ids=identity)
def test_an_example_parses(example: tuple[str, list[str]], capsys: pytest.CaptureFixture[str]) -> None:
    command, *rest = example[1]
    if command in {"--help", "--version"}:
        return
    assert command in COMMANDS
    code: object = 0
    try:
        parser_of(command).parse_args(rest)
    except SystemExit as end:
        code = end.code
    assert code == 0, capsys.readouterr().err


@pytest.mark.parametrize("pattern", patterns(), ids=identity)
def test_what_a_synopsis_names_exists(pattern: tuple[str, list[str]]) -> None:
    words = [word for raw in pattern[1] for word in re.split(r"[\[\]|,]", raw) if word]
    command, *rest = words
    if command == "COMMAND" or command.startswith("-"):
        return
    assert command in COMMANDS
    parser = parser_of(command)
    verbs = verbs_of(parser)
    known = {name for one in (parser, *verbs.values()) for names in options_of(one) for name in names} | {
        "--",
        "--help",
    }
    own = rest[: rest.index("--")] if "--" in rest else rest
    if verbs and own and not own[0].startswith("-") and own[0] not in {"VERB", "..."}:
        assert own[0] in verbs
    assert [word for word in own if word.startswith("-") and word.partition("=")[0] not in known] == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("pacewright lab up   # a comment", [["lab", "up"]]),
        ("# pacewright fact", [["fact"]]),
        ("pacewright: web: not restarted", []),
        (
            ".venv/bin/python -m pacewright lab exec n1 -- pacewright service list",
            [["lab", "exec", "n1", "--", "pacewright", "service", "list"], ["service", "list"]],
        ),
        ("pacewright service status web >/dev/null && echo up", [["service", "status", "web"]]),
        ('printf "%s" "$(pacewright fact)"', [["fact"]]),
    ],
)
def test_how_examples_are_found(line: str, expected: list[list[str]]) -> None:
    assert list(invocations(line)) == expected


@pytest.mark.parametrize("argv", [["service", "restrat", "web"], ["service", "restart", "web", "--now"], ["lab", "on"]])
def test_a_wrong_example_would_be_found(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parser_of(argv[0]).parse_args(argv[1:])
    capsys.readouterr()


# -- nothing is missing -----------------------------------------------------------------------------------------------


def test_every_command_has_a_page_and_the_readme_names_it() -> None:
    assert set(PAGE_OF) == set(COMMANDS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [command for command in COMMANDS if f"`{command}`" not in readme] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_every_verb_and_option_is_on_its_page(command: str) -> None:
    text = (ROOT / PAGE_OF[command]).read_text(encoding="utf-8")
    parser = parser_of(command)
    verbs = verbs_of(parser)
    missing = [verb for verb in verbs if not re.search(rf"`{verb}\b|\bpacewright {command} {verb}\b", text)]
    for one in (parser, *verbs.values()):
        missing += [names[0] for names in options_of(one) if not any(_mentioned(name, text) for name in names)]
    assert missing == []


def _mentioned(option: str, text: str) -> bool:
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", text) is not None


def fields(value: object) -> set[str]:
    """Every key in a JSON value, but not those that are names of nodes and services."""
    if isinstance(value, list):
        return {key for item in value for key in fields(item)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for item in value.values() for key in fields(item)}


def documented(page: str) -> set[str]:
    return set(re.findall(r"`(\w+)`", (ROOT / page).read_text(encoding="utf-8")))


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    """A recorded cluster stands where the real one would."""
    snapshot = parse(CIB.read_bytes())
    monkeypatch.setattr(fact, "read", lambda **_: snapshot)
    monkeypatch.setattr(Survey, "_snapshot", lambda *_, **__: snapshot)
    return snapshot


def test_every_field_of_the_fact_is_on_its_page(recorded: Snapshot, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_line.main(["fact"]) == 0
    told = json.loads(capsys.readouterr().out)
    names = {*recorded.nodes, *told["services"]}
    assert fields(told) - names - documented("docs/fact.md") == set()
    assert told["services"], "a cluster without services would prove nothing"


def test_every_field_of_list_is_on_its_page(recorded: Snapshot, capsys: pytest.CaptureFixture[str]) -> None:
    del recorded
    assert command_line.main(["service", "list", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert any(service["instances"] for service in told["services"])
    assert fields(told) - documented("docs/service.md") == set()


def test_every_field_of_the_history_is_on_its_page(capsys: pytest.CaptureFixture[str]) -> None:
    log = ROOT / "tests" / "golden" / "pictures" / "history.jsonl"
    assert command_line.main(["history", "--json", "--file", str(log)]) == 0
    told = json.loads(capsys.readouterr().out)
    kinds = {entry["kind"] for entry in told["entries"]}
    assert kinds == {"call", "seen", "decision", "intent", "commit", "conflict", "end"}
    for entry in told["entries"]:
        entry.pop("options", None)  # they are on the pages of their commands
        entry.pop("edits_cut", None)
    assert (fields(told) | kinds) - documented("docs/history.md") == set()


# -- links and codes --------------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"(?m)^#+ +(.+?) *$", page.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", LINKED, ids=lambda page: page.name)
def test_every_relative_link_resolves(page: Path) -> None:
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or (anchor and anchor not in anchors(found)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_of_ours_that_is_named_exists(page: Path) -> None:
    named = re.findall(r"`((?:bench|integrations|script|src|tests)/[\w./-]+)`", page.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_the_page_about_puppet_names_the_tests_with_and_without_a_server() -> None:
    page = (ROOT / "docs" / "puppet.md").read_text(encoding="utf-8")
    assert {"`tests/lab/test_openstack.py`", "`tests/lab/test_puppet_server.py`"} <= set(re.findall(r"`[^`\n]+`", page))


def test_every_record_is_in_the_list_of_decisions() -> None:
    folder = ROOT / "docs" / "decisions"
    listed = set(re.findall(r"\((\d{4}-[\w.-]+)\)", (folder / "README.md").read_text(encoding="utf-8")))
    assert listed == {page.name for page in folder.glob("[0-9]*.md")}


def test_every_page_can_be_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    beside = [page for page in PAGES[1:] if page not in SERVICES]
    assert [page.name for page in beside if f"(docs/{page.name})" not in readme] == []
    assert "(docs/services/README.md)" in readme


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_exit_code_that_is_named_exists(page: Path) -> None:
    known = {getattr(errors, name).exit_code for name in errors.__all__} | {0, 3, 130}
    text = page.read_text(encoding="utf-8")
    said = re.findall(r"\b(?:exit )?code (\d+)\b|\bends? with (?:code )?(\d+)\b(?!:)", text)
    codes = {int(number) for pair in said for number in pair if number}
    listed = re.search(r"(?s)Exit codes: (.*?)(?:\n\n|$)", text)
    codes |= {int(number) for number in re.findall(r"(?:^|, |; )(\d+) [a-z]", listed[1] if listed else "")}
    assert codes - known - {102, 103, 124} == set()  # these are cibadmin's
