"""`trex data`: what operators there are, what a data file looks like, what a recipe makes of one; without a search."""

from __future__ import annotations

import argparse
import codecs
import difflib
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import cast, get_args

import msgspec

from engine import taskdata
from engine.aidp import manual
from engine.aidp.job import Limits
from engine.aidp.kinds.loading import Encoding, Layout
from engine.aidp.reading import folders
from engine.aidp.recipe import Load, Recipe, operator_name
from engine.aidp.request import Profiled, ProfileData, Ran, RunData
from engine.amounts import duration, size
from engine.errors import BadInput
from engine.files import expanded, fingerprint, is_file
from engine.task import EXTRA, load_task
from engine.workspace import Workspace
from trex_tui.commands import data_child, data_json, data_models, data_out, data_recipe, data_text
from trex_tui.commands.run import task_folder

CACHE, KEPT = "aidp", "aidp-kept"  # below the workspace's cache


def schema(options: argparse.Namespace) -> int:
    """The operators as text, as a table in Markdown, or as JSON schema."""
    known = {operator_name(kind): kind for kind in manual.kinds()}
    if options.operator and options.operator not in known:
        near = difflib.get_close_matches(options.operator, known, n=1, cutoff=0.5)
        hint = f"did you mean `{near[0]}`?" if near else "see `trex data schema`"
        raise BadInput(f"no operator `{options.operator}`", hint=hint)
    chosen = [known[options.operator]] if options.operator else list(known.values())
    if options.json:
        print(data_json.encoded(manual.schema_of(chosen[0]) if options.operator else manual.schema()))
    elif options.markdown:
        _say(data_text.markdown(map(manual.manual, chosen)))
    else:
        _say(data_text.operators(map(manual.manual, chosen), _width()))
    return 0


def profile(options: argparse.Namespace) -> int:
    """What a person wants to know of a data file."""
    file = _file(options.file)
    layouts = get_args(Layout)
    if options.layout not in layouts:
        raise BadInput(f"no layout `{options.layout}`", where="--layout", hint=f"one of {', '.join(layouts)}")
    with data_child.passing(options.space) as folder, data_child.Line() as line:
        request = ProfileData(
            file=str(file),
            scratch=str(folder / "scratch"),
            layout=options.layout,
            encoding=_encoding(options.encoding),
            models=data_models.named(options.base_model, "", options.space),
        )
        answer = data_child.ask(options.space, request, line)
    assert isinstance(answer, Profiled)
    if options.json:
        print(data_json.encoded(answer.profile))
    else:
        _say(data_text.profile(answer.profile, _width()))
    return 0


def run(options: argparse.Namespace) -> int:
    """A recipe over a file, or over a task's train split."""
    _fits(options)
    recipe = data_recipe.read(expanded(options.recipe), options.seed)
    with ExitStack() as stack:
        folder = stack.enter_context(data_child.passing(options.space))
        request = _request(options, recipe, folder)
        data_models.check(recipe, request.models, options.space)
        data_child.encoded(request)
        if options.out:
            place = data_out.beside(options.out, options.force, request, options.recipe)
            request = msgspec.structs.replace(request, result=str(stack.enter_context(place)))
        kept = stack.enter_context(_kept(options, request))
        with data_child.Line() as line:
            answer = data_child.ask(options.space, msgspec.structs.replace(request, kept=kept), line)
    assert isinstance(answer, Ran)
    if options.json:
        print(data_json.encoded(answer))
    else:
        _say(data_text.ran(answer, _width(), options.preview, str(options.out or "")))
    return 0


def _fits(options: argparse.Namespace) -> None:
    """What cannot be asked for together. Raises BadInput."""
    if options.file and options.task:
        raise BadInput("a file and --task are given", hint="run the recipe over one of them")
    if options.out and options.preview:
        raise BadInput("--preview writes nothing, and --out is given", hint="leave out one of them")
    if options.holdout and options.task:
        raise BadInput("--holdout and --task are given", hint="a task's own splits are held out already")
    if options.first and not options.file:
        hint = "name a file, or write `rows` into the recipe's `load`, or begin with `sample_random`"
        raise BadInput("--first takes rows of a file, and none is named", hint=hint)
    if options.encoding and not options.file:
        hint = "write `encoding` into the recipe's `load`"
        raise BadInput("--encoding is that of a file, and none is named", hint=hint)


