"""What mkdocs is told beyond mkdocs.yml: pages from files outside ``docs``, and links that fit.

The pages are written to be read in a checkout, where ``../examples/first_run.py`` is a file. On the
site it is a page that is made here; so are the tutorials, the pages at the top of the checkout and
the decisions' index.
"""

import re
import shutil
from pathlib import Path, PurePosixPath
from typing import Any

from formulas import drawn, marked
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.plugins import event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from notebooks import page_of, sources

ROOT = Path(__file__).resolve().parents[2]
PLANES = ("drivers", "simulator", "gui")  # they stand beside the package in a checkout
# pages that are read at the top of a checkout, and what they are called on the site
TOP_PAGES = {
    "ARCHITECTURE.md": "architecture.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
}
# what a link in a page may name outside docs, beside files that have a page of their own
PLACES = {
    "README.md": "index.md",
    "examples": "examples/index.md",
    "docs/tutorials": "tutorials/index.md",
    "docs/decisions": "decisions/index.md",
    "gui/start/labs": "examples/window.md",
    "gui/start/recipes": "examples/window.md",
}
LESSONS = """# Lessons

Short notebooks on the simulator; each ends with a task that is graded on a truth which the notebook
cannot see. They are [jupytext](https://jupytext.readthedocs.io) files in `docs/tutorials/`:
open them as notebooks, or run them as scripts.

"""
LINK = re.compile(r"(?<=\]\()([^)\s]+)(?=\))")
FENCE = re.compile(r"^(```|~~~)")
ITEM = re.compile(r"([-*]|\d+\.) ")


@event_priority(100)  # before mkdocstrings looks at its settings
def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put the package as a wheel has it where mkdocstrings looks for it."""
    whole = ROOT / "build" / "docs" / "spm_auto"
    shutil.rmtree(whole, ignore_errors=True)
    only_python = shutil.ignore_patterns("__pycache__", "*.pyi", "*.nbi", "*.nbc")
    shutil.copytree(ROOT / "spm_auto", whole, ignore=only_python)
    for plane in PLANES:
        shutil.copytree(ROOT / plane, whole / plane, ignore=only_python)
    config.nav = _expanded(config.nav)
    handlers: dict[str, Any] = config.plugins["mkdocstrings"].config.handlers
    handlers["python"]["paths"] = [str(whole.parent)]
    return config


def _expanded(nav: Any) -> Any:
    """Return the navigation with what it names.

    ``folder/*`` stands for all pages of a folder, index first; ``page.md?`` for a page that a
    command makes and that may not have been made yet.
    """
    if isinstance(nav, list):
        found = [_expanded(each) for each in nav]
        return [each for each in found if each not in (None, {})]
    if isinstance(nav, dict):
        named = {title: _expanded(where) for title, where in nav.items()}
        return {title: where for title, where in named.items() if where is not None}
    if nav.endswith("?"):
        return nav[:-1] if (ROOT / "docs" / nav[:-1]).is_file() else None
    folder, star, rest = nav.partition("/*")
    if not star or rest:
        return nav
    stems = {path.stem for kind in ("*.md", "*.py") for path in (ROOT / "docs" / folder).glob(kind)}
    return [f"{folder}/{stem}.md" for stem in ("index", *sorted(stems - {"index"}))]


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that are made from files which are no pages."""
    made: dict[str, str | bytes] = {}
    made |= {target: _read(ROOT / source) for source, target in TOP_PAGES.items()}
    made |= _example_pages()
    made |= _lesson_pages()
    made["decisions/index.md"] = _decisions()
    for target, text in made.items():
        files.append(File.generated(config, target, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, files: Files, **_: object) -> str:
    """Let links lead to pages of the site, and lists begin where GitHub lets them."""
    here = page.file.src_uri
    if here.startswith("tutorials/"):
        markdown = marked(markdown)
    origin = {target: source for source, target in TOP_PAGES.items()}.get(here, f"docs/{here}")
    lines: list[str] = []
    in_code = False
    for line in markdown.splitlines():
        if FENCE.match(line.lstrip()):
            in_code = not in_code
        elif not in_code:
            if ITEM.match(line) and lines and _is_text(lines[-1]):
                lines.append("")  # Python-Markdown needs it, GitHub does not
            line = LINK.sub(lambda found: _moved(found[1], origin, here, files), line)
        lines.append(line)
    return "\n".join(lines) + "\n"


def on_page_content(html: str, **_: object) -> str:
    """Draw the formulas of a lesson."""
    return drawn(html)


def _is_text(line: str) -> bool:
    return bool(line.strip()) and not line.startswith((" ", "|", "#", ">")) and not ITEM.match(line)


def _moved(link: str, origin: str, here: str, files: Files) -> str:
    """Return where a link of a page leads on the site; as it is where it needs no change."""
    path, mark, anchor = link.partition("#")
    if not path or ":" in path:
        return link
    target = _normal(PurePosixPath(origin).parent / path)
    page = PLACES.get(target) or TOP_PAGES.get(target) or _page_of(target)
    if page is None or files.get_file_from_path(page) is None:
        return link  # mkdocs says that it leads nowhere
    up = len(PurePosixPath(here).parent.parts)
    return "../" * up + page + mark + anchor


def _page_of(target: str) -> str | None:
    path = PurePosixPath(target)
    if target.startswith("docs/tutorials/") and path.suffix == ".py":
        return f"tutorials/{path.stem}.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    if target.startswith(("examples/", "benchmarks/campaigns/")):
        return f"examples/{path.name.replace('.', '_')}.md"
    return None


def _normal(path: PurePosixPath) -> str:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _example_pages() -> dict[str, str]:
    """Return a page for each example, one for the window's own, and their index."""
    folder = ROOT / "examples"
    sources = sorted(folder.glob("*.toml")) + sorted(folder.glob("*.py"))
    campaigns = sorted((ROOT / "benchmarks" / "campaigns").glob("*.toml"))
    pages = {f"examples/{_slug(path)}.md": _example(path) for path in sources + campaigns}
    labs = [path for path in sources if path.name.startswith("lab_")]
    recipes = [path for path in sources if path.suffix == ".toml" and path not in labs]
    scripts = [path for path in sources if path.suffix == ".py"]
    index = ["# Examples", "", "All of them are in `examples/` of the checkout; tests run them."]
    for title, group in (
        ("Recipes", recipes),
        ("Lab files", labs),
        ("Scripts", scripts),
        ("Campaigns", campaigns),
    ):
        if group:
            index += ["", f"## {title}", "", "| file | what it is |", "| --- | --- |"]
            index += [f"| [{path.name}]({_slug(path)}.md) | {_about(path)} |" for path in group]
    index += ["", "The window brings [small ones of its own](window.md).", ""]
    pages["examples/index.md"] = "\n".join(index)
    start = sorted((ROOT / "gui" / "start").glob("*/*.toml"))
    shown = "".join(f"\n## {path.parent.name}/{path.name}\n{_fenced(path)}" for path in start)
    pages["examples/window.md"] = f"# What the window brings along\n{shown}"
    return pages


