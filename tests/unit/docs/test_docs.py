"""What the hand-written pages say is what the code does: links, canvases, decisions, commands."""

import os
import re
from collections.abc import Iterator
from importlib import import_module
from inspect import getmembers
from pathlib import Path
from types import ModuleType

import pytest

from shared.events import CATALOGUE
from shared.runtime.variables import SERVICES

ROOT = Path(__file__).parents[3]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("*.md"))
#: Folders that are none of ours, or hold what was made here.
FOREIGN = {"node_modules", "__pycache__", "build", "dist"}

CODE_BLOCK = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
EVERY_ROLE = "every role of the house"


def pages() -> list[Path]:
    """Return every Markdown page of the project."""
    found: list[Path] = []
    for folder, inner, files in os.walk(ROOT):
        # not even entered: in the home of the engines, folders come and go meanwhile
        inner[:] = [name for name in inner if name not in FOREIGN and not name.startswith(".")]
        found += [Path(folder, name) for name in files if name.endswith(".md")]
    return sorted(found)


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def prose(page: Path) -> str:
    """Return a page without its code."""
    return CODE.sub("", CODE_BLOCK.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """Return the anchors that the headings of a page make."""
    headings = HEADING.findall(CODE_BLOCK.sub("", page.read_text(encoding="utf-8")))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def section(page: Path, title: str) -> str:
    """Return what stands under a heading of the second level."""
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"{named(page)} has no section '{title}'"
    return found[1]


def table(text: str) -> Iterator[list[str]]:
    """Yield the rows of the tables of a text, without their heads."""
    in_body = False
    for line in text.splitlines():
        if not line.startswith("|"):
            in_body = False
        elif set(line) <= set("|-: "):
            in_body = True
        elif in_body:
            yield [cell.strip() for cell in line.strip("|").split("|")]


def code(cell: str) -> str:
    """Return what a cell shows as code."""
    found = re.fullmatch(r"`([^`]+)`", cell)
    assert found, f"not code: {cell}"
    return found[1]


def canvas(service: str) -> Path:
    return ROOT / "services" / service / "README.md"


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def module(service: str) -> ModuleType:
    """The module with the nameko class of a service."""
    return import_module(f"services.{service}.service")


@pytest.mark.parametrize("page", pages(), ids=named)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(prose(page)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert target.is_relative_to(ROOT), link
        assert not anchor or anchor in anchors(target), link


@pytest.mark.parametrize("page", pages(), ids=named)
def test_no_page_names_a_place_of_one_machine(page: Path) -> None:
    assert not re.search(r"(?<![\w.])/(work|root|home/\w+)/", page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_test_that_a_page_names_is_in_the_file_beside_it(page: Path) -> None:
    for link, names in re.findall(r"\]\(([^)]*test_\w+\.py)\):((?:,? *`test_\w+`)+)", page.read_text(encoding="utf-8")):
        source = (page.parent / link).read_text(encoding="utf-8")
        for name in re.findall(r"`(\w+)`", names):
            assert f"def {name}(" in source, f"{name} is not in {link}"


def test_a_canvas_says_what_its_service_listens_to(service: str) -> None:
    said = {(code(event), source) for event, source, *_ in table(section(canvas(service), "Listens to"))}

    assert said == {(declared.type, declared.owner) for declared in CATALOGUE if service in declared.listeners}


def test_a_canvas_says_what_its_service_publishes(service: str) -> None:
    said = [code(row[0]) for row in table(section(canvas(service), "Publishes"))]

    assert said == [declared.type for declared in CATALOGUE if declared.owner == service]


@pytest.mark.filterwarnings("ignore:\\s*Eventlet is deprecated")
def test_a_canvas_says_what_its_service_answers(service: str, module: ModuleType) -> None:
    from shared.runtime.auth import HOUSE, Role
    from shared.runtime.http import Endpoint

    methods = getmembers(service_class(module), lambda member: hasattr(member, "nameko_entrypoints"))
    declared = set()
    for _, method in methods:
        for one in method.nameko_entrypoints:
            # an entrypoint that is declared and not yet bound to a container holds what it was made with
            if issubclass(type(one), Endpoint):
                roles = [role.value for role in Role if role in one.roles]
                declared.add((one.method, one.path, EVERY_ROLE if one.roles == HOUSE else ", ".join(roles)))

    rows = list(table(section(canvas(service), "HTTP")))
    assert {(code(method), code(path), roles) for method, path, roles, _ in rows} == declared


@pytest.mark.filterwarnings("ignore:\\s*Eventlet is deprecated")
def test_a_canvas_says_what_its_service_stores(service: str) -> None:
    model = import_module(f"services.{service}.model")
    (kinds,) = [value.kinds for name, value in vars(model).items() if name == f"{service.title()}Model"]

    assert [code(row[0]) for row in table(section(canvas(service), "Stores"))] == list(kinds)


def test_a_canvas_names_the_rule_files_of_its_service(service: str) -> None:
    files = {file.name for file in (ROOT / "services" / service).glob("rules/*.yml")}

    assert set(re.findall(r"\(rules/([\w.]+)\)", section(canvas(service), "Rules"))) == files


def service_class(module: ModuleType) -> type:
    (found,) = [
        value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return found


@pytest.mark.parametrize("page", DECISIONS, ids=named)
def test_a_decision_says_context_choice_and_consequences(page: Path) -> None:
    text = page.read_text(encoding="utf-8")

    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Choice", "Consequences"]
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert len(text.splitlines()) <= 60, "half a page"


def test_decisions_are_numbered_without_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize("page", [page for page in pages() if "reference" not in page.parts], ids=named)
def test_every_make_target_that_a_page_names_is_there(page: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))
    text = page.read_text(encoding="utf-8")
    named_here = set(re.findall(r"`make ([a-z-]+)", text)) | set(
        re.findall(r"^\$? *make ([a-z-]+)", text, re.MULTILINE)
    )

    assert named_here <= targets


def test_the_readme_names_the_two_commands_first() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^make [a-z-]+", text, re.MULTILINE)

    assert commands[:2] == ["make run", "make test"]


@pytest.mark.parametrize("page", pages(), ids=named)
def test_every_command_that_a_page_names_is_there(page: Path) -> None:
    from deploy.cli import niangjia

    context = niangjia.make_context("niangjia", [], resilient_parsing=True)
    known = set(niangjia.list_commands(context))
    named_here = set(re.findall(r"(?:`|^|\s)niangjia ([a-z][a-z-]+)(?=[ `\n])", page.read_text(encoding="utf-8")))

    assert named_here <= known