def _encoding(name: str) -> Encoding:
    """The encoding of this name, which may be written as elsewhere (UTF8, windows-1252). Raises BadInput."""
    known = {codecs.lookup(one).name: one for one in get_args(Encoding)}
    try:
        return cast(Encoding, known[codecs.lookup(name or "utf-8").name])
    except (LookupError, ValueError):
        hint = f"one of {', '.join(known.values())}; save it as UTF-8 where it is another one"
        raise BadInput(f"no encoding `{name}`", where="--encoding", hint=hint) from None


def _request(options: argparse.Namespace, recipe: Recipe, folder: Path) -> RunData:
    loads = bool(recipe.operators) and isinstance(recipe.operators[0], Load)
    if options.file and loads:
        hint = "leave out one of them"
        raise BadInput("the recipe begins with `load`, and a file is named too", where=str(options.recipe), hint=hint)
    request = RunData(
        recipe=recipe,
        result=str(folder / "result"),
        scratch=str(folder / "scratch"),
        holdout=tuple(str(_file(path)) for path in options.holdout),
        root=str(expanded(options.recipe).resolve().parent),
        limits=_limits(options),
        encoding=_encoding(options.encoding),
        rows=options.first,
        models=data_models.named(options.base_model, options.language_model, options.space),
        cache=str(options.space.cache / CACHE) if options.cache else "",
        writes=bool(options.out) or bool(options.preview),
    )
    if options.file:
        file = _file(options.file)
        return msgspec.structs.replace(request, file=str(file), root=str(file.parent))
    if options.task:
        return _of_task(options.task, options.space, request)
    if not loads:
        hint = "name a data file after the recipe, or a task with --task"
        raise BadInput("the recipe loads nothing", where=str(options.recipe), hint=hint)
    return request


def _of_task(name: str, space: Workspace, request: RunData) -> RunData:
    """The task's train split, its guards, its format; files of its `extra/`."""
    folder = task_folder(name)
    task = load_task(folder)
    splits = taskdata.materialise(task, folder, space.create(), offline=True)
    extra = folder / EXTRA
    return msgspec.structs.replace(
        request,
        train=str(taskdata.split_path(splits, "train")),
        guards=str(taskdata.guards_path(splits)),
        root=str(extra) if extra.is_dir() else "",
        prompt=task.format.prompt,
        answer=task.format.answer,
        models=msgspec.structs.replace(request.models, template=task.format.template, system=task.format.system),
    )


@contextmanager
def _kept(options: argparse.Namespace, request: RunData) -> Iterator[str]:
    """A folder for costly work of this very request: there again after an interrupt, gone when all is done."""
    if not options.cache:
        yield ""
        return
    same = msgspec.structs.replace(request, result="", scratch="", writes=False)
    files = [data_models.sums(Path(path)) for path in (request.file, request.train) if path]
    folder = options.space.cache / KEPT / fingerprint([same, files])
    try:
        yield str(folder)
        shutil.rmtree(folder, ignore_errors=True)
    finally:
        with suppress(OSError):
            folder.rmdir()  # nothing is worth keeping


def _limits(options: argparse.Namespace) -> Limits:
    return Limits(
        rows=options.limit_rows,
        memory=_amount("--limit-memory", options.limit_memory),
        bytes=_amount("--limit-bytes", options.limit_bytes),
        seconds=duration(options.limit_time),
        broken=options.limit_broken,
        processes=options.processes,
    )


def _amount(option: str, text: str) -> int:
    try:
        return size(text)
    except BadInput as error:
        raise BadInput(f"`{text[:40]}` is no number of bytes", where=option, hint=error.hint) from None


def _file(path: Path) -> Path:
    """The whole path of a data file, or of a folder of such. Raises BadInput: neither is there."""
    found = expanded(path)
    if not is_file(found) and not folders.is_data(found):
        what = "this is a folder without data files" if found.is_dir() else "no such data file"
        raise BadInput(what, where=str(path), hint="check the path")
    return folders.located(found)


def _say(text: str) -> None:
    """Print; without the letters that only a Unicode terminal has where it is none."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = text.translate(data_text.PLAIN)
    print(text)


def _width() -> int:
    """Cells of a line: the terminal's, or 100 where nobody looks at one."""
    return shutil.get_terminal_size((100, 24)).columns