def _example(path: Path) -> str:
    where = path.relative_to(ROOT).as_posix()
    head = "---\nsearch: { boost: 0.3 }\n---\n\n"
    return head + f"# {path.name}\n\n`{where}`: {_about(path)}\n{_fenced(path)}"


def _fenced(path: Path) -> str:
    language = {".py": "python", ".toml": "toml"}[path.suffix]
    return f"\n````{language}\n{_read(path).rstrip()}\n````\n"


def _about(path: Path) -> str:
    """Return what a file says about itself in its first comment, title or docstring."""
    text = _read(path)
    if path.suffix == ".py":
        return text.removeprefix('"""').split("\n")[0].rstrip('"')
    titled = re.search(r'^(?:title|laboratory) = "(.+)"', text, re.MULTILINE)
    if titled:
        return titled[1]
    first = text.split("\n")[0]
    return first.removeprefix("# ") if first.startswith("# ") else path.stem


def _slug(path: Path) -> str:
    return path.name.replace(".", "_")


def _decisions() -> str:
    pages = sorted((ROOT / "docs" / "decisions").glob("0*.md"))
    rows = [f"- [{_read(path).splitlines()[0].lstrip('# ')}]({path.name})" for path in pages]
    head = ["# Decisions", "", "Why it is built as it is, one page each, in the order of time.", ""]
    return "\n".join(head + rows) + "\n"


def _lesson_pages() -> dict[str, str | bytes]:
    """Return a page for each lesson, with its pictures, and their index."""
    pages = {source.stem: page_of(source) for source in sources()}
    if not pages:
        return {}
    made: dict[str, str | bytes] = {}
    for stem, page in pages.items():
        made[f"tutorials/{stem}.md"] = page.text
        made |= {f"tutorials/{name}": data for name, data in page.pictures.items()}
    rows = [f"- [{page.title}]({stem}.md)" for stem, page in pages.items()]
    made["tutorials/index.md"] = LESSONS + "\n".join(rows) + "\n"
    return made
